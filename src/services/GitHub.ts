/** GitHub's Actions API over Octokit: one client for each credential, shared by all services that use it. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { hiding } from "../secrets/Secrets.ts"
import type { Grouped, Level } from "./GitHub/level.ts"

export { type Grouped, Level, nameOf, WrittenLevel } from "./GitHub/level.ts"

/**
 * A personal access token. Instances with equal fields are equal, so services with the same credential share a client.
 */
export class Token extends Schema.TaggedClass<Token>()("Token", {
  apiUrl: Schema.String,
  token: Schema.Redacted(Schema.String)
}) {}

/** An installation of a GitHub App; `privateKey` is the PEM text. */
export class App extends Schema.TaggedClass<App>()("App", {
  apiUrl: Schema.String,
  /** Its number or its Client ID. */
  appId: Schema.Union(Schema.Number, Schema.String),
  installationId: Schema.Number,
  privateKey: Schema.Redacted(Schema.String)
}) {}

/**
 * A GitHub App as installed for this owner, or for this repository of theirs: GitHub is asked which installation that
 * is.
 */
export class InstalledApp extends Schema.TaggedClass<InstalledApp>()("InstalledApp", {
  apiUrl: Schema.String,
  /** Its number or its Client ID. */
  appId: Schema.Union(Schema.Number, Schema.String),
  privateKey: Schema.Redacted(Schema.String),
  owner: Schema.String,
  repo: Schema.optionalWith(Schema.String, { as: "Option" })
}) {}

export type Credential = Token | App | InstalledApp

/** What is watched: a repository or, without `repo`, all repositories of an organisation. */
export class Watched extends Schema.Class<Watched>("anklet/GitHub/Watched")({
  owner: Schema.String,
  repo: Schema.optionalWith(Schema.String, { as: "Option" })
}) {
  /** Owner and repository, or the organisation alone. */
  get fullName(): string {
    return Option.match(this.repo, { onNone: () => this.owner, onSome: (repo) => `${this.owner}/${repo}` })
  }
}

/** Why a request to GitHub failed. */
export class GitHubError extends hiding(
  Schema.TaggedError<GitHubError>()("GitHubError", {
    reason: Schema.Literal(
      "Unauthorized",
      "Forbidden",
      "NotFound",
      "Conflict",
      "Busy",
      "Invalid",
      "RateLimited",
      "Unavailable",
      "Protocol"
    ),
    /** Method and path, e.g. `GET /repos/o/r/actions/runs`. */
    request: Schema.String,
    status: Schema.optional(Schema.Number),
    /** What happened and what to do about it, for a person. */
    detail: Schema.String,
    /** GitHub's own message, if any; `detail` contains it too. */
    said: Schema.optional(Schema.String),
    /** With `RateLimited`: do not ask again before this, in milliseconds since the epoch. */
    until: Schema.optional(Schema.Number)
  })
) {
  override get message() {
    return `${this.request}: ${this.detail}`
  }
}

/**
 * A job as GitHub reports it. States and conclusions are GitHub's words, including ones that this version does not
 * know.
 */
