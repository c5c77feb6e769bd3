/** The switch that is thrown once: take nothing new, finish what runs. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export class Drain extends Context.Tag("anklet/Drain")<
  Drain,
  {
    /** Throw it; again changes nothing. */
    readonly begin: Effect.Effect<void>
    readonly begun: Effect.Effect<boolean>
    /** Waits until it is thrown. */
    readonly wait: Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.effect(
    Drain,
    Effect.map(Deferred.make<void>(), (drain) =>
      Drain.of({
        begin: Effect.asVoid(Deferred.succeed(drain, undefined)),
        begun: Deferred.isDone(drain),
        wait: Deferred.await(drain)
      })
    )
  )
}
