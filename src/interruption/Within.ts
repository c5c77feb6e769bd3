/** Timeouts for steps that must not be interrupted. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * Runs a step to its end or its timeout, even if the calling fiber is interrupted; on timeout it fails with
 * `TimeoutException`.
 *
 * The step runs in a daemon fiber, which has no parent: in Effect 3 an interruption also reaches the children of a
 * masked fiber, and `timeout` makes children. The fiber is joined at once, so nothing outlives the call. The timeout
 * reaches only what is interruptible inside the step: never nest one mask in another.
 */
export const within =
  (limit: Duration.DurationInput) =>
  <A, E, R>(step: Effect.Effect<A, E, R>) =>
    step.pipe(
      Effect.timeout(limit),
      Effect.interruptible,
      Effect.forkDaemon,
      Effect.flatMap(Fiber.join),
      Effect.uninterruptible
    )

/**
 * Runs a step that should not be cut off: after an interruption it has `grace` left to end, then it is interrupted too.
 *
 * For effects that are worse left half done than waited for, but must not block a stop if they hang.
 */
export const lingering =
  (grace: Duration.DurationInput) =>
  <A, E, R>(step: Effect.Effect<A, E, R>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.forkDaemon(Effect.interruptible(step)), (fiber) =>
        restore(Fiber.join(fiber)).pipe(
          Effect.onInterrupt(() =>
            Fiber.await(fiber).pipe(within(grace), Effect.ignore, Effect.zipRight(Fiber.interrupt(fiber)))
          )
        )
      )
    )
