/** Leaving what runs to the daemon that is started in the place of this one: a stop without the clean-up. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Thrown once, one way or the other. */
interface Switch {
  /** Leave everything as it is, from now on; false when the daemon stops already, and cleans up. */
  readonly begin: Effect.Effect<boolean>
  /** The daemon stops: what runs is not left to anybody any more, unless it is already. */
  readonly prevent: Effect.Effect<void>
  readonly begun: Effect.Effect<boolean>
  /** Waits until it begins. */
  readonly wait: Effect.Effect<void>
}

const NEVER: Switch = {
  begin: Effect.succeed(false),
  prevent: Effect.void,
  begun: Effect.succeed(false),
  wait: Effect.never
}

/** Where nothing is provided, nothing is ever handed over. */
export class Handover extends Context.Reference<Handover>()("anklet/Handover", { defaultValue: () => NEVER }) {
  static readonly layer = Layer.effect(
    Handover,
    Effect.map(Deferred.make<boolean>(), (thrown): Switch => {
      let begun = false
      return {
        begin: Effect.map(Deferred.succeed(thrown, true), (isFirst) => {
          begun ||= isFirst
          return begun
        }),
        prevent: Effect.asVoid(Deferred.succeed(thrown, false)),
        begun: Effect.sync(() => begun),
        wait: Effect.flatMap(Deferred.await(thrown), (begun) => (begun ? Effect.void : Effect.never))
      }
    })
  )
}
