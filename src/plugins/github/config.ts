/** The plugin's own keys of a service in the config. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Address from "../../config/Address.ts"
import { AppKey, Token as TokenText } from "../../config/Config.ts"
import { checked, optional, withDefault } from "../../config/fields.ts"
import { App, type Credential, InstalledApp, Level, Token, Watched } from "../../services/GitHub.ts"

/** Default time in which a started runner must come online and get its job, in seconds. */
export const REGISTRATION_TIMEOUT = 300

/** The version of GitHub's runner that is installed where a template has none (github.com/actions/runner/releases). */
export const RUNNER_VERSION = "2.338.0"

/** SHA-256 of that version's archives for macOS, as its release page states them. */
export const RUNNER_SHA256: Readonly<Record<string, string>> = {
  arm64: "df4cebda25c86a886ed204e49fee63f5c2e7cec5f447b5c98440a826bbdf9df2",
  x64: "dea7a58796ce215fc424a8b27c0fdd9b813fa5fc03d109a4a1d38131d6bfa1a3"
}

/** Where runner archives come from; `{arch}` and `{version}` are replaced. */
export const RUNNER_URL =
  "https://github.com/actions/runner/releases/download/v{version}/actions-runner-osx-{arch}-{version}.tar.gz"

const named = (what: string, pattern: RegExp) =>
  checked((text) =>
    pattern.test(text) ? undefined : `expected the name of ${what} alone, as its address at GitHub has it`
  )

/** Hosts whose pages are at another address than their API (docs.github.com/rest, "Getting started with the REST API"). */
const ApiUrl = checked((text) => {
  const wrong = Address.problemOf(text, ["credentials", "parameters", "fragment"])
  if (wrong !== undefined) return wrong
  const { hostname, pathname } = new URL(text)
  if (/^(www\.)?github\.com$/.test(hostname)) return "this is GitHub's web page: its API is at https://api.github.com"
  if (/\.ghe\.com$/.test(hostname) && !hostname.startsWith("api."))
    return `this is a web page: its API is at https://api.${hostname}`
  if (hostname === "api.github.com" && pathname !== "/") return "write https://api.github.com, with nothing behind it"
  return /\/api(\/graphql|\/uploads)?\/*$/.test(pathname)
    ? "the REST API of a GitHub Enterprise Server is at https://HOST/api/v3"
    : undefined
})

/** The address of an archive; curl in the VM is handed all of it. */
const Archive = checked((text) => {
  const unknown = text.match(/\{(?!version\}|arch\})[^}]*\}/)
  if (unknown !== null) return "only {version} and {arch} are replaced"
  return Address.problemOf(text.replaceAll(/\{(version|arch)\}/g, "x"), ["fragment"])
})

/** A number that GitHub counts with, also where it stands in quotes. */
const Id = Schema.Union(
  Schema.Int.pipe(Schema.positive()),
  Schema.transform(Schema.String.pipe(Schema.pattern(/^\s*[1-9]\d{0,15}\s*$/)), Schema.Number, {
    strict: true,
    decode: Number,
    encode: String
  })
)

const saying = (message: string) => ({ message: () => ({ message, override: true }) })

/** An App's number or its Client ID, either of which signs in (docs.github.com/apps, "Generating a JSON Web Token"). */
const AppId = Schema.Union(Id, Schema.String.pipe(Schema.pattern(/^Iv\w+(\.\w+)?$/))).annotations(
  saying("expected the App's number, or its Client ID (Iv…), as GitHub's settings of the App show them")
)

/** Older versions wrote 0 where it was to be looked up. */
const InstallationId = Schema.Union(Id, Schema.Literal(0)).annotations(
  saying("expected the installation's number; left out, it is looked up")
)

/** The default group, which every repository, organisation and enterprise has. */
export const DEFAULT_GROUP = 1

/** A runner group by its number, or by its name: the default group's name is the same everywhere. */
const Group = Schema.Union(
  Id,
  Schema.transform(Schema.Trim, Schema.Union(Schema.Number, Schema.NonEmptyString), {
    strict: true,
    decode: (name) => (/^default$/i.test(name) ? DEFAULT_GROUP : name),
    encode: String
  })
).annotations(saying("expected the number or the name of a runner group"))

/** Where jobs come from and runners are registered. */
const place = {
  registration: optional(Schema.Literal("repo", "org", "enterprise")),
  enterprise: optional(named("an enterprise", /^[\w.-]+$/)),
  repo: optional(named("a repository", /^[\w.-]+$/))
}

const Owner = named("a user or an organisation", /^[\w.-]+$/)

/** One of several scopes of a service. */
const Entry = Schema.Struct({ owner: Owner, ...place, runner_group: optional(Group) })

/** Maximum number of scopes that one service watches: each is asked for in every poll. */
const MOST_WATCHED = 20

