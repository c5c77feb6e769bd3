/** Leaving running jobs to the daemon that replaces this one: a stop without the clean-up. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** A decision that is made once: hand over, or clean up. */
interface Switch {
  /** From now on, leave everything as it is; false when the daemon already stops, and cleans up. */
  readonly begin: Effect.Effect<boolean>
  /** From now on, clean up; without effect once the handover has begun. */
  readonly prevent: Effect.Effect<void>
  readonly begun: Effect.Effect<boolean>
  /** Waits until the handover begins. */
  readonly wait: Effect.Effect<void>
}

const NEVER: Switch = {
  begin: Effect.succeed(false),
  prevent: Effect.void,
  begun: Effect.succeed(false),
  wait: Effect.never
}

/** Whether jobs are handed over; never, unless the layer is provided. */
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
