/** What a service would ask of GitHub and of its registry, asked now: who we are, what we may, and what is left over. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Finding from "../../domain/Finding.ts"
import { clock, span } from "../../domain/Format.ts"
import { isRunnerName } from "../../domain/Job.ts"
import { isDone } from "../../job/Ci.ts"
import { RESERVE } from "../../services/GitHub/gate.ts"
import {
  type CredentialInfo,
  GitHub,
  type GitHubClient,
  GitHubError,
  type Level,
  nameOf,
  type Runner,
  type RunnerGroup
} from "../../services/GitHub.ts"
import { Network } from "../../services/Network.ts"
import type { ExamineContext, ServiceContext } from "../Plugin.ts"
import * as addresses from "./addresses.ts"
import { askWithRun } from "./ask.ts"
import { credentialOf, DEFAULT_GROUP, type GitHubConfig, levelOf, type Part, partsOf, watchedOf } from "./config.ts"
import * as confine from "./confine.ts"
import { needed, ofGroup } from "./refusal.ts"
import { RunnerDetail } from "./runner.ts"
import * as versions from "./versions.ts"

export const KINDS = {
  "github-unreachable": {
    level: "problem",
    why: "No queued job is seen, and no runner can be registered.",
    remedy: "check the network, proxies and `api_url`; https://www.githubstatus.com tells of outages"
  },
  "credential-refused": {
    level: "problem",
    why: "No queued job is seen, and no runner can be registered.",
    remedy: "make a new token, or check the App's id, installation and key, and put it into the config"
  },
  "permission-missing": {
    level: "problem",
    why: "The daemon asks this of GitHub for every job.",
    remedy: "give the token or App the permission that is named, for this repository or organisation"
  },
  "repository-hidden": {
    level: "warning",
    why: "The jobs of this repository are not seen; those of the others are.",
    remedy: "give the token or App access to it: 'Actions: read'"
  },
  "watching-nothing": {
    level: "problem",
    why: "No job is ever seen, although nothing fails.",
    remedy: "check `owner` and `repo` in the config, what the token or App may see, and the settings at GitHub"
  },
  "repository-renamed": {
    level: "warning",
    why: "GitHub leads from the former name to the present one, until somebody makes a repository of the former name.",
    remedy: "change `owner` and `repo` in the config"
  },
  "registration-untried": {
    level: "note",
    why: "GitHub does not tell what a fine-grained token may do, and to register a runner only to see whether it works would leave one behind.",
    remedy:
      "see that the token has 'Administration: write' on the repository or, for `registration: org`, 'Self-hosted runners: write' on the organisation"
  },
  "runner-group-unknown": {
    level: "problem",
    why: "GitHub registers no runner for any job of this service.",
    remedy: "correct `runner_group`"
  },
  "runner-group-closed": {
    level: "problem",
    why: "Runners are registered, and GitHub gives them no job of this repository.",
    remedy:
      "let the repository or organisation use the group, in the settings of the organisation or enterprise under Actions > Runner groups, or correct `runner_group`"
  },
  "checks-unwritten": {
    level: "note",
    why: "A developer is not told beside the job why it can never run.",
    remedy: "give the App 'Checks: write'"
  },
  "rate-limit-low": {
    level: "warning",
    why: "Nothing new is looked for while less than a tenth of the limit is left; running jobs are seen through.",
    remedy: "raise `sleep_interval`, use an App, or find who else uses this token"
  },
  "runners-left": {
    level: "warning",
    why: "Their jobs are over and no daemon runs that would remove them.",
    remedy: "`anklet`: a start removes them",
    fixable: true
  },
  "runners-offline": {
    level: "note",
    why: "They have Anklet's name: of Macs whose VMs boot just now, or left behind. Only the Mac that made one knows; GitHub removes them after a day.",
    remedy: "nothing, or remove the old ones in GitHub's settings under Actions > Runners"
  },
  "runners-foreign": {
    level: "note",
    why: "They are not Anklet's; jobs whose labels fit them go to them as well.",
    remedy: "nothing, if they are meant to be there"
  },
  "token-broad": {
    level: "note",
    why: "A classic token reaches every repository of its user: who gets hold of it gets all of them.",
    remedy: "use an App, or a fine-grained token for what is watched alone"
  },
  "app-broad": {
    level: "note",
    why: "Who gets hold of the App's key may do all of that in every repository where the App is installed.",
    remedy: "take what no other program needs from the App, in its settings under Permissions & events"
  },
  "repository-public": {
    level: "note",
    why: "Everybody may open a pull request there, and its workflow runs in a VM of this Mac as soon as GitHub lets it.",
    remedy:
      "in its settings under Actions > General require approval for all external contributors; docs/security.md says what a job can reach"
  },
  "runner-group-public": {
    level: "note",
    why: "Workflows of public repositories run on its runners, and everybody may open a pull request there.",
    remedy: 'switch "Allow public repositories" off in the group, if no public repository is meant to use it'
  },
  ...addresses.KINDS,
  ...versions.KINDS
} as const satisfies Finding.Kinds

export const CLOCK_KINDS = {
  "clock-wrong": {
    level: "problem",
    why: "VMs get their time from this Mac: certificates, signatures and App sign-ins fail when it is wrong.",
    remedy: "`sudo sntp -sS time.apple.com`, and System Settings > General > Date & Time: set automatically"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("github", KINDS)
const ofClock = Finding.about("clock", CLOCK_KINDS)

/** A clock that is off by more than this, in milliseconds, is wrong: NTP keeps it within a second. */
const SKEW = 60_000
/** An answer that did not come by then is not worth waiting for. */
const SOON = Duration.seconds(15)
/** Maximum number of runner names in a finding. */
const NAMES = 5