/** Keys of a service whose `plugin` is `github`. */
export const GitHubConfig = Schema.Struct({
  token: optional(TokenText),
  app_id: optional(AppId),
  installation_id: optional(InstallationId),
  private_key: optional(AppKey),
  ...place,
  owner: optional(Owner),
  watch: optional(
    Schema.Array(Entry).pipe(
      Schema.minItems(1, { message: () => "expected at least one entry with an `owner`" }),
      Schema.maxItems(MOST_WATCHED, { message: () => `expected at most ${MOST_WATCHED} entries` })
    )
  ),
  api_url: withDefault(ApiUrl, "https://api.github.com"),
  runner_group: withDefault(Group, DEFAULT_GROUP),
  registration_timeout: withDefault(Schema.Number.pipe(Schema.between(1, 86_400)), REGISTRATION_TIMEOUT),
  runner_version: withDefault(
    checked((text) => (/^\d+\.\d+\.\d+$/.test(text) ? undefined : "expected a version of the runner, such as 2.338.0")),
    RUNNER_VERSION
  ),
  runner_sha256: optional(
    checked((text) =>
      /^[0-9a-f]{64}$/.test(text) ? undefined : "expected a SHA-256: 64 digits from 0 to 9 and a to f"
    )
  ),
  runner_url: withDefault(Archive, RUNNER_URL)
})
export type GitHubConfig = typeof GitHubConfig.Type

/** One scope that a service watches, with every key that holds for it. */
export interface Part extends Omit<GitHubConfig, "owner" | "watch"> {
  readonly owner: string
}

/** Where runners of these keys are registered: at the enterprise, the repository or the organisation, whichever comes first. */
const tagOf = ({ registration, enterprise, repo }: Pick<Part, keyof typeof place>): Level["_tag"] => {
  if (Option.isSome(enterprise)) return "Enterprise"
  return Option.isSome(repo) && !Option.contains(registration, "org") ? "Repository" : "Organisation"
}

/**
 * The scopes of a service, in the order of its config: the one of its `owner`, or those of `watch`. The service's own
 * `registration` and `runner_group` hold for each entry without one, the group only where a runner can have one.
 */
export const partsOf = ({ owner, watch, ...common }: GitHubConfig): readonly [Part, ...ReadonlyArray<Part>] => {
  const parts = Option.getOrElse(watch, () => []).map((entry): Part => {
    const { enterprise, repo } = entry
    const registration = Option.orElse(entry.registration, () => common.registration)
    const group = tagOf({ registration, enterprise, repo }) === "Repository" ? DEFAULT_GROUP : common.runner_group
    return {
      ...common,
      ...{ owner: entry.owner, repo, enterprise, registration },
      runner_group: Option.getOrElse(entry.runner_group, () => group)
    }
  })
  const [first, ...others] = parts
  return first === undefined ? [{ ...common, owner: Option.getOrThrow(owner) }] : [first, ...others]
}

/** What is signed in with for a scope. */
export const credentialOf = (config: Part): Credential => {
  const { api_url: apiUrl, owner, repo, installation_id } = config
  return Option.match(Option.all([config.app_id, config.private_key]), {
    onSome: ([appId, privateKey]) =>
      Option.match(
        Option.filter(installation_id, (id) => id > 0),
        {
          onSome: (installationId) => App.make({ apiUrl, appId, installationId, privateKey }),
          onNone: () => InstalledApp.make({ apiUrl, appId, privateKey, owner, repo })
        }
      ),
    onNone: () => Token.make({ apiUrl, token: Option.getOrThrow(config.token) })
  })
}

/** What a scope is at GitHub. */
export const watchedOf = ({ owner, repo }: Pick<Part, "owner" | "repo">): Watched => Watched.make({ owner, repo })

/** Where the runners of a scope are registered. */
export const levelOf = (part: Part): Level => {
  const { owner, repo, enterprise } = part
  switch (tagOf(part)) {
    case "Enterprise":
      return Level.Enterprise({ enterprise: Option.getOrThrow(enterprise) })
    case "Repository":
      return Level.Repository({ owner, repo: Option.getOrThrow(repo) })
    case "Organisation":
      return Level.Organisation({ owner })
  }
}

/** What all hosts that watch one scope must do alike: a runner's name keeps a second one away only within one level and group. */
export const termsOf = (part: Part): string => {
  const group = part.runner_group === DEFAULT_GROUP ? "" : ` in runner_group ${part.runner_group}`
  return Level.$match(levelOf(part), {
    Repository: () => "registration: repo",
    Organisation: () => `registration: org${group}`,
    Enterprise: ({ enterprise }) => `registration: enterprise ${enterprise}${group}`
  })
}

/** The terms of several scopes: one text where all have the same, and otherwise that of each by its name. */
export const termsOfAll = (parts: ReadonlyArray<Part>): string => {
  const all = parts.map((part) => [watchedOf(part).fullName.toLowerCase(), termsOf(part)] as const)
  const [first = "", ...others] = new Set(all.map(([, terms]) => terms))
  if (others.length === 0) return first
  return all
    .map(([name, terms]) => `${name} with ${terms}`)
    .sort()
    .join(", ")
}

/** Address and SHA-256 of the archive for a Mac of this architecture. */
export const archiveOf = (config: Part, arch: string): { readonly url: string; readonly sha256: string } => ({
  url: config.runner_url.replaceAll("{version}", config.runner_version).replaceAll("{arch}", arch),
  sha256: Option.getOrElse(config.runner_sha256, () => RUNNER_SHA256[arch] ?? "")
})
