/** Finalizers of a pass, which take their time and may be running when a stop comes. */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { Handover } from "./Handover.ts"

/**
 * Run an effect when the scope closes; last added, first run. Once what runs is handed over, nothing is undone any more:
 * it is left as a crash would leave it, for the next daemon to adopt.
 *
 * Use this and not `Effect.addFinalizer` or `acquireRelease` in a pass: those put the fiber's references back after each
 * finalizer, and an interruption that arrives while the second or a later one runs is then forgotten (measured on
 * Effect 3.22.4): the stop would be lost, and the service would go on.
 */
export const add = <R>(finalizer: Effect.Effect<unknown, never, R>) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const context = yield* Effect.context<R>()
    const undo = Effect.flatMap(Handover, ({ begun }) => Effect.unlessEffect(finalizer, begun))
    yield* Scope.addFinalizer(scope, Effect.provide(undo, context))
  })

/** Acquire something in one uninterruptible step, and release it when the scope closes. */
export const acquire = <A, E, R, R2>(
  acquire: Effect.Effect<A, E, R>,
  release: (acquired: A) => Effect.Effect<unknown, never, R2>
) => Effect.uninterruptible(Effect.tap(acquire, (acquired) => add(release(acquired))))