export interface Job {
  readonly id: number
  readonly owner: string
  readonly repo: string
  readonly runId: number
  readonly runAttempt: number
  readonly name: string
  readonly workflowName: string
  /** The run's display title; empty if only the job was requested. */
  readonly runName: string
  readonly headSha: string
  readonly url: string
  readonly status: string
  readonly conclusion: Option.Option<string>
  readonly labels: ReadonlyArray<string>
  readonly runnerName: Option.Option<string>
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

/** A workflow run as GitHub reports it; `attempt` counts its re-runs. */
export interface Run {
  readonly status: string
  readonly conclusion: Option.Option<string>
  readonly attempt: number
}

/** A registered runner. */
export interface Runner {
  readonly id: number
  readonly name: string
  readonly online: boolean
  readonly busy: boolean
}

/** A runner group of an organisation. */
export interface RunnerGroup {
  readonly id: number
  readonly name: string
  /** Whether public repositories may use its runners. */
  readonly admitsPublic: boolean
}

/** A repository by its current names. Its number at GitHub does not change when it is renamed or transferred. */
export interface Repository {
  readonly id: number
  readonly owner: string
  readonly repo: string
}

/** The result of a poll: all jobs of the active runs of what is watched, from every page, at one moment. */
export interface Look {
  readonly jobs: ReadonlyArray<Job>
  /** Whether every part could be read. If not, a job that is absent here may exist nevertheless. */
  readonly isWhole: boolean
  /** Why no job can ever be seen in the present state; empty if jobs can be. */
  readonly nothing: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What a poll would find, apart from jobs. */
export interface Trial {
  /** Why repositories are left out. */
  readonly hidden: ReadonlyArray<GitHubError>
  /** Why no job can ever be seen; empty if jobs can be. */
  readonly nothing: string
  /** A message that what is watched was renamed; empty if it was not. */
  readonly renamed: string
  /** The public ones among the repositories: `owner/repo`. */
  readonly open: ReadonlyArray<string>
}

/** What GitHub reports about a credential. */
export interface CredentialInfo {
  /**
   * Requests per hour, how many of them remain, and when the hour ends, in milliseconds since the epoch; none if the
   * server has no limits.
   */
  readonly rate: Option.Option<{ readonly limit: number; readonly remaining: number; readonly resetAt: number }>
  /** How far GitHub's clock is ahead of this host's, in milliseconds, accurate to a second. */
  readonly ahead: Option.Option<number>
  /**
   * What it may do, as far as GitHub tells: an App's permissions and their levels, or a classic token's scopes; nothing
   * for a fine-grained token.
   */
  readonly may:
    | { readonly _tag: "Permissions"; readonly permissions: Readonly<Record<string, string>> }
    | { readonly _tag: "Scopes"; readonly scopes: ReadonlyArray<string> }
    | { readonly _tag: "Untold" }
}

/**
 * GitHub as seen with one credential. Every method waits at the credential's rate-limit gate, has a timeout, and
 * repeats only reads.
 */
export interface GitHubClient {
  /**
   * The jobs of all active runs, not older than `maxAge`. Concurrent callers share one poll, and unchanged answers cost
   * no rate limit.
   */
  readonly look: (watched: Watched, maxAge: Duration.DurationInput) => Effect.Effect<Look, GitHubError>
  /**
   * Fails with `Unauthorized` while GitHub refuses the credential. The last answer decides; if there was none yet, or
   * it was a refusal, GitHub is asked. Costs no rate limit.
   */
  readonly admitted: Effect.Effect<void, GitHubError>
  /** What GitHub reports about the credential; costs no rate limit. */
  readonly credential: Effect.Effect<CredentialInfo, GitHubError>
  /**
   * Whether a poll would succeed: requests one small page of runs, of each repository in the case of an organisation.
   */
  readonly tryLook: (watched: Watched) => Effect.Effect<Trial, GitHubError>
  /** What is watched, by its current names; by the given ones if GitHub does not tell. */
  readonly named: (watched: Watched) => Effect.Effect<Watched, GitHubError>
  /** The repository with this current or former name. */
  readonly repository: (owner: string, repo: string) => Effect.Effect<Repository, GitHubError>
  /** The current state of one job. */
  readonly job: (owner: string, repo: string, id: number) => Effect.Effect<Job, GitHubError>
  /** The current state of one run. */
  readonly run: (owner: string, repo: string, id: number) => Effect.Effect<Run, GitHubError>
  /** Registers a just-in-time runner. Never repeated: a lost reply is `Unavailable`, a name in use `Conflict`. */
  readonly createRunner: (
    level: Level,
    request: { readonly name: string; readonly labels: ReadonlyArray<string>; readonly group?: number }
  ) => Effect.Effect<{ readonly runner: Runner; readonly jitConfig: Redacted.Redacted<string> }, GitHubError>
  /** All runners, ours or not. */
  readonly runners: (level: Level) => Effect.Effect<ReadonlyArray<Runner>, GitHubError>
  readonly runner: (level: Level, id: number) => Effect.Effect<Option.Option<Runner>, GitHubError>
  /** Searched by name across all pages; none if its repository or organisation no longer exists. */
  readonly runnerByName: (level: Level, name: string) => Effect.Effect<Option.Option<Runner>, GitHubError>
  /** The runner groups of an organisation or enterprise; with a repository or organisation of it, those that it may use. */
  readonly groups: (
    level: Grouped,
    usedBy: Option.Option<string>
  ) => Effect.Effect<ReadonlyArray<RunnerGroup>, GitHubError>
  /**
   * Removes a runner by id; a missing one counts as removed; `Busy` if it runs a job. May use the reserve of the rate
   * limit.
   */
  readonly removeRunner: (level: Level, id: number) => Effect.Effect<void, GitHubError>
  /**
   * Tells the developer why a job cannot run, as a check run beside it; false if the credential does not allow that (a
   * PAT, or no Checks permission).
   */
  readonly tell: (job: Job, title: string, text: string) => Effect.Effect<boolean, GitHubError>
}

/**
 * The rate limit of a credential; null where GitHub has not reported it yet. Times are milliseconds since the epoch.
 */
export interface Limit {
  /** The name of the credential in the log. */
  readonly credential: string
  readonly remaining: number | null
  readonly limit: number | null
  readonly resetAt: number | null
  /** No polls before this; 0 if polls are allowed. */
  readonly waitsUntil: number
}

/** Clients of GitHub. */
export class GitHub extends Context.Tag("anklet/GitHub")<
  GitHub,
  {
    /** The shared client of a credential, open while any scope holds it. */
    readonly client: (credential: Credential) => Effect.Effect<GitHubClient, never, Scope.Scope>
    /** The rate limit of each credential in use, as GitHub last reported it. */
    readonly limits: Effect.Effect<ReadonlyArray<Limit>>
  }
>() {}
