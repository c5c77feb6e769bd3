/** Who gets which job. One service of one host, whoever asks first; the rules are in `Coordinator/rules.ts`. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { JobKey, JobRequest, Scope } from "../domain/Job.ts"
import { hiding } from "../secrets/Secrets.ts"
import type { JobClass } from "./Coordinator/order.ts"
import type { Claim, HandBack, JobRecord, Survey } from "./Coordinator/protocol.ts"
import type { JournalError } from "./Journal.ts"

export { classOf, type JobClass } from "./Coordinator/order.ts"
export { type Claim, type HandBack, type JobRecord, RULES, type Survey } from "./Coordinator/protocol.ts"

/** The coordinator cannot say who gets what. */
export class CoordinatorError extends hiding(
  Schema.TaggedError<CoordinatorError>()("CoordinatorError", {
    /** `Unavailable`: the store is away, and is asked again. `Refused`: it is there, and not fit, or this host must not take part. */
    reason: Schema.Literal("Unavailable", "Refused"),
    /** What is wrong with what, and what to do about it. */
    detail: Schema.String
  })
) {
  override get message() {
    return this.detail
  }
}

/**
 * Whether a job is this host's among all hosts: `unknown` where the store that they share cannot be asked, `alone` where
 * this host shares its queue with no other one.
 */
export type Owned = "yes" | "no" | "unknown" | "alone"

/** What a coordinator keeps its knowledge in. */
export interface StoreState {
  /** How it is named to people. */
  readonly name: string
  /** The last question got no answer. */
  readonly isAway: boolean
}

/** How a service looks at its CI. */
export interface Looking<E, R> {
  readonly service: string
  /** Looks are not made more often than this, by all hosts together. */
  readonly every: Duration.Duration
  /** The jobs that the CI calls queued now. */
  readonly look: Effect.Effect<ReadonlyArray<JobRequest>, E, R>
  /** Asked after the look: whether it missed a part of the CI, so that a job that it did not see may be there all the same. No, by default. */
  readonly isPartial?: Effect.Effect<boolean>
}

export class Coordinator extends Context.Tag("anklet/Coordinator")<
  Coordinator,
  {
    /** Take part in a scope. Hosts of one scope must say the same `terms`: what they would otherwise do differently to one job. */
    readonly join: (scope: Scope, terms: string) => Effect.Effect<void, CoordinatorError>
    /** Look at the CI for all who take part, if that is due and falls to this host. A service whose last look failed looks in any case. */
    readonly refresh: <E, R>(scope: Scope, looking: Looking<E, R>) => Effect.Effect<void, E | CoordinatorError, R>
    /** A job of each class that this host may claim now: it judges these, and offers the classes that it can run. */
    readonly waiting: (scope: Scope, service: string) => Effect.Effect<ReadonlyArray<JobRequest>, CoordinatorError>
    /** Take the first job of the offered classes; none while draining. A service that holds a claim gets that one again. */
    readonly claim: (
      scope: Scope,
      service: string,
      classes: ReadonlyArray<JobClass>
    ) => Effect.Effect<Option.Option<Claim>, CoordinatorError | JournalError>
    /** The claim that a service already holds: after a crash, the one it must see through. */
    readonly held: (service: string) => Effect.Effect<Option.Option<Claim>>
    /** Whether no other host has the job by now. */
    readonly owns: (claim: Claim) => Effect.Effect<Owned>
    /** Give a job back. */
    readonly release: (claim: Claim, handBack: HandBack) => Effect.Effect<void>
    /** The job is over, or not ours to run. */
    readonly finish: (claim: Claim) => Effect.Effect<void>
    /** Our runner took another job than planned: hold that one, and let the planned one go back. None: somebody else holds it. */
    readonly swap: (claim: Claim, taken: JobRequest) => Effect.Effect<Option.Option<Claim>, JournalError>
    /** Keep a job that this host can run, but not now, for this host, which takes nothing else until then: so that small jobs do not starve big ones. */
    readonly reserve: (job: JobRequest) => Effect.Effect<boolean, CoordinatorError>
    /** What is known of a scope, for people: every host, and the queue by class. */
    readonly survey: (scope: Scope) => Effect.Effect<Survey, CoordinatorError>
    /** How a job stands, for people. */
    readonly inspect: (scope: Scope, job: JobKey) => Effect.Effect<JobRecord, CoordinatorError>
    /** The scopes that services of this host take part in. */
    readonly scopes: Effect.Effect<ReadonlyArray<Scope>>
    readonly state: Effect.Effect<StoreState>
    /** This host's identity among those of a survey. */
    readonly self: string
    /** How a host is named to people, from what it says of itself. */
    readonly nameOf: (info: string) => string
    /** Waits until there may be something for this service that it did not see in its last pass. */
    readonly woken: (service: string) => Effect.Effect<void>
  }
>() {}
