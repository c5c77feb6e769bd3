/** Who gets which job: the first service to ask, of whichever host. The rules are in `Coordinator/rules.ts`. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { JobKey, JobRequest, Scope } from "../domain/Job.ts"
import { hiding } from "../secrets/Secrets.ts"
import type { JobClass } from "./Coordinator/order.ts"
import type { Claim, HandBack, JobRecord } from "./Coordinator/protocol.ts"
import type { JournalError } from "./Journal.ts"

export { classOf, type JobClass } from "./Coordinator/order.ts"
export {
  type Claim,
  type Exclusion,
  type HandBack,
  type JobRecord,
  type Listed,
  RULES,
  type Survey
} from "./Coordinator/protocol.ts"

/** The coordinator cannot say who gets what. */
export class CoordinatorError extends hiding(
  Schema.TaggedError<CoordinatorError>()("CoordinatorError", {
    /** `Unavailable`: the store is away, and will be asked again. `Refused`: it is unfit, or this host must not take part. */
    reason: Schema.Literal("Unavailable", "Refused"),
    /** What is wrong with what, and what to do about it. */
    detail: Schema.String
  })
) {
  override get message() {
    return this.detail
  }
}

/** Whether a job is this host's: `unknown` if the shared store does not answer, `alone` if no other host shares the queue. */
export type Owned = "yes" | "no" | "unknown" | "alone"

/** When the next look at the CI is due. */
export interface Pace {
  /** Minimum interval between two looks, by all hosts together. */
  readonly every: Duration.Duration
  /** The CI has hinted at something new: a second after the last look is late enough, and the turn may pass from a host that is not looking now. */
  readonly sooner: boolean
}

/** The right to look at the CI on behalf of all hosts of a scope, until it is granted again. */
export interface Turn {
  /** A later turn has a higher one, and what was seen in an earlier turn counts no more. */
  readonly fence: number
}

/** What a look at the CI saw. */
export interface Sighted {
  /** The jobs that the CI calls queued. */
  readonly jobs: ReadonlyArray<JobRequest>
  /** Whether a part of the CI could not be seen, so that jobs which were not seen may still wait. By default, none. */
  readonly isPartial?: boolean
}

/** The coordinator, as services use it. What people ask of it is `CoordinatorView`. */
export class Coordinator extends Context.Tag("anklet/Coordinator")<
  Coordinator,
  {
    /** Take part in a scope. All hosts of a scope must have equal `terms`, which say in what way they run its jobs; else it fails with `Refused`. */
    readonly join: (scope: Scope, terms: string) => Effect.Effect<void, CoordinatorError>
    /** Ask for the turn to look at the CI on behalf of all hosts: none if the last look is too recent, or if it is another host's turn. */
    readonly turn: (scope: Scope, pace: Pace) => Effect.Effect<Option.Option<Turn>, CoordinatorError>
    /** Report what was seen in a turn: new jobs are queued, and jobs that the last looks did not see are forgotten. Of no effect once the turn is over. */
    readonly sighted: (scope: Scope, turn: Turn, seen: Sighted) => Effect.Effect<void, CoordinatorError>
    /**
     * Queue jobs that the CI has told of as queued while nobody looked, and wake services for them. Jobs that have an
     * owner or are over stay as they are, and none is forgotten, so it may be said late, twice, and by any host. What it
     * has not succeeded in saying may be unknown: say it again.
     */
    readonly announce: (scope: Scope, jobs: ReadonlyArray<JobRequest>) => Effect.Effect<void, CoordinatorError>
    /** One job of each class that this host may claim now. The host judges these, and offers the classes that it can run to `claim`. */
    readonly waiting: (scope: Scope, service: string) => Effect.Effect<ReadonlyArray<JobRequest>, CoordinatorError>
    /** Claim the first job of the offered classes; none while draining. A service that holds a claim gets the same one again. */
    readonly claim: (
      scope: Scope,
      service: string,
      classes: ReadonlyArray<JobClass>
    ) => Effect.Effect<Option.Option<Claim>, CoordinatorError | JournalError>
    /** The claim that a service holds: after a crash, the job that it must see through. */
    readonly held: (service: string) => Effect.Effect<Option.Option<Claim>>
    /** Whether the job is still this host's. */
    readonly owns: (claim: Claim) => Effect.Effect<Owned>
    /** Hand a job back. If the store does not answer, it hears of this later; so also with `finish`. */
    readonly release: (claim: Claim, handBack: HandBack) => Effect.Effect<void>
    /** The job is over, or not for this host to run. */
    readonly finish: (claim: Claim) => Effect.Effect<void>
    /** The runner got another job than planned: claim that one, and hand the planned one back. None if another service holds it. */
    readonly swap: (claim: Claim, taken: JobRequest) => Effect.Effect<Option.Option<Claim>, JournalError>
    /** Reserve a job that this host could run but has no room for yet. The host takes no other job until then, so that small jobs do not starve big ones. */
    readonly reserve: (job: JobRequest) => Effect.Effect<boolean, CoordinatorError>
    /** What is known of a job. */
    readonly inspect: (scope: Scope, job: JobKey) => Effect.Effect<JobRecord, CoordinatorError>
    /** Waits until there may be a job for this service that its last pass did not see. */
    readonly woken: (service: string) => Effect.Effect<void>
  }
>() {}
