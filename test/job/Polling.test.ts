import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Service from "../../src/daemon/Service.ts"
import { Polling } from "../../src/job/Polling.ts"
import { queued, refused } from "../fakes/GitHub.ts"
import * as World from "../fakes/world.ts"

/** What the services of these worlds watch. Their interval is ten seconds. */
const SCOPE = World.SCOPE

const looksAt = (world: World.World) => world.github.calls.filter((call) => call.startsWith("look")).length

const running = (...services: ReadonlyArray<ReturnType<typeof World.service>>) =>
  Effect.forkDaemon(
    Effect.forEach(services, (service) => Service.run(service, { once: false }), { concurrency: "unbounded" })
  )

/** Hints come ten times a second, for as long as this. */
const flooded = (seconds: number) =>
  Effect.gen(function* () {
    const polling = yield* Polling
    for (let n = 0; n < 10 * seconds; n++) {
      yield* polling.sooner(SCOPE)
      yield* TestClock.adjust("100 millis")
    }
  })

/** The number of looks at the end of each of these times. */
const looksAfter = (world: World.World, ...times: ReadonlyArray<Duration.DurationInput>) =>
  Effect.forEach(times, (time) => Effect.map(TestClock.adjust(time), () => looksAt(world)))

describe("a hint that there is something new", () => {
  it.effect("brings the next look forward, so that a new job runs at once", () => {
    const world = World.make()
    return Effect.gen(function* () {
      const fiber = yield* running(World.service("RUNNER1"))
      assert.deepStrictEqual(yield* looksAfter(world, "0 seconds", "4 seconds"), [1, 1])
      world.github.jobs.set(1, queued(1))
      yield* (yield* Polling).sooner(SCOPE)
      assert.deepStrictEqual(yield* looksAfter(world, "0 seconds"), [2])
      // so its job is taken up at once
      assert.isNotEmpty(world.anka.calls)
      for (let second = 0; second < 40; second++) yield* TestClock.adjust("1 second")
      assert.strictEqual(world.github.jobs.get(1)?.status, "completed")
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("however often it comes, and however many services wait, makes looks at least a second apart", () => {
    const world = World.make()
    const times: Array<number> = []
    world.github.before.look = Effect.map(Clock.currentTimeMillis, (now) => void times.push(now))
    let passes = 0
    const counted = (name: string) => {
      const { pass, ...service } = World.service(name)
      return {
        ...service,
        pass: Effect.zipRight(
          Effect.sync(() => passes++),
          pass
        )
      }
    }
    return Effect.gen(function* () {
      const fiber = yield* running(...["RUNNER1", "RUNNER2", "RUNNER3"].map(counted))
      yield* TestClock.adjust("0 seconds")
      yield* flooded(30)
      const gaps = times.slice(1).map((time, n) => time - (times[n] ?? 0))
      assert.isAtLeast(Math.min(...gaps), 1000)
      assert.isAtLeast(times.length, 25)
      // nor does it make passes of each service without end
      assert.isAtMost(passes, 3 * 2 * 31)
      // the last hint has its look, too; then the interval counts again
      yield* TestClock.adjust("1 second")
      const looks = times.length
      yield* TestClock.adjust("8 seconds")
      assert.strictEqual(times.length, looks)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("that comes during a look is followed by another one, which may see more", () => {
    const world = World.make()
    world.github.before.look = Effect.sleep("3 seconds")
    return Effect.gen(function* () {
      const fiber = yield* running(World.service("RUNNER1"))
      yield* TestClock.adjust("1 second")
      yield* (yield* Polling).sooner(SCOPE)
      assert.deepStrictEqual(yield* looksAfter(world, "1 second", "2 seconds", "5 seconds"), [1, 2, 2])
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("does not hurry a service whose looks fail; when they succeed again, it is not forgotten", () => {
    const world = World.make()
    world.github.before.look = refused("Unavailable", "GET runs")
    return Effect.gen(function* () {
      const fiber = yield* running(World.service("RUNNER1"))
      yield* TestClock.adjust("0 seconds")
      yield* flooded(30)
      assert.isAtMost(looksAt(world), 3)
      world.github.jobs.set(1, queued(1))
      delete world.github.before.look
      for (let second = 0; second < 180; second++) yield* TestClock.adjust("1 second")
      assert.strictEqual(world.github.jobs.get(1)?.status, "completed")
      assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(World.layer(world)))
  })
})
