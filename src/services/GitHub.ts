/** GitHub's Actions API over Octokit: one client per credential, shared by all services that use it. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { hiding } from "../secrets/Secrets.ts"

/** What we sign in with. Instances with equal fields are equal, so services with one credential share one client. */
export class Token extends Schema.TaggedClass<Token>()("Token", {
  apiUrl: Schema.String,
  token: Schema.Redacted(Schema.String)
}) {}

/** A GitHub App's installation; `privateKey` is the PEM text. */
export class App extends Schema.TaggedClass<App>()("App", {
  apiUrl: Schema.String,
  /** Its number or its Client ID. */
  appId: Schema.Union(Schema.Number, Schema.String),
  installationId: Schema.Number,
  privateKey: Schema.Redacted(Schema.String)
}) {}

/** A GitHub App where it is installed for this owner, or for this repository of theirs: which installation that is, GitHub is asked. */
export class InstalledApp extends Schema.TaggedClass<InstalledApp>()("InstalledApp", {
  apiUrl: Schema.String,
  /** Its number or its Client ID. */
  appId: Schema.Union(Schema.Number, Schema.String),
  privateKey: Schema.Redacted(Schema.String),
  owner: Schema.String,
  repo: Schema.optionalWith(Schema.String, { as: "Option" })
}) {}

export type Credential = Token | App | InstalledApp

/** A repository, or (without `repo`) all repositories of an organisation: what is watched. */
export class Watched extends Schema.Class<Watched>("anklet/GitHub/Watched")({
  owner: Schema.String,
  repo: Schema.optionalWith(Schema.String, { as: "Option" })
}) {}

/** Where runners are registered: at the repository, or (without `repo`) at the organisation. */
export class Level extends Schema.Class<Level>("anklet/GitHub/Level")({
  owner: Schema.String,
  repo: Schema.optionalWith(Schema.String, { as: "Option" })
}) {}

/** Why GitHub did not do it. */
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
    /** GitHub's own words, where it said any; `detail` has them too. */
    said: Schema.optional(Schema.String),
    /** Milliseconds since the epoch, with `RateLimited`: not before. */
    until: Schema.optional(Schema.Number)
  })
) {
  override get message() {
    return `${this.request}: ${this.detail}`
  }
}