const soon = <A>(request: string, question: Effect.Effect<A, GitHubError>) =>
  Effect.either(
    Effect.timeoutFail(question, {
      duration: SOON,
      onTimeout: () => new GitHubError({ reason: "Unavailable", request, detail: `no answer within ${span(SOON)}` })
    })
  )

const list = (names: ReadonlyArray<string>) =>
  `${names.slice(0, NAMES).join(", ")}${names.length > NAMES ? ` and ${names.length - NAMES} more` : ""}`

/** What a refusal means; `permission` is what the request needs. */
const refused = (error: GitHubError, permission: string): ReadonlyArray<Finding.Finding> => {
  switch (error.reason) {
    case "Unauthorized":
      return [found("credential-refused", error.message)]
    case "Forbidden":
    case "NotFound":
      return [found("permission-missing", error.message, { remedy: `give the token or App ${permission}` })]
    case "RateLimited":
      return [found("rate-limit-low", error.message)]
    default:
      return [found("github-unreachable", error.message)]
  }
}

const rate = ({ rate }: CredentialInfo) =>
  Option.toArray(rate).map(({ limit, remaining, resetAt }) => {
    const what = `${remaining} of ${limit} requests are left until ${clock(resetAt)}`
    return remaining < limit * RESERVE ? found("rate-limit-low", what) : Finding.ok("github", what)
  })

const time = ({ ahead }: CredentialInfo) =>
  Option.toArray(ahead).map((ahead) => {
    const seconds = Math.round(Math.abs(ahead) / 1000)
    return Math.abs(ahead) > SKEW
      ? ofClock("clock-wrong", `this clock is ${seconds} seconds ${ahead > 0 ? "behind" : "ahead of"} GitHub's`)
      : Finding.ok("clock", "this clock agrees with GitHub's to a minute")
  })

/** Permissions to write that an App has for Anklet: to register runners at a repository or an organisation, and to tell why a job cannot run. */
const NEEDED = ["administration", "organization_self_hosted_runners", "checks"]

