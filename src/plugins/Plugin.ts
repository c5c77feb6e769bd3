/** The contract between the daemon and a plugin. */
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Rule } from "../config/Config.ts"
import type { Database } from "../config/Database.ts"
import type { Finding, Fix } from "../domain/Finding.ts"
import type { JobKey, JobRequest, Scope as JobScope } from "../domain/Job.ts"
import type { RateLimit } from "../domain/RateLimit.ts"
import type { Additions } from "../job/Additions.ts"
import type { Intake } from "../job/Intake.ts"
import type { PluginError } from "../job/PluginError.ts"
import type { Anka } from "../services/Anka.ts"
import type { Exec } from "../services/Exec.ts"
import type { GitHub } from "../services/GitHub.ts"
import type { Past } from "../services/History.ts"
import type { LedgerState } from "../services/Ledger.ts"
import type { Refusal } from "./PluginFiles.ts"

export { PluginError } from "../job/PluginError.ts"

/** What an examination may ask. */
export type Examined = Anka | Exec | FileSystem | GitHub | Path

/** What the service itself tells its plugin: the part of the config that all services have. */
export interface ServiceContext {
  /** Unique in this daemon. */
  readonly name: string
  readonly sleepInterval: Duration.Duration
  /** The registry that templates are pulled from, by its address or Anka's name for it; none is Anka's default. */
  readonly registry: Option.Option<string>
  /** The plugin's folder on this host, `~/.config/anklet/plugins/<name>`; its files are there before the first pass. */
  readonly directory: string
  /**
   * Look at those files as they are now: fails where one is missing, cannot be read, or is refused by the plugin. To be
   * asked before a job is claimed, so that a host that would fail each job leaves them to others.
   */
  readonly checkFiles: Effect.Effect<void, PluginError>
  /** What the user adds to each VM by files in that folder, as it is now; fails where one of them cannot be used. */
  readonly additions: Effect.Effect<Additions, PluginError>
}

/** A fact, and what a person can do about it. */
export interface Advice {
  readonly what: string
  readonly remedy: string
}

/** What `anklet why` says of a CI. */
export interface CiWords {
  /** Name of the CI. */
  readonly name: string
  /** How a job of this CI is named, for a person whose job is not found. */
  readonly naming: Advice
  /** Where a job's labels are written, and how to change them. */
  readonly definition: { readonly where: string; readonly remedy: string }
  /** What to do where the rate limit of the CI is reached. */
  readonly rateLimited: string
}

/** A job as its CI tells it now, whether it is ours to run or not. */
export interface Found {
  readonly key: JobKey
  readonly scope: JobScope
  readonly name: string
  readonly url: string
  readonly state: "queued" | "running" | "over"
  /** Which runner has it, how it ended, or what its CI waits for. */
  readonly detail: string
  /** What a queued job waits for at its CI, which offers it to no runner yet. */
  readonly waitsFor?: Advice
  /** The job as a request, or why it can be none. */
  readonly request: Either.Either<JobRequest, string>
  /** What is probably not meant as the job says it, although it can run. */
  readonly doubts?: ReadonlyArray<string>
}

/** Why a text leads to no job of a service. */
export interface Missing extends Advice {
  /**
   * `unreadable`: it names no job at all; `elsewhere`: a job of something that the service does not watch; `unknown`: a
   * job of what it watches that its CI does not know.
   */
  readonly kind: "unreadable" | "elsewhere" | "unknown"
}

/** What a plugin's examination knows about its host. */
export interface ExamineContext {
  /** Whether a daemon runs with this config: it sees to what it left behind, so others only tell. */
  readonly daemonRuns: boolean
  /** What this host wrote down. */
  readonly ledger: LedgerState
  /** Jobs of this host that have ended, the newest first. */
  readonly past: ReadonlyArray<Past>
  /** Repair something while no daemon of this config can start; fails when one runs. */
  readonly alone: (repair: Fix["run"]) => Fix["run"]
}

