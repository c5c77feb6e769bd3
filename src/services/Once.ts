/** Messages that a person should see once, not at every pass. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Maximum number of keys that are remembered; the oldest are forgotten first. */
const CAPACITY = 10_000

/** Runs effects once for each key. */
export class Once extends Context.Tag("anklet/Once")<
  Once,
  {
    /** Runs the effect the first time this key occurs in the life of the daemon. */
    readonly once: <A, E, R>(key: string, effect: Effect.Effect<A, E, R>) => Effect.Effect<void, E, R>
  }
>() {
  /** Makes one that remembers for as long as it is referenced. */
  static readonly make = (): Once["Type"] => {
    const seen = new Set<string>()
    return {
      once: (key, effect) =>
        Effect.suspend(() => {
          if (seen.has(key)) return Effect.void
          seen.add(key)
          if (seen.size > CAPACITY) seen.delete(seen.values().next().value ?? key)
          return Effect.asVoid(effect)
        })
    }
  }
  static readonly layer = Layer.sync(Once, Once.make)
}
