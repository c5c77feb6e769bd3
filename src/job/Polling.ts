/**
 * Polling a CI: how jobs become known that nobody tells of. One service polls on behalf of all services of all hosts
 * that share its scope.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Scope } from "../domain/Job.ts"
import { Coordinator, type CoordinatorError, type Sighted } from "../services/Coordinator.ts"

/** How a service polls its CI. */
export interface Looking<E, R> {
  readonly service: string
  /** Minimum interval between two looks, by all hosts together. */
  readonly every: Duration.Duration
  /** The jobs that the CI calls queued now. */
  readonly look: Effect.Effect<Sighted, E, R>
}

/** What the services of this host share when they poll. */
export class Polling extends Context.Tag("anklet/Polling")<
  Polling,
  {
    /**
     * Poll the CI on behalf of the scope if that is due and it is this host's turn; the services of a host wait for one
     * another. A service whose own last poll failed polls regardless, so that its failure state is real.
     */
    readonly poll: <E, R>(
      scope: Scope,
      looking: Looking<E, R>
    ) => Effect.Effect<void, E | CoordinatorError, R | Coordinator>
  }
>() {
  /** Makes one: every service counts as healthy until a poll of its own fails. */
  static readonly make = (): Polling["Type"] => {
    const turns = new Map<Scope, Effect.Semaphore>()
    const failing = new Set<string>()
    const oneAtATime = (scope: Scope) => {
      const turn = turns.get(scope) ?? Effect.unsafeMakeSemaphore(1)
      turns.set(scope, turn)
      return turn.withPermits(1)
    }
    return {
      poll: (scope, { service, every, look }) => {
        const tracked = Effect.tapBoth(look, {
          onFailure: () => Effect.sync(() => failing.add(service)),
          onSuccess: () => Effect.sync(() => failing.delete(service))
        })
        return Effect.gen(function* () {
          const coordinator = yield* Coordinator
          const turn = yield* coordinator.turn(scope, every)
          if (Option.isSome(turn)) yield* coordinator.sighted(scope, turn.value, yield* tracked)
          else if (failing.has(service)) yield* tracked
        }).pipe(oneAtATime(scope))
      }
    }
  }
  static readonly layer = Layer.sync(Polling, Polling.make)
}
