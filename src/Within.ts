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
