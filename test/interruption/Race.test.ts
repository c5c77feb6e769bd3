import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as Race from "../../src/interruption/Race.ts"

const journal = () => {
  const lines: Array<string> = []
  return { lines, note: (line: string) => Effect.sync(() => void lines.push(line)) }
}

it.effect("an interrupted race lets its competitors end before the finalizers around it run", () =>
  Effect.gen(function* () {
    const { lines, note } = journal()
    const work = Effect.uninterruptible(Effect.zipRight(Effect.sleep("5 seconds"), note("work ended")))
    const race = yield* Effect.fork(Effect.ensuring(Race.first(work, Effect.never), note("finalizer")))
    yield* TestClock.adjust("1 second")
    const stop = yield* Effect.fork(Fiber.interrupt(race))
    yield* TestClock.adjust("10 seconds")
    yield* Fiber.join(stop)
    assert.deepStrictEqual(lines, ["work ended", "finalizer"])
  })
)

it.effect("the first to end decides, also by failing, and the other one is interrupted", () =>
  Effect.gen(function* () {
    const { lines, note } = journal()
    const slow = Effect.onInterrupt(Effect.sleep("1 hour"), () => note("interrupted"))
    const race = yield* Effect.fork(
      Effect.flip(Race.first(slow, Effect.zipRight(Effect.sleep("1 second"), Effect.fail("no"))))
    )
    yield* TestClock.adjust("2 seconds")
    assert.strictEqual(yield* Fiber.join(race), "no")
    assert.deepStrictEqual(lines, ["interrupted"])
  })
)
