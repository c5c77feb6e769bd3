/** The config that `anklet init` writes. Pure. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { VM_LIMIT } from "../../domain/Resources.ts"

/** What a service watches: an organisation, or one repository. */
export interface Watched {
  readonly owner: string
  readonly repo: Option.Option<string>
  /** The REST API of a GitHub that is not github.com. */
  readonly apiUrl: Option.Option<string>
}

/** How the daemon signs in at GitHub. Each secret is in a file of its own. */
export type SignIn =
  | { readonly _tag: "Token"; readonly file: string }
  | { readonly _tag: "App"; readonly id: string; readonly keyFile: string }

/** What the config says. All paths are absolute. */
export interface Answers {
  readonly watched: Watched
  readonly signIn: SignIn
  readonly workDir: string
  readonly logDir: string
}

const NAME = /^[\w.-]+$/

/** The REST API of the host of a web page (docs.github.com/rest, "Getting started with the REST API"). */
const apiOf = (scheme: string, host: string): Option.Option<string> =>
  /^(www\.)?github\.com$/.test(host)
    ? Option.none()
    : Option.some(host.endsWith(".ghe.com") ? `${scheme}://api.${host}` : `${scheme}://${host}/api/v3`)

/** What `OWNER`, `OWNER/REPO` or the address of either at GitHub names; else what is wrong with it. */
export const watchedOf = (text: string): Either.Either<Watched, string> => {
  const [, scheme = "https", host = "github.com", path = ""] =
    text.trim().match(/^(?:(https?):\/\/([^/\s@]+)\/)?([^?#]*)/i) ?? []
  const [owner = "", repo, ...more] = path
    .replace(/\.git\/?$/, "")
    .split("/")
    .filter((part) => part !== "")
  return NAME.test(owner) && (repo === undefined || NAME.test(repo)) && more.length === 0
    ? Either.right({ owner, repo: Option.fromNullable(repo), apiUrl: apiOf(scheme.toLowerCase(), host.toLowerCase()) })
    : Either.left("expected OWNER/REPO, the name of an organisation, or the address of either at GitHub")
}

/** As a YAML scalar; in quotes where it would be read as something else. JSON strings are such scalars. */
const scalar = (text: string): string => (/^[\w.-]*[/][\w./-]*$/.test(text) ? text : JSON.stringify(text))

/** The text of the config: one service for each VM slot of a Mac. */
export const configOf = ({ watched, signIn, workDir, logDir }: Answers): string =>
  [
    `work_dir: ${scalar(workDir)}`,
    "log:",
    `  file_dir: ${scalar(logDir)}`,
    "# One service for each VM slot: a service runs one job at a time, and a Mac runs two macOS VMs.",
    "services:",
    "  - name: RUNNER",
    `    count: ${VM_LIMIT}`,
    "    plugin: github",
    ...(signIn._tag === "Token"
      ? [`    token: ${scalar(`file:${signIn.file}`)}`]
      : [`    app_id: ${signIn.id}`, `    private_key: ${scalar(`file:${signIn.keyFile}`)}`]),
    `    registration: ${Option.isSome(watched.repo) ? "repo" : "org"}`,
    `    owner: ${scalar(watched.owner)}`,
    ...Option.toArray(watched.repo).map((repo) => `    repo: ${scalar(repo)}`),
    ...Option.toArray(watched.apiUrl).map((url) => `    api_url: ${scalar(url)}`),
    ""
  ].join("\n")

/** A template on this Mac, with the tag that is checked out; an empty tag is none. */
export interface LocalTemplate {
  readonly name: string
  readonly uuid: string
  readonly tag: string
}

/** What a workflow says so that a job runs in a VM of this template. Its name is not quoted: a stranger may have given it. */
export const runsOn = ({ uuid, tag }: LocalTemplate): ReadonlyArray<string> => [
  "runs-on:",
  "  - self-hosted",
  "  - anka",
  `  - ${JSON.stringify(`anka-template:${uuid}`)}`,
  ...(tag === "" ? [] : [`  - ${JSON.stringify(`anka-template-tag:${tag}`)}`]),
  '  - "run-id:${{ github.run_id }}"'
]
