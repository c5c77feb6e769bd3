/** What the course of a job needs from the CI that the job comes from: all that differs between one CI and another. */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Conclusion, JobKey, JobRequest, Scope as JobScope, LogFields } from "../domain/Job.ts"
import type { Owned } from "../services/Coordinator.ts"
import type { JournalError } from "../services/Journal.ts"
import type { LedgerRunner } from "../services/Ledger.ts"
import type { CiError } from "./CiError.ts"
import type { Program, Start } from "./Guest.ts"
import type { RegistrationError } from "./RegistrationError.ts"
import type { Vm } from "./Vm.ts"

/** A job as its CI describes it now. */
export interface JobState {
  /** `queued`, `in_progress`, `completed`, or another word of the CI. */
  readonly status: string
  /** How it ended, as a word of `Conclusion`; other words count as unknown. */
  readonly conclusion: Option.Option<string>
  /** The runner that has it, or had it. */
  readonly runnerName: Option.Option<string>
}

/** What a CI answers about a job: also that it does not know it. */
export type Answer<J> = J | "gone"

/** What a CI needs to find a job: its key, and the `detail` of its request. */
export type JobRef = Pick<JobRequest, "key" | "detail">

/** A job that our runner has, whether it was planned for it or not. */
export interface Taken extends JobRef {
  readonly url: string
  /** None where Anklet could not have claimed it. */
  readonly request: Option.Option<JobRequest>
}

/** Something about a queued job that a person should know. It is logged once. */
export interface Remark {
  /** Remarks of one name are one. */
  readonly about: string
  readonly text: string
  readonly fields: LogFields
  /** Why this job cannot run at all, for `anklet why`. */
  readonly unfit: Option.Option<{ readonly job: JobKey; readonly why: string }>
}

/** The jobs of one poll. */
export interface Polled {
  /** The queued jobs that want a VM. */
  readonly requests: ReadonlyArray<JobRequest>
  readonly remarks: ReadonlyArray<Remark>
  /** Whether a part of the CI did not answer, so that a job that is not among these may be queued all the same. */
  readonly isPartial: boolean
  /** Why there can be no jobs at all; empty where there can. */
  readonly nothing: string
}

/** A runner that is registered for us, and the VM it belongs to. */
export interface Runner {
  readonly name: string
  readonly id: number
  readonly vm: Vm
}

/** A runner as its CI describes it now. */
export interface RunnerState {
  readonly online: boolean
  /** It has a job. */
  readonly busy: boolean
}

/** A job that needs a runner. */
export interface Wanted<J> {
  readonly job: JobRequest
  /** The job as it was when the CI was asked for it last. */
  readonly state: J
  /** Which attempt at the job this is, over all passes. */
  readonly attempt: number
  readonly service: string
  /** Whether the job is still this host's among all hosts. */
  readonly owns: Effect.Effect<Owned>
}

/** The runners that a CI knows. What it makes is removed when the scope closes. */
export interface RunnerRegistry<J, R> {
  /** Before a VM is made: sees to a runner in the place of the job's. Fails with `Elsewhere` where it is another host's. */
  readonly clear: (wanted: Wanted<J>) => Effect.Effect<void, CiError | RegistrationError, R>
  /** Register the job's runner, and return how its program is started in the VM. */
  readonly make: (
    wanted: Wanted<J>,
    vm: Vm
  ) => Effect.Effect<
    { readonly runner: Runner; readonly start: Start },
    Cause.TimeoutException | CiError | JournalError | RegistrationError,
    R | Scope.Scope
  >
  /** Register a runner of the job and remove it at once: fails where the CI takes none. */
  readonly rehearse: (
    wanted: Wanted<J>
  ) => Effect.Effect<void, Cause.TimeoutException | CiError | JournalError | RegistrationError, R>
  /** Own again a runner of the ledger that a crash left. */
  readonly adopt: (
    name: string,
    vm: Vm,
    wanted: Omit<Wanted<J>, "state">
  ) => Effect.Effect<void, never, R | Scope.Scope>
  /** Remove a runner of a job that a crash left, and that the ledger has lost. */
  readonly takeBack: (wanted: Omit<Wanted<J>, "state">) => Effect.Effect<void, JournalError, R>
  /** The runner as it is now; none where it is not registered any more. */
  readonly state: (runner: Runner) => Effect.Effect<Option.Option<RunnerState>, CiError, R>
  /** Give up a runner that waits for a job; false where it has, or may have, just got one. */
  readonly retire: (name: string) => Effect.Effect<boolean, never, R>
  /** Whether a runner of this name is one of the job's. */
  readonly isNameOf: (job: JobKey, name: string) => boolean
  /** Remove a runner of the ledger that has no job any more; false where it is left alone. */
  readonly removeLeft: (left: LedgerRunner) => Effect.Effect<boolean, CiError, R>
}

