import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { lingering, within } from "../../src/interruption/Within.ts"

/** A finalizer that takes 2 s, or forever, in a fiber that is stopped at the given second; what it did, and when all was over. */
const stopped = (at: number, step: Effect.Effect<void>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const note = (line: string) => Effect.sync(() => void lines.push(line))
    const work = Effect.sleep("1 second").pipe(
      Effect.ensuring(
        step.pipe(
          Effect.zipRight(note("cleaned")),
          within("5 seconds"),
          Effect.catchAll(({ _tag }) => note(_tag))
        )
      ),
      Effect.zipRight(note("went on"))
    )
    const fiber = yield* Effect.fork(work)
    yield* TestClock.adjust(at)
    const stop = yield* Effect.fork(Fiber.interrupt(fiber))
    yield* TestClock.adjust("1 minute")
    return { lines, exit: yield* Fiber.join(stop) }
  })

describe("a limited step in a finalizer", () => {
  it.effect("completes when the stop came before it", () =>
    Effect.gen(function* () {
      const { lines, exit } = yield* stopped(500, Effect.sleep("2 seconds"))
      assert.deepStrictEqual(lines, ["cleaned"])
      assert.isTrue(Exit.isInterrupted(exit))
    })
  )

  it.effect("completes when the stop comes while it runs, and the stop is not lost", () =>
    Effect.gen(function* () {
      const { lines, exit } = yield* stopped(2000, Effect.sleep("2 seconds"))
      assert.deepStrictEqual(lines, ["cleaned"])
      assert.isTrue(Exit.isInterrupted(exit))
    })
  )

  it.effect("that is stuck ends at its limit, whenever the stop comes", () =>
    Effect.gen(function* () {
      for (const at of [500, 2000]) {
        const { lines, exit } = yield* stopped(at, Effect.never)
        assert.deepStrictEqual(lines, ["TimeoutException"])
        assert.isTrue(Exit.isInterrupted(exit))
      }
    })
  )

  it.effect("hands its value and its failure on", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* within("1 second")(Effect.succeed(1)), 1)
      assert.strictEqual(yield* Effect.flip(within("1 second")(Effect.fail("no"))), "no")
    })
  )
})

/** A step that is stopped after a second: what it had done, and how long the stop took, in seconds. */
const lingered = (step: Effect.Effect<void>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const note = (line: string) => Effect.sync(() => void lines.push(line))
    const fiber = yield* step.pipe(
      Effect.zipRight(note("done")),
      Effect.onInterrupt(() => note("cut off")),
      lingering("5 seconds"),
      Effect.zipRight(note("went on")),
      Effect.fork
    )
    yield* TestClock.adjust("1 second")
    const stop = yield* Effect.fork(Fiber.interrupt(fiber))
    yield* TestClock.adjust("4 seconds")
    const early = [...lines]
    yield* TestClock.adjust("1 second")
    assert.isTrue(Exit.isInterrupted(yield* Fiber.join(stop)))
    return { early, lines }
  })

describe("a step that may linger", () => {
  it.effect("ends by itself within the grace that a stop gives it", () =>
    Effect.gen(function* () {
      const { early } = yield* lingered(Effect.sleep("4 seconds"))
      assert.deepStrictEqual(early, ["done"])
    })
  )

  it.effect("is cut off after that grace, not before", () =>
    Effect.gen(function* () {
      const { early, lines } = yield* lingered(Effect.never)
      assert.deepStrictEqual(early, [])
      assert.deepStrictEqual(lines, ["cut off"])
    })
  )

  it.effect("hands its value and its failure on", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* lingering("1 second")(Effect.succeed(1)), 1)
      assert.strictEqual(yield* Effect.flip(lingering("1 second")(Effect.fail("no"))), "no")
    })
  )
})
