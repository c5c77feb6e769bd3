import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import * as Service from "../../src/daemon/Service.ts"
import { Activity, Progress } from "../../src/services/Activity.ts"
import * as embedded from "../../src/services/Coordinator/embedded.ts"
import { Coordinator } from "../../src/services/Coordinator.ts"
import { queued, refused } from "../fakes/GitHub.ts"
import * as World from "../fakes/world.ts"

/** What the services of these worlds watch. Their interval is ten seconds, that of looks beside jobs thirty. */
const SCOPE = World.SCOPE
const NAMES = ["RUNNER1", "RUNNER2"]

/** A world whose jobs run for hours. */
const busy = () => {
  const world = World.make()
  const guest = world.anka.guest
  world.anka.guest = (vm, command, stdin) =>
    command.join(" ").includes("runner.exit") ? Effect.never : guest(vm, command, stdin)
  for (const id of [1, 2]) world.github.jobs.set(id, queued(id))
  return world
}

const looksAt = (world: World.World) => world.github.calls.filter((call) => call.startsWith("look")).length

const seconds = (count: number) =>
  Effect.forEach(Array.from({ length: count / 2 }), () => TestClock.adjust("2 seconds"), { discard: true })

/** Two services, and what looks beside their jobs, as a daemon runs them. */
const running = Effect.gen(function* () {
  const activity = yield* Activity
  const coordinator = yield* embedded.make(NAMES)
  const served = NAMES.flatMap((name) => {
    const service = World.service(name)
    const progress = activity.of(service)
    const hasJob = Effect.map(activity.services, (services) =>
      services.some((it) => it.name === name && it.doing._tag === "Working")
    )
    return [Service.run(service, { once: false }), Service.looksBesideJobs(service, hasJob)].map((it) =>
      Effect.provideService(it, Progress, progress)
    )
  })
  const fiber = yield* Effect.forkDaemon(
    Effect.provideService(Effect.all(served, { concurrency: "unbounded" }), Coordinator, coordinator)
  )
  const waiting = Effect.map(coordinator.survey(SCOPE), ({ classes }) =>
    classes.reduce((sum, { jobs }) => sum + jobs, 0)
  )
  // the passes with their jobs have begun
  yield* seconds(60)
  const stop = Effect.gen(function* () {
    const stopped = yield* Effect.forkDaemon(Fiber.interrupt(fiber))
    yield* seconds(30)
    yield* Fiber.join(stopped)
  })
  return { activity, waiting, stop }
})

const provided = (world: World.World, warned: Array<string> = []) =>
  Effect.provide(
    Layer.mergeAll(
      World.layer(world),
      Activity.layer,
      Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ logLevel, message }) => {
          if (["WARN", "ERROR"].includes(logLevel.label)) warned.push(`${logLevel.label} ${message}`)
        })
      )
    )
  )

describe("while all services have jobs", () => {
  it.effect("what is queued is known within thirty seconds, however many services share the looks", () => {
    const world = busy()
    return Effect.gen(function* () {
      const { waiting, stop } = yield* running
      const before = looksAt(world)
      for (let round = 1; round <= 10; round++) {
        world.github.jobs.set(10 + round, queued(10 + round))
        yield* seconds(30)
        assert.strictEqual(yield* waiting, round, `after ${round} rounds`)
      }
      // one look in thirty seconds, by both services together
      assert.strictEqual(looksAt(world) - before, 10)
      yield* stop
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(provided(world))
  })

  it.effect("a queue that cannot be polled is said once, shown at the service, and taken back when it can", () => {
    const world = busy()
    const warned: Array<string> = []
    return Effect.gen(function* () {
      const { activity, waiting, stop } = yield* running
      const troubles = Effect.map(activity.services, (services) => services.map(({ trouble = "" }) => trouble))
      assert.deepStrictEqual(yield* troubles, ["", ""])
      world.github.before.look = refused("Unauthorized", "GET runs")
      yield* seconds(200)
      assert.match((yield* troubles).join(" "), /GET runs/)
      // once by each service that has polled; what else they say of their jobs is not about the queue
      const said = warned.filter((line) => line.includes("the queue cannot be polled"))
      assert.isTrue(said.length > 0 && said.length <= 2 && said.every((line) => line.startsWith("WARN")), said.join())
      world.github.before.look = Effect.void
      world.github.jobs.set(3, queued(3))
      yield* seconds(60)
      assert.deepStrictEqual(yield* troubles, ["", ""])
      assert.strictEqual(yield* waiting, 1)
      yield* stop
    }).pipe(provided(world, warned))
  })
})