/** A job as GitHub tells it. States and conclusions are GitHub's words, also ones we do not know yet. */
export interface Job {
  readonly id: number
  readonly owner: string
  readonly repo: string
  readonly runId: number
  readonly runAttempt: number
  readonly name: string
  readonly workflowName: string
  /** The run's display title; empty where only the job was asked for. */
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

/** A workflow run as GitHub tells it; `attempt` counts its re-runs. */
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

/** A repository by the names that it has now. Its number at GitHub stays when it is renamed or transferred. */
export interface Repository {
  readonly id: number
  readonly owner: string
  readonly repo: string
}

/** All jobs of the active runs of what is watched, every page, at one moment. */
export interface Look {
  readonly jobs: ReadonlyArray<Job>
  /** Whether every part could be looked at. Where not, a job that is missing may be there all the same. */
  readonly isWhole: boolean
  /** Why no job can ever be seen, as things are; empty when jobs can. */
  readonly nothing: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What a look would find, beside jobs. */
export interface Trial {
  /** Why repositories are left out. */
  readonly hidden: ReadonlyArray<GitHubError>
  /** Why no job can ever be seen; empty when jobs can. */
  readonly nothing: string
  /** That what is watched has another name now; empty when it has not. */
  readonly renamed: string
  /** Those of the repositories that everybody can see: `owner/repo`. */
  readonly open: ReadonlyArray<string>
}

/** What GitHub says of a credential itself. */
export interface CredentialInfo {
  /** Requests per hour, those that are left, and when the hour ends, in milliseconds since the epoch; none where a server has no limits. */
  readonly rate: Option.Option<{ readonly limit: number; readonly remaining: number; readonly resetAt: number }>
  /** How far GitHub's clock is ahead of this host's, in milliseconds and to the second. */
  readonly ahead: Option.Option<number>
  /** What it may do, as far as GitHub tells: an App's permissions and their levels, a classic token's scopes; of a fine-grained token nothing. */
  readonly may:
    | { readonly _tag: "Permissions"; readonly permissions: Readonly<Record<string, string>> }
    | { readonly _tag: "Scopes"; readonly scopes: ReadonlyArray<string> }
    | { readonly _tag: "Untold" }
}

/** One credential's view of GitHub. Every method waits at the credential's rate-limit gate, has a deadline, and repeats only reads. */
export interface GitHubClient {
  /** The jobs of all active runs, not older than `maxAge`; callers that ask at once share one look, and unchanged answers cost no rate limit. */
  readonly look: (watched: Watched, maxAge: Duration.DurationInput) => Effect.Effect<Look, GitHubError>
  /**
   * Fails with `Unauthorized` while GitHub refuses the credential: known from the last answer that it got, and asked where
   * there was none yet or a refusal. Costs no rate limit.
   */
  readonly admitted: Effect.Effect<void, GitHubError>
  /** What GitHub says of the credential; costs no rate limit. */
  readonly credential: Effect.Effect<CredentialInfo, GitHubError>
  /** Whether a look would be let in: one small page of runs, of each repository where it is an organisation. */
  readonly tryLook: (watched: Watched) => Effect.Effect<Trial, GitHubError>
  /** What is watched, by the names that it has now; by those it is called here, where GitHub does not tell. */
  readonly named: (watched: Watched) => Effect.Effect<Watched, GitHubError>
  /** The repository that this name, or former name, leads to. */
  readonly repository: (owner: string, repo: string) => Effect.Effect<Repository, GitHubError>
  /** One job, as it is now. */
  readonly job: (owner: string, repo: string, id: number) => Effect.Effect<Job, GitHubError>
  /** One run, as it is now. */
  readonly run: (owner: string, repo: string, id: number) => Effect.Effect<Run, GitHubError>
  /** Register a just-in-time runner. Never repeated: a lost reply is `Unavailable`, a taken name `Conflict`. */
  readonly createRunner: (
    level: Level,
    request: { readonly name: string; readonly labels: ReadonlyArray<string>; readonly group?: number }
  ) => Effect.Effect<{ readonly runner: Runner; readonly jitConfig: Redacted.Redacted<string> }, GitHubError>
  /** All runners, ours or not. */
  readonly runners: (level: Level) => Effect.Effect<ReadonlyArray<Runner>, GitHubError>
  readonly runner: (level: Level, id: number) => Effect.Effect<Option.Option<Runner>, GitHubError>
  /** Looked up by name over all pages; there is none where its repository or organisation is gone. */
  readonly runnerByName: (level: Level, name: string) => Effect.Effect<Option.Option<Runner>, GitHubError>
  /** The runner groups of an organisation; with a repository, those that it may use. */
  readonly groups: (
    owner: string,
    repo: Option.Option<string>
  ) => Effect.Effect<ReadonlyArray<RunnerGroup>, GitHubError>
  /** Remove by id; one that is gone already counts as removed; `Busy` when it runs a job. Uses the reserve of the rate limit. */
  readonly removeRunner: (level: Level, id: number) => Effect.Effect<void, GitHubError>
  /** Tell the developer why a job cannot run, as a check run beside it; false where the credential cannot (a PAT, or no Checks permission). */
  readonly tell: (job: Job, title: string, text: string) => Effect.Effect<boolean, GitHubError>
}

/** What is known of a credential's rate limit; null where GitHub has not said it yet. Times are milliseconds since the epoch. */
export interface Limit {
  /** How the log names the credential. */
  readonly credential: string
  readonly remaining: number | null
  readonly limit: number | null
  readonly resetAt: number | null
  /** No polls before this; 0 when nothing is in the way. */
  readonly waitsUntil: number
}

export class GitHub extends Context.Tag("anklet/GitHub")<
  GitHub,
  {
    /** The shared client of a credential, open as long as somebody's scope holds it. */
    readonly client: (credential: Credential) => Effect.Effect<GitHubClient, never, Scope.Scope>
    /** The rate limit of each credential in use, as GitHub said last. */
    readonly limits: Effect.Effect<ReadonlyArray<Limit>>
  }
>() {}