/** What cannot be tried without leaving a runner behind: read from what GitHub says of the credential, where it does. */
const grants = ({ may }: CredentialInfo, level: Level) => {
  const { permission, words, scope } = needed(level)
  const missing = (what: string, remedy: string) => found("permission-missing", what, { remedy })
  switch (may._tag) {
    case "Untold":
      return [found("registration-untried", `whether the token may register runners at ${nameOf(level)} is not known`)]
    case "Scopes": {
      // `repo` is what the jobs of private repositories are seen with; the wider scope includes the narrower one
      const others = may.scopes.filter((it) => it !== scope && it !== "repo")
      const has = may.scopes.includes(scope) || may.scopes.includes(scope.replace(/^manage_runners:/, "admin:"))
      return [
        has
          ? Finding.ok("github", `the token has the scope ${scope}`)
          : missing(
              `the token has the scopes ${may.scopes.join(", ")}, and not ${scope}`,
              `give the token the scope \`${scope}\``
            ),
        found(
          "token-broad",
          `the token is a classic one${others.length === 0 ? "" : `, with scopes that Anklet does not need: ${others.join(", ")}`}`
        )
      ]
    }
    case "Permissions": {
      const others = Object.keys(may.permissions).filter(
        (name) => !NEEDED.includes(name) && may.permissions[name] !== "read"
      )
      return [
        may.permissions[permission] === "write"
          ? Finding.ok("github", `the App may register runners at ${nameOf(level)}`)
          : missing(`the App may not register runners at ${nameOf(level)}`, `give the App ${words}`),
        ...(may.permissions.checks === "write" ? [] : [found("checks-unwritten", "the App may not write check runs")]),
        ...(others.length === 0
          ? []
          : [found("app-broad", `the App may write what Anklet does not need: ${list(others)}`)])
      ]
    }
  }
}

/** Whether GitHub knows the group that runners are registered in, and lets the watched repository use it. */
const group = Effect.fnUntraced(function* (client: GitHubClient, part: Part, level: Level) {
  const { runner_group, owner, repo } = part
  const unknown = (names: ReadonlyArray<string>) => [found("runner-group-unknown", ofGroup(level, runner_group, names))]
  if (level._tag === "Repository") return runner_group === DEFAULT_GROUP ? [] : unknown([])
  const has = (groups: ReadonlyArray<RunnerGroup>) =>
    groups.find(({ id, name }) =>
      typeof runner_group === "number" ? id === runner_group : name.toLowerCase() === runner_group.toLowerCase()
    )
  const all = yield* client.groups(level, Option.none())
  const known = has(all)
  if (known === undefined) return unknown(all.map(({ name }) => name))
  const what = `runner group ${known.id} ("${known.name}") of ${nameOf(level)}`
  // an enterprise lets organisations in, which then choose among their repositories
  const user = level._tag === "Enterprise" ? Option.some(owner) : repo
  const isOpen = Option.isNone(user) || has(yield* client.groups(level, user)) !== undefined
  return [
    isOpen
      ? Finding.ok("github", `${what} is known`)
      : found("runner-group-closed", `${what} does not let ${watchedOf(part).fullName} in`),
    ...(known.admitsPublic ? [found("runner-group-public", `${what} lets public repositories in`)] : [])
  ]
})

/** Which way requests go, for people: the proxy and where it is written, or none. */
const wayTo = Effect.fnUntraced(function* ({ api_url }: Part) {
  if (!URL.canParse(api_url)) return { words: "`api_url` is no address", remedy: {} }
  const url = new URL(api_url)
  const proxy = Option.getOrUndefined((yield* Network).proxyFor(url))
  if (proxy === undefined) return { words: `requests to ${url.host} go there directly, through no proxy`, remedy: {} }
  const { nameOf } = yield* Effect.promise(() => import("../../network/Proxy.ts"))
  return {
    words: `requests to ${url.host} go through the proxy ${nameOf(proxy)}, from ${proxy.from}`,
    remedy: {
      remedy: `check the proxy ${nameOf(proxy)}, ${proxy.from} and \`api_url\`; \`proxy: none\` in the config uses no proxy`
    }
  }
})

/** Runners by their names alone: whose they are is not known, so they are only told of. */
const others = (runners: ReadonlyArray<Runner>, level: Level, known: ReadonlySet<number>) => {
  const at = nameOf(level)
  const foreign = runners.filter(({ name }) => !isRunnerName(name))
  const offline = runners.filter(
    ({ id, name, online, busy }) => isRunnerName(name) && !online && !busy && !known.has(id)
  )
  return [
    ...(foreign.length > 0
      ? [found("runners-foreign", `runners of others at ${at}: ${list(foreign.map(({ name }) => name))}`)]
      : []),
    ...(offline.length > 0
      ? [found("runners-offline", `${offline.length} offline at ${at}: ${list(offline.map(({ name }) => name))}`)]
      : [])
  ]
}

