import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { lines } from "../../src/job/LastWords.ts"
import { Evidence } from "../../src/services/Evidence.ts"
import { queued } from "../fakes/GitHub.ts"
import * as World from "../fakes/world.ts"

/** A world in which no runner can be started, and a guest that is asked for its logs answers nothing any more. */
const failing = () => {
  const world = World.make()
  world.github.jobs.set(1, queued(1))
  const { guest } = world.anka
  let isDeaf = false
  world.anka.guest = (vm, command, stdin) => {
    const line = command.join(" ")
    isDeaf ||= line.includes("_diag")
    if (isDeaf) return Effect.never
    return line.includes("start-runner.bash")
      ? Effect.succeed({ code: 9, stdout: "", stderr: "no" })
      : guest(vm, command, stdin)
  }
  return { world, isDeaf: () => isDeaf }
}

/** A place for evidence in which nothing ever ends. */
const stuck = (saved: Array<string>) =>
  Layer.succeed(Evidence, {
    isKept: true,
    logsOf: () => Effect.never,
    save: (name: string) =>
      Effect.zipRight(
        Effect.sync(() => saved.push(name)),
        Effect.never
      )
  })

describe("evidence of a job that fails", () => {
  it.effect("does not keep its VM for longer than its timeout, whatever does not answer", () => {
    const { world, isDeaf } = failing()
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(World.pass())
      for (let n = 0; n < 120 && !isDeaf(); n++) yield* TestClock.adjust("1 second")
      const since = yield* Clock.currentTimeMillis
      for (let n = 0; n < 120 && Option.isNone(yield* Fiber.poll(fiber)); n++) yield* TestClock.adjust("1 second")
      assert.isAtMost((yield* Clock.currentTimeMillis) - since, 25_000)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(Layer.merge(World.layer(world), stuck([]))))
  })

  it.effect("is given up at once by a stop, which leaves nothing", () =>
    Effect.forEach([1, 5, 15, 19], (seconds) => {
      const { world, isDeaf } = failing()
      return Effect.gen(function* () {
        const fiber = yield* Effect.fork(World.pass())
        for (let n = 0; n < 120 && !isDeaf(); n++) yield* TestClock.adjust("1 second")
        yield* TestClock.adjust(`${seconds} seconds`)
        const since = yield* Clock.currentTimeMillis
        const stop = yield* Effect.fork(Fiber.interrupt(fiber))
        for (let n = 0; n < 120 && Option.isNone(yield* Fiber.poll(stop)); n++) yield* TestClock.adjust("1 second")
        assert.isAtMost((yield* Clock.currentTimeMillis) - since, 20_000)
        assert.deepStrictEqual(World.left(world), World.NOTHING)
      }).pipe(Effect.provide(Layer.merge(World.layer(world), stuck([]))))
    })
  )
})

describe("a log that is kept", () => {
  it("has no secret, no colour and no line that is too long; and a line of any length takes no time", () => {
    const secret = "A".repeat(70)
    const kept = lines(`token=abc \u001b[31mred\n${"word ".repeat(1000)}${secret}\n${"x".repeat(1 << 20)}`, [])
    assert.strictEqual(kept[0], "token=[…] red")
    assert.isBelow(kept[1]?.length ?? 0, 2010)
    assert.strictEqual(kept[2], "[…]")
    assert.notInclude(kept.join(""), "AAAA")
  })
})
