/**
 * Polling a CI: how jobs become known that nobody tells of. One service polls on behalf of all services of all hosts
 * that share its scope. A hint that there is something new brings the next look forward.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Scope } from "../domain/Job.ts"
import { Coordinator, type CoordinatorError, RULES, type Sighted } from "../services/Coordinator.ts"
import { Wake } from "../services/Wake.ts"

/** Minimum interval between two looks of a service that has a job. */
const BESIDE_JOBS = Duration.seconds(30)

/**
 * Interval between two looks of a service that has a job, from the interval of its passes: slower, and longer than a turn
 * lasts, so that the turn passes to a host that is free.
 */
export const besideJobs = (interval: Duration.Duration): Duration.Duration =>
  Duration.max(Duration.times(interval, 3), BESIDE_JOBS)

/** Age from which a look is older than it should be, where services make passes at this interval: the next one is late, or failed. */
export const lateAfter = (interval: Duration.Duration): Duration.Duration => Duration.times(besideJobs(interval), 1.5)

/** How a service polls its CI. */
export interface Looking<E, R> {
  readonly service: string
  /** Minimum interval between two looks, by all hosts together. */
  readonly every: Duration.Duration
  /** Minimum interval between two looks of this host, for a service that has a job; none for one that is free. */
  readonly apart?: Duration.Duration
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
    /**
     * Hint that there is something new in a scope: services of this host that poll it look at once, although their
     * interval has not passed. However many hints there are, looks at a scope are at least a second apart.
     */
    readonly sooner: (scope: Scope) => Effect.Effect<void, never, Wake>
    /** Time until a service should make its next pass: its interval, or a second where a hint has not been followed yet. */
    readonly pause: (service: string, interval: Duration.Duration) => Effect.Effect<Duration.Duration>
  }
>() {
  /** Makes one: every service counts as healthy until a poll of its own fails. */
  static readonly make = (): Polling["Type"] => {
    const turns = new Map<Scope, Effect.Semaphore>()
    const failing = new Set<string>()
    /** Where each service polls. */
    const places = new Map<string, Scope>()
    /** The last hint at something new in a scope, until a look that began after it has ended. */
    const hints = new Map<Scope, symbol>()
    /** When this host last looked at a scope, in milliseconds since the epoch. */
    const looked = new Map<Scope, number>()
    const oneAtATime = (scope: Scope) => {
      const turn = turns.get(scope) ?? Effect.unsafeMakeSemaphore(1)
      turns.set(scope, turn)
      return turn.withPermits(1)
    }
    return {
      poll: (scope, { service, every, apart = Duration.zero, look }) => {
        const tracked = Effect.tapBoth(look, {
          onFailure: () => Effect.sync(() => failing.add(service)),
          onSuccess: () => Effect.sync(() => failing.delete(service))
        })
        return Effect.gen(function* () {
          const coordinator = yield* Coordinator
          const now = yield* Clock.currentTimeMillis
          const since = now - (looked.get(scope) ?? Number.NEGATIVE_INFINITY)
          if (since >= 0 && since < Duration.toMillis(apart) && !failing.has(service)) return
          places.set(service, scope)
          const hint = hints.get(scope)
          const turn = yield* coordinator.turn(scope, { every, sooner: hint !== undefined })
          if (Option.isSome(turn)) {
            looked.set(scope, now)
            yield* coordinator.sighted(scope, turn.value, yield* tracked)
            // one that came during the look may be about what the look did not see
            if (hints.get(scope) === hint) hints.delete(scope)
          } else if (failing.has(service)) yield* tracked
        }).pipe(oneAtATime(scope))
      },
      sooner: (scope) =>
        Effect.gen(function* () {
          const wake = yield* Wake
          const isKnown = hints.has(scope)
          hints.set(scope, Symbol())
          // services that know of a hint look again within a second
          const here = isKnown ? [] : [...places].filter(([, place]) => place === scope)
          yield* Effect.forEach(here, ([service]) => wake.one(service), { discard: true })
        }),
      pause: (service, interval) =>
        Effect.sync(() => {
          const place = places.get(service)
          return place !== undefined && hints.has(place) ? Duration.min(interval, RULES.sooner) : interval
        })
    }
  }
  static readonly layer = Layer.sync(Polling, Polling.make)
}
