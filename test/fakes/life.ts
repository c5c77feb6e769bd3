/** What `kill -9` does to a fiber: whatever it asks for next never answers. What it asked for before still happens. */
import * as Effect from "effect/Effect"

export interface Mortal {
  /** Which life of the daemon this is; the fibers of earlier lives are dead. */
  life: number
}

export const mortal = (world: Mortal) => {
  const life = world.life
  const alive = Effect.suspend(() => (world.life === life ? Effect.void : Effect.never))
  return <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    alive.pipe(Effect.zipRight(call), Effect.zipLeft(alive))
}
