import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Service from "../../src/daemon/Service.ts"
import { Drain } from "../../src/services/Drain.ts"
import { queued } from "../fakes/GitHub.ts"
import * as World from "../fakes/world.ts"

describe("a service", () => {
  it.effect("interrupted at any second, also in the middle of a clean-up, ends and makes no further pass", () =>
    Effect.forEach(
      Array.from({ length: 44 }, (_, second) => second),
      (second) => {
        const world = World.make()
        // without a tag the template is pulled, so that a job passes through every step
        world.github.jobs.set(1, queued(1, { labels: ["anka-template:template"] }))
        return Effect.gen(function* () {
          const fiber = yield* Effect.forkDaemon(Service.run(World.service("RUNNER1"), { once: false }))
          for (let i = 0; i < second; i++) yield* TestClock.adjust("1 second")
          const stop = yield* Effect.forkDaemon(Fiber.interrupt(fiber))
          for (let i = 0; i < 60; i++) yield* TestClock.adjust("1 second")
          assert.isTrue(Option.isSome(yield* Fiber.poll(stop)), `still running after a stop at ${second} s`)
          assert.deepStrictEqual(World.left(world), World.NOTHING)
        }).pipe(Effect.provide(World.layer(world)))
      },
      { discard: true }
    )
  )

  it.effect("drained at any second finishes the job that it has, takes no other, and ends", () =>
    Effect.forEach(
      Array.from({ length: 15 }, (_, n) => n * 2),
      (second) => {
        const world = World.make()
        world.github.jobs.set(1, queued(1))
        return Effect.gen(function* () {
          const drain = yield* Drain
          const fiber = yield* Effect.forkDaemon(Service.run(World.service("RUNNER1"), { once: false }))
          for (let i = 0; i < second; i++) yield* TestClock.adjust("1 second")
          yield* drain.begin
          world.github.jobs.set(2, queued(2))
          for (let i = 0; i < 60; i++) yield* TestClock.adjust("1 second")
          assert.isTrue(Option.isSome(yield* Fiber.poll(fiber)), `still running after a drain at ${second} s`)
          assert.strictEqual(world.github.jobs.get(2)?.status, "queued")
          // a job that was only seen stays queued; one that was claimed is finished, and succeeds
          assert.include(["queued", "completed"], world.github.jobs.get(1)?.status)
          assert.notInclude(
            ["cancelled", "failure"],
            Option.getOrNull(world.github.jobs.get(1)?.conclusion ?? Option.none())
          )
          assert.deepStrictEqual(World.left(world), World.NOTHING)
        }).pipe(Effect.provide(World.layer(world)))
      },
      { discard: true }
    )
  )

  it.effect("tells a fault of its plugin once at ERROR, also when it comes up in another place every time", () => {
    let depth = 0
    const fault = (deeper: number): Error => (deeper === 0 ? new Error("broken") : [deeper - 1].map(fault)[0]!)
    const levels: Array<string> = []
    return Effect.gen(function* () {
      const pass = Effect.suspend(() => Effect.die(fault(depth++)))
      const fiber = yield* Effect.forkDaemon(Service.run({ ...World.service("RUNNER1"), pass }, { once: false }))
      for (let i = 0; i < 3; i++) yield* TestClock.adjust("5 minutes")
      yield* Fiber.interrupt(fiber)
      assert.isAbove(depth, 2)
      assert.deepStrictEqual(
        levels.filter((level) => level !== "INFO"),
        ["ERROR", ...Array.from({ length: depth - 1 }, () => "DEBUG")]
      )
    }).pipe(
      Effect.provide(
        Layer.merge(
          World.layer(World.make()),
          Logger.replace(
            Logger.defaultLogger,
            Logger.make(({ logLevel }) => void levels.push(logLevel.label))
          )
        )
      ),
      Logger.withMinimumLogLevel(LogLevel.All)
    )
  })
})
