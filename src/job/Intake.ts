/**
 * Intakes: how a CI tells of jobs while nobody asks it, for example by a webhook or a queue of its own.
 *
 * An intake may lose what it hears, hear it late, or hear it twice. So it decides nothing: it announces jobs, which may
 * be claimed from then on and are verified as any other, or only hints that a look would find something. Polling goes
 * on beside it, and finds what it missed.
 */
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { JobRequest } from "../domain/Job.ts"
import { Coordinator, type CoordinatorError } from "../services/Coordinator.ts"
import type { Wake } from "../services/Wake.ts"
import type { Ci, JobState } from "./Ci.ts"
import type { CiError } from "./CiError.ts"
import { asPluginError } from "./Pass.ts"
import type { PluginError } from "./PluginError.ts"
import { Polling } from "./Polling.ts"

/** An intake of one service. */
export interface Intake<R> {
  /** How it is named to people. */
  readonly name: string
  /**
   * Listen for as long as the service runs, in a scope of its own. A failure is reported, and ends neither the service
   * nor its other intakes: after a pause, which grows, it is run again. So it is when it ends by itself.
   */
  readonly run: Effect.Effect<void, PluginError, R | EffectScope.Scope>
}

/** What an intake does with what it hears. */
export interface Listener {
  /**
   * Queue these jobs, which the CI calls queued. What is acknowledged to the CI must be announced first: once this has
   * succeeded, the coordinator has the jobs. It fails while the store is away; then the CI, or a poll, tells of them
   * again.
   */
  readonly announce: (jobs: ReadonlyArray<JobRequest>) => Effect.Effect<void, CoordinatorError>
  /** Have the CI looked at soon: there is something new that cannot be announced. */
  readonly sooner: Effect.Effect<void, CiError>
}

/** An intake of a CI. `ci` is made for each run, and so has its clients for as long as the run lasts. */
export const make = <J extends JobState, R, R2, R3>(
  name: string,
  ci: Effect.Effect<Ci<J, R>, never, R2 | EffectScope.Scope>,
  listen: (ci: Ci<J, R>, listener: Listener) => Effect.Effect<void, CiError | CoordinatorError, R3 | EffectScope.Scope>
): Intake<Coordinator | Polling | R | R2 | R3 | Wake> => ({
  name,
  run: Effect.gen(function* () {
    const coordinator = yield* Coordinator
    const polling = yield* Polling
    const made = yield* ci
    const context = yield* Effect.context<R | Wake>()
    const listener: Listener = {
      announce: Effect.fnUntraced(function* (jobs) {
        // the scope of a job can change while this listens, when the CI calls what is watched by another name
        for (const scope of new Set(jobs.map(({ scope }) => scope))) {
          yield* coordinator.join(scope, made.terms)
          yield* coordinator.announce(
            scope,
            jobs.filter((job) => job.scope === scope)
          )
        }
      }),
      sooner: Effect.provide(Effect.flatMap(made.scope, polling.sooner), context)
    }
    yield* listen(made, listener).pipe(Effect.annotateLogs(made.fields), Effect.mapError(asPluginError(made.name)))
  })
})
