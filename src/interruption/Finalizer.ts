/** Finalizers of a pass, which take time and may be running when a stop arrives. */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { Handover } from "./Handover.ts"

/** Undo something, unless what runs is handed over: then it is left as a crash would leave it, for the next daemon to adopt. */
export const unlessHandedOver = <A, E, R>(undo: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Handover, ({ begun }) => Effect.unlessEffect(undo, begun))

/**
 * Runs an effect when the scope closes, in reverse order of addition. After a handover has begun, nothing is undone:
 * resources stay as a crash would leave them, for the next daemon to adopt.
 *
 * In a pass, use this instead of `Effect.addFinalizer` or `acquireRelease`. Those restore the fiber's references after
 * each finalizer, and an interruption that arrives while the second or a later finalizer runs is then lost (measured on
 * Effect 3.22.4): the service would miss the stop and continue.
 */
export const addUnlessHandedOver = <R>(finalizer: Effect.Effect<unknown, never, R>) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const context = yield* Effect.context<R>()
    yield* Scope.addFinalizer(scope, Effect.provide(unlessHandedOver(finalizer), context))
  })

/** Acquires a resource in one uninterruptible step, and releases it when the scope closes, unless the job is handed over. */
export const acquire = <A, E, R, R2>(
  acquire: Effect.Effect<A, E, R>,
  release: (acquired: A) => Effect.Effect<unknown, never, R2>
) => Effect.uninterruptible(Effect.tap(acquire, (acquired) => addUnlessHandedOver(release(acquired))))
