/** A race that ends only when everything that ran in it has ended. */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"

/**
 * The outcome of whichever effect ends first; the other is interrupted and awaited.
 *
 * Use this instead of `Effect.race` or `raceFirst` where a finalizer outside must run after the work inside: in Effect
 * 3, when a race itself is interrupted, finalizers around it run before its competitors have ended (measured on
 * 3.22.4).
 */
export const first = <A, E, R, A2, E2, R2>(
  one: Effect.Effect<A, E, R>,
  other: Effect.Effect<A2, E2, R2>
): Effect.Effect<A | A2, E | E2, R | R2> =>
  Effect.flatten(
    Effect.raceAll<Effect.Effect<Exit.Exit<A | A2, E | E2>, never, R | R2>>([Effect.exit(one), Effect.exit(other)])
  )
