/** Things that a person is told once, not at every pass. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** So many keys are remembered; the oldest go first. */
const CAPACITY = 10_000

export class Once extends Context.Tag("anklet/Once")<
  Once,
  {
    /** Run the effect the first time this key is seen in the life of the daemon. */
    readonly once: <A, E, R>(key: string, effect: Effect.Effect<A, E, R>) => Effect.Effect<void, E, R>
  }
>() {
  /** One that remembers for as long as whoever makes it. */
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
