/** Limits for steps that must not be interrupted. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * Run a step to its end or its limit, whatever happens meanwhile to the fiber that asked; over the limit it fails with
 * `TimeoutException`.
 *
 * The step runs in a daemon fiber, which is nobody's child: in Effect 3 an interruption reaches also the children of a
 * masked fiber, and `timeout` makes children. It is joined at once, so nothing outlives the call. The limit reaches only
 * what is interruptible inside the step: never put a mask within a mask.
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
 * Run a step that is better not cut off: an interruption gives it `grace` more, then it is interrupted too.
 *
 * For effects whose half would be worse than the wait, but whose hanging must not hold a stop up.
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
