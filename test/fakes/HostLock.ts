/** Locks within one process. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Finalizer from "../../src/interruption/Finalizer.ts"
import { HostLock, type Lock } from "../../src/services/HostLock.ts"

export const layer = Layer.sync(HostLock, () => {
  const held = new Map<string, string>()
  const nothing: Lock = { setChild: () => Effect.void }
  const tryAcquire = (name: string, about: string) =>
    Finalizer.acquire(
      Effect.sync(() => {
        if (held.has(name)) return Option.none<Lock>()
        held.set(name, about)
        return Option.some(nothing)
      }),
      (lock) => Effect.sync(() => (Option.isSome(lock) ? held.delete(name) : false))
    )
  return HostLock.of({
    tryAcquire,
    acquire: (name, about) =>
      tryAcquire(name, about).pipe(
        Effect.flatten,
        Effect.retry({ while: () => Effect.as(Effect.sleep("200 millis"), true) }),
        Effect.orDie
      ),
    holder: (name) => Effect.sync(() => Option.fromNullable(held.get(name)))
  })
})
