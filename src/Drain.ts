/** Take nothing new and finish what runs: until told otherwise (pause), or once and for all, and then leave (drain). */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export class Drain extends Context.Tag("anklet/Drain")<
  Drain,
  {
    /** Drain; again changes nothing. */
    readonly begin: Effect.Effect<void>
    readonly begun: Effect.Effect<boolean>
    /** Waits until it is thrown. */
    readonly wait: Effect.Effect<void>
    /** Take nothing new, or take work again; the daemon stays. */
    readonly pause: (paused: boolean) => Effect.Effect<void>
    readonly paused: Effect.Effect<boolean>
    /** Whether new work may be taken: neither draining nor paused. */
    readonly open: Effect.Effect<boolean>
  }
>() {
  static readonly layer = Layer.effect(
    Drain,
    Effect.map(Deferred.make<void>(), (drain) => {
      let paused = false
      return Drain.of({
        begin: Effect.asVoid(Deferred.succeed(drain, undefined)),
        begun: Deferred.isDone(drain),
        wait: Deferred.await(drain),
        pause: (now) =>
          Effect.sync(() => {
            paused = now
          }),
        paused: Effect.sync(() => paused),
        open: Effect.map(Deferred.isDone(drain), (begun) => !begun && !paused)
      })
    })
  )
}
