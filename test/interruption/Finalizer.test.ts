import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as Finalizer from "../../src/interruption/Finalizer.ts"
import { Handover } from "../../src/interruption/Handover.ts"

it.effect("an interruption that comes while a later finalizer runs is not lost", () =>
  Effect.gen(function* () {
    let wentOn = false
    const scoped = Effect.scoped(
      Effect.gen(function* () {
        yield* Finalizer.addUnlessHandedOver(Effect.sleep("5 seconds"))
        yield* Finalizer.acquire(Effect.void, () => Effect.void)
      })
    )
    const fiber = yield* Effect.forkDaemon(
      Effect.zipRight(
        Effect.zipRight(scoped, Effect.sleep("1 second")),
        Effect.sync(() => (wentOn = true))
      )
    )
    yield* TestClock.adjust("2 seconds")
    const stop = yield* Effect.fork(Fiber.interrupt(fiber))
    yield* TestClock.adjust("1 minute")
    assert.isTrue(Exit.isInterrupted(yield* Fiber.join(stop)))
    assert.isFalse(wentOn)
  })
)

it.effect("finalizers run last added first, and what was acquired is released also when the use fails", () =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const note = (line: string) => Effect.sync(() => void lines.push(line))
    const use = Effect.gen(function* () {
      yield* Finalizer.addUnlessHandedOver(note("first"))
      yield* Finalizer.acquire(note("acquired"), () => note("released"))
      return yield* Effect.fail("no")
    })
    assert.strictEqual(yield* Effect.flip(Effect.scoped(use)), "no")
    assert.deepStrictEqual(lines, ["acquired", "released", "first"])
  })
)

it.effect("nothing is undone any more once what runs is handed over, unless a stop was first", () =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const life = (line: string, leaving: Effect.Effect<unknown>) =>
      Effect.scoped(Effect.zipRight(Finalizer.addUnlessHandedOver(Effect.sync(() => lines.push(line))), leaving))
    const begin = Effect.flatMap(Handover, ({ begin }) => begin)
    const prevent = Effect.flatMap(Handover, ({ prevent }) => prevent)
    yield* Effect.provide(life("handed over", begin), Handover.layer)
    yield* Effect.provide(life("handed over, then stopped", Effect.zipRight(begin, prevent)), Handover.layer)
    yield* Effect.provide(life("stopped", Effect.zipRight(prevent, begin)), Handover.layer)
    yield* life("nobody can ask for it", begin)
    assert.deepStrictEqual(lines, ["stopped", "nobody can ask for it"])
  })
)