/** Code that knows one CI platform, without its passes. */
export interface PluginParts<C, I, R> {
  readonly name: string
  /** The plugin's own keys of a service in the config; decoded strictly, once, before the daemon starts. */
  readonly config: Schema.Schema<C, I, FileSystem | Path>
  /** What is wrong between these keys, each of which may be right by itself. It sees them as they are written. */
  readonly rule?: Rule
  /** Files written into the plugin's folder when missing; the user's to change from then on. */
  readonly files?: Readonly<Record<string, string>>
  /** Why a text that the user has put in the place of one of `files`, here by its path, cannot be used; none where it can. */
  readonly refuse?: (path: string, text: string) => Option.Option<Refusal>
  /** How the CI tells of jobs while nobody asks it. These run beside the passes, for as long as the service. */
  readonly intakes?: (service: ServiceContext, config: C) => ReadonlyArray<Intake<R>>
  /** For `anklet why`: the job of this address or number as the CI tells it now; none when it is none of this service's. */
  readonly find?: (
    service: ServiceContext,
    config: C,
    job: string
  ) => Effect.Effect<Option.Option<Found>, PluginError, R | Scope.Scope>
  /** For `anklet why`, of a text for which `find` found no job: why. */
  readonly missing?: (config: C, text: string) => Effect.Effect<Option.Option<Missing>>
  /** What `anklet why` says of this CI; without it, the plugin's name stands for the CI's. */
  readonly words?: CiWords
  /** The rate limits that all services of this plugin share, for `anklet status` and metrics. */
  readonly rateLimits?: Effect.Effect<ReadonlyArray<RateLimit>, never, R>
  /** For `anklet doctor`: ask what a pass would ask, change nothing, and tell what is so, right or wrong. */
  readonly examine?: (
    service: ServiceContext,
    config: C,
    context: ExamineContext
  ) => Effect.Effect<ReadonlyArray<Finding>, never, Examined | Scope.Scope>
}

/**
 * A plugin that makes its passes itself; one with a `Ci` has `Pass.run` make them.
 *
 * `run` is one pass: look for work, take at most one job, see it through, return. It never loops, keeps nothing between
 * passes, fails only with `PluginError`, and is safe to interrupt at every step.
 */
export interface Plugin<C, I, R> extends PluginParts<C, I, R> {
  readonly run: (service: ServiceContext, config: C) => Effect.Effect<void, PluginError, R | Scope.Scope>
  /** Look for jobs and claim none, from time to time while a pass has a job, so that people see the queue as it is: `Pass.look`. */
  readonly look?: (service: ServiceContext, config: C) => Effect.Effect<void, PluginError, R | Scope.Scope>
}

/** A service whose plugin is found and whose config is decoded: a pass that can be run. */
export interface Service<R> {
  readonly name: string
  readonly plugin: string
  readonly sleepInterval: Duration.Duration
  /** The registry that templates are pulled from, by its address or Anka's name for it; none is Anka's default. */
  readonly registry: Option.Option<string>
  /** The store that it shares with other hosts, if any. */
  readonly database: Option.Option<Database>
  readonly pass: Effect.Effect<void, PluginError, R | Scope.Scope>
  readonly look?: Effect.Effect<void, PluginError, R | Scope.Scope>
  readonly intakes?: Effect.Effect<ReadonlyArray<Intake<R>>>
  readonly find?: (job: string) => Effect.Effect<Option.Option<Found>, PluginError, R | Scope.Scope>
  readonly missing?: (text: string) => Effect.Effect<Option.Option<Missing>>
  readonly words?: CiWords
  readonly rateLimits?: Effect.Effect<ReadonlyArray<RateLimit>, never, R>
  readonly examine?: (context: ExamineContext) => Effect.Effect<ReadonlyArray<Finding>, never, Examined | Scope.Scope>
}
