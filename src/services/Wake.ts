/**
 * Tells idle services that there may be something for them: a hint that brings the next pass forward, and nothing more.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Wake-ups for idle services. */
export class Wake extends Context.Tag("anklet/Wake")<
  Wake,
  {
    /** Wakes every service: a slot is free, a pull has ended, the store is back. */
    readonly all: Effect.Effect<void>
    /** Wakes this service: there is a job for it. */
    readonly one: (service: string) => Effect.Effect<void>
    /** Waits until the service was woken since it last waited. */
    readonly called: (service: string) => Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.sync(Wake, () => {
    const latches = new Map<string, Effect.Latch>()
    const latchOf = (service: string) => {
      const latch = latches.get(service) ?? Effect.unsafeMakeLatch(false)
      latches.set(service, latch)
      return latch
    }
    return Wake.of({
      all: Effect.suspend(() => Effect.forEach(latches.values(), (latch) => latch.open, { discard: true })),
      one: (service) => Effect.asVoid(Effect.suspend(() => latchOf(service).open)),
      called: (service) =>
        Effect.suspend(() => {
          const latch = latchOf(service)
          return Effect.ensuring(latch.await, latch.close)
        })
    })
  })
}