/** What decides whether a CI takes a runner. */
export interface RunnerTerms {
  /** Compared by value. */
  readonly terms: unknown
  /** Whether a registration is tried without a VM before the first job. */
  readonly triedFirst: boolean
}

/** One CI, as a service of the config sees it. */
export interface Ci<J extends JobState, R> {
  /** How it is called in sentences. */
  readonly name: string
  /** What every line of the log says of the service's jobs. */
  readonly fields: LogFields
  /** What is watched: the same for all services and hosts that share its queue. */
  readonly scope: Effect.Effect<JobScope, CiError, R>
  /** What all hosts of one scope must do alike. */
  readonly terms: string
  /** The queued jobs. */
  readonly poll: (scope: JobScope) => Effect.Effect<Polled, CiError, R>
  /** Fails where the last answer to our credential was a refusal. */
  readonly admitted: Effect.Effect<void, CiError, R>
  /** Whether a job of the ledger is one that the config still names. */
  readonly isOurs: (job: JobRequest) => Effect.Effect<boolean, CiError, R>
  /** A job as it is now; `thorough` where it may cost a second question, about a job that never begins. */
  readonly state: (job: JobRef, thorough: boolean) => Effect.Effect<Answer<J>, CiError, R>
  /** The job that a runner has. */
  readonly taken: (runner: string, scope: JobScope) => Effect.Effect<Option.Option<Taken>, CiError, R>
  readonly registry: RunnerRegistry<J, R>
  /** What decides whether the CI takes a runner of this service: for a job, and all that there is. */
  readonly refusals: {
    readonly of: (job: JobRef) => Effect.Effect<RunnerTerms>
    readonly all: readonly [RunnerTerms, ...ReadonlyArray<RunnerTerms>]
  }
  /** What runs the job in the guest. */
  readonly program: Program
  /** Whether the program says that it runs a job, where the CI denies it. */
  readonly isAtWork: (vm: Vm) => Effect.Effect<boolean, never, R>
  /** What a person should check when an idle runner gets no job; empty, or the end of a sentence. */
  readonly idleHint: string
  /** Timeout for a started runner to get its job. */
  readonly registrationTimeout: Duration.Duration
  /** Tell the job's author why no host can run it. */
  readonly tell: (job: JobRef, why: string) => Effect.Effect<void, never, R>
  /**
   * Only where the program is the job itself, and not a runner that gets one: report to the CI with which exit code it has
   * ended. A crash may come between this and what follows from it: then the same end is reported again.
   */
  readonly report?: (job: JobRef, runner: Runner, exitCode: number) => Effect.Effect<Conclusion, CiError, R>
}

/** Whether a job is over, or gone. */
export const isDone = (answer: Answer<JobState>): boolean => answer === "gone" || answer.status === "completed"

/** A question that failed is an unknown answer; an outage is reported by the service's own poll. */
export const ifKnown = <A, R>(question: Effect.Effect<A, CiError, R>): Effect.Effect<Option.Option<A>, never, R> =>
  question.pipe(
    Effect.tapError((error) => Effect.logDebug(`not known for now: ${error.message}`)),
    Effect.option
  )