/** Runners that our ledger knows by their id, that do nothing, and whose job is over. */
const left = Effect.fnUntraced(function* (
  client: GitHubClient,
  service: ServiceContext,
  context: ExamineContext,
  isHere: (level: Level) => boolean
) {
  const ours = [...HashMap.values(context.ledger.runners)].filter(({ named }) => named.service === service.name)
  return yield* Effect.forEach(context.daemonRuns ? [] : ours, ({ named, id }) =>
    Effect.gen(function* () {
      const detail = Schema.decodeUnknownOption(RunnerDetail)(named.detail)
      if (Option.isNone(id) || Option.isNone(detail) || detail.value.job === undefined) return []
      const { level, job } = detail.value
      if (!isHere(level)) return []
      const runner = yield* client.runner(level, id.value)
      const isOver = Effect.map(askWithRun(client, job), isDone)
      if (!Option.exists(runner, ({ online, busy }) => !online && !busy) || !(yield* isOver)) return []
      return [
        found("runners-left", `runner ${named.runner} at ${nameOf(level)} is left over`, {
          fix: {
            does: `removes runner ${named.runner}`,
            did: `removed runner ${named.runner}`,
            run: context.alone(client.removeRunner(level, id.value))
          }
        })
      ]
    })
  ).pipe(Effect.map((found) => found.flat()))
})

/** What a pass relies on for one scope; `isHere` says of which runners of the ledger it tells. */
const github = Effect.fnUntraced(function* (
  service: ServiceContext,
  part: Part,
  context: ExamineContext,
  isHere: (level: Level) => boolean
) {
  const client = yield* (yield* GitHub).client(credentialOf(part))
  const watched = watchedOf(part)
  const level = levelOf(part)
  const way = yield* wayTo(part)
  const credential = yield* soon("GET /rate_limit", client.credential)
  if (Either.isLeft(credential)) {
    const { reason, message } = credential.left
    return reason === "Unavailable" || reason === "Protocol"
      ? [found("github-unreachable", `${message}; ${way.words}`, way.remedy)]
      : refused(credential.left, "access")
  }
  const [look, runners, groups, leftovers] = yield* Effect.all(
    [
      soon("GET actions/runs", client.tryLook(watched)),
      soon("GET actions/runners", client.runners(level)),
      soon("GET runner-groups", group(client, part, level)),
      soon("GET runner", left(client, service, context, isHere))
    ],
    { concurrency: 4 }
  )
  const known = new Set([...HashMap.values(context.ledger.runners)].flatMap(({ id }) => Option.toArray(id)))
  return [
    Finding.ok("github", way.words),
    ...time(credential.right),
    ...rate(credential.right),
    ...Either.match(look, {
      onLeft: (error) => refused(error, `'Actions: read' on ${watched.fullName}`),
      onRight: ({ hidden, nothing, renamed, open }) => [
        nothing === ""
          ? Finding.ok("github", `the jobs of ${watched.fullName} can be listed`)
          : found("watching-nothing", nothing),
        ...(renamed === "" ? [] : [found("repository-renamed", renamed)]),
        ...hidden.map(({ message }) => found("repository-hidden", message)),
        ...(open.length === 0 ? [] : [found("repository-public", `everybody may see ${list(open)}`)])
      ]
    }),
    ...Either.match(runners, {
      onLeft: (error) => refused(error, `${needed(level).words} ${nameOf(level)}`),
      onRight: (runners) => [
        Finding.ok("github", `the runners at ${nameOf(level)} can be listed`),
        ...grants(credential.right, level),
        ...others(runners, level, known)
      ]
    }),
    // without the right to list groups there is none to list runners, which is a finding
    ...Either.getOrElse(groups, () => []),
    ...Either.getOrElse(leftovers, () => [])
  ]
})

/** What a pass relies on at GitHub. */
export const examine = (service: ServiceContext, config: GitHubConfig, context: ExamineContext) => {
  const parts = partsOf(config)
  return Effect.map(
    Effect.forEach(
      parts,
      (part) => github(service, part, context, (level) => parts.length === 1 || confine.isLevel(part, level)),
      { concurrency: 4 }
    ),
    (all) => {
      // what is so of the credential, or of the way to GitHub, is so of each scope
      const found = new Map(all.flat().map((finding) => [`${finding.id} ${finding.what}`, finding]))
      return [...found.values(), ...addresses.judged(config), ...versions.judged(service.name, config, context.past)]
    }
  )
}
