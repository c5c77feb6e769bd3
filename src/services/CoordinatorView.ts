/** What people ask of a coordinator: who takes part, and what waits. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import { span } from "../domain/Format.ts"
import type { JobKey, Scope } from "../domain/Job.ts"
import type { JobRecord, Listed, Survey } from "./Coordinator/protocol.ts"
import { CoordinatorError } from "./Coordinator.ts"
import * as Shared from "./Shared.ts"

/** What a coordinator keeps its knowledge in. */
export interface StoreState {
  /** How it is named to people. */
  readonly name: string
  /** The last question got no answer. */
  readonly isAway: boolean
}

/** The side of a coordinator that status, metrics and explanations read; services have the other one, `Coordinator`. */
export interface CoordinatorView {
  /** Whether other hosts take part. */
  readonly isShared: boolean
  readonly state: Effect.Effect<StoreState>
  /** This host's identity among those of a survey. */
  readonly self: string
  /** How a host is named to people, from its description of itself. */
  readonly nameOf: (info: string) => string
  /** The scopes that services of this host take part in. */
  readonly scopes: Effect.Effect<ReadonlyArray<Scope>>
  /** What is known of a scope: its hosts, and the queue by class. */
  readonly survey: (scope: Scope) => Effect.Effect<Survey, CoordinatorError>
  /** The jobs of the queue, class by class, and what is known of each; `most` of them at most. */
  readonly queue: (scope: Scope, most: number) => Effect.Effect<ReadonlyArray<Listed>, CoordinatorError>
  /** What is known of a job. */
  readonly inspect: (scope: Scope, job: JobKey) => Effect.Effect<JobRecord, CoordinatorError>
}

/** A scope, and its survey or why there is none. */
export interface Surveyed {
  readonly view: CoordinatorView
  readonly scope: Scope
  /** The name of the store. */
  readonly store: string
  readonly survey: Either.Either<Survey, CoordinatorError>
}

/** What is said of a store that does not answer in time. */
const late = (name: string, within: Duration.DurationInput) =>
  new CoordinatorError({ reason: "Unavailable", detail: `${name} does not answer within ${span(within)}` })

/**
 * Survey every scope of these coordinators; askers who come at about the same time share the answers. A store that does
 * not answer `within` this counts as away, if that is given.
 */
export const surveys = (
  views: ReadonlyArray<CoordinatorView>,
  within: Duration.DurationInput = Duration.infinity
): Effect.Effect<ReadonlyArray<Surveyed>> =>
  Effect.map(
    Effect.forEach(views, (view, n) =>
      Effect.gen(function* () {
        const { name: store } = yield* view.state
        return yield* Effect.forEach(
          yield* view.scopes,
          (scope) =>
            Shared.ask(`survey ${n} ${scope}`, view.survey(scope)).pipe(
              Effect.timeoutFail({ duration: within, onTimeout: () => late(store, within) }),
              Effect.either,
              Effect.map((survey): Surveyed => ({ view, scope, store, survey }))
            ),
          { concurrency: "unbounded" }
        )
      })
    ),
    (found) => found.flat()
  )
