import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Service from "../../src/daemon/Service.ts"
import * as Intake from "../../src/job/Intake.ts"
import { PluginError } from "../../src/job/PluginError.ts"
import { make } from "../../src/plugins/github/ci.ts"
import { toRequest } from "../../src/plugins/github/request.ts"
import { Drain } from "../../src/services/Drain.ts"
import { queued } from "../fakes/GitHub.ts"
import * as World from "../fakes/world.ts"

const SCOPE = World.SCOPE

/** A job as an intake tells of it. */
const told = (id: number) => Option.getOrThrow(toRequest(SCOPE, queued(id)))

/** An intake through which a test speaks, for as long as it is open. */
const makeBell = () => {
  const state = { open: 0, listener: Option.none<Intake.Listener>() }
  const intake = Intake.make("bell", make(World.contextOf("RUNNER1"), World.config), (_, listener) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        state.listener = Option.some(listener)
        state.open++
      }),
      () => Effect.never,
      () => Effect.sync(() => state.open--)
    )
  )
  return {
    state,
    intake,
    announce: (...ids: ReadonlyArray<number>) =>
      Effect.suspend(() => Option.getOrThrow(state.listener).announce(ids.map(told))),
    sooner: Effect.suspend(() => Option.getOrThrow(state.listener).sooner)
  }
}

type Listening = ReturnType<typeof makeBell>["intake"]
const intakes = (...list: ReadonlyArray<Listening>) => ({ intakes: Effect.succeed(list) })

const through = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

const counted = (calls: ReadonlyArray<string>, what: string) => calls.filter((call) => call.startsWith(what)).length

describe("an intake", () => {
  it.effect("tells of a job while nobody polls: it runs within the pass that it wakes", () => {
    const world = World.make()
    const bell = makeBell()
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkDaemon(
        Service.run({ ...World.service("RUNNER1"), ...intakes(bell.intake) }, { once: false })
      )
      yield* through(1)
      assert.deepStrictEqual(world.anka.calls, [])
      world.github.jobs.set(1, queued(1))
      yield* bell.announce(1)
      yield* through(4)
      assert.strictEqual(counted(world.anka.calls, "clone"), 1)
      assert.strictEqual(counted(world.github.calls, "look"), 1)
      yield* through(40)
      assert.strictEqual(world.github.jobs.get(1)?.status, "completed")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("may tell of a job three times and when it is over, and polls may see it: it is started once", () => {
    const world = World.make()
    const bell = makeBell()
    return Effect.gen(function* () {
      const services = [{ ...World.service("RUNNER1"), ...intakes(bell.intake) }, World.service("RUNNER2")]
      const fiber = yield* Effect.forkDaemon(
        Effect.forEach(services, (service) => Service.run(service, { once: false }), { concurrency: "unbounded" })
      )
      yield* through(1)
      world.github.jobs.set(1, queued(1))
      yield* Effect.all([bell.announce(1), bell.announce(1, 1)], { concurrency: 2 })
      yield* through(3)
      yield* bell.announce(1)
      yield* through(60)
      assert.isAbove(counted(world.github.calls, "look"), 3)
      assert.strictEqual(world.github.jobs.get(1)?.status, "completed")
      yield* bell.announce(1)
      yield* through(30)
      assert.strictEqual(counted(world.anka.calls, "clone"), 1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("that tells of a job which is over makes no VM", () => {
    const world = World.make()
    const bell = makeBell()
    world.github.jobs.set(1, queued(1, { status: "completed", conclusion: Option.some("cancelled") }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkDaemon(
        Service.run({ ...World.service("RUNNER1"), ...intakes(bell.intake) }, { once: false })
      )
      yield* through(1)
      yield* bell.announce(1)
      yield* through(60)
      assert.strictEqual(counted(world.anka.calls, "clone"), 0)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("may only hint that there is something: the CI is looked at at once", () => {
    const world = World.make()
    const bell = makeBell()
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkDaemon(
        Service.run({ ...World.service("RUNNER1"), ...intakes(bell.intake) }, { once: false })
      )
      yield* through(3)
      world.github.jobs.set(1, queued(1))
      yield* bell.sooner
      yield* TestClock.adjust("0 seconds")
      assert.strictEqual(counted(world.github.calls, "look"), 2)
      assert.isNotEmpty(world.anka.calls)
      yield* through(40)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("that fails, dies, ends or is not even there is told of once and run again; the service goes on", () => {
    const world = World.make()
    const bell = makeBell()
    const levels: Array<string> = []
    const runs: Record<string, Array<number>> = { fails: [], dies: [], ends: [], stops: [], "fails late": [] }
    const intake = (name: string, end: Effect.Effect<void, PluginError>) => ({
      name,
      run: Effect.zipRight(
        Effect.map(Clock.currentTimeMillis, (now) => runs[name]?.push(now)),
        end
      )
    })
    const broken = new PluginError({ reason: "Failed", detail: "broken" })
    const service = {
      ...World.service("RUNNER1"),
      ...intakes(
        intake("fails", broken),
        intake("dies", Effect.die(new Error("broken"))),
        intake("ends", Effect.void),
        intake("stops", Effect.interrupt),
        intake("fails late", Effect.delay(broken, "10 minutes")),
        bell.intake
      )
    }
    const absent = { ...World.service("RUNNER2"), intakes: Effect.die(new Error("no list")) }
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkDaemon(
        Effect.all([Service.run(service, { once: false }), Service.run(absent, { once: false })], { concurrency: 2 })
      )
      for (let n = 0; n < 180; n++) yield* TestClock.adjust("10 seconds")
      for (const name of ["fails", "dies", "ends", "stops"]) {
        const times = runs[name] ?? []
        // a second, two, four, …, five minutes
        assert.isAtLeast(times.length, 9, name)
        assert.isAtMost(times.length, 20, name)
      }
      assert.strictEqual(runs["fails late"]?.length, 3)
      // one for each of the first four, two failures that are long apart, and one for the plugin of the other service
      assert.deepStrictEqual(
        levels.filter((level) => level === "ERROR"),
        Array.from({ length: 7 }, () => "ERROR")
      )
      assert.strictEqual(bell.state.open, 1)
      assert.isAtLeast(counted(world.github.calls, "look"), 180)
      yield* Fiber.interrupt(fiber)
    }).pipe(
      Effect.provide(
        Layer.merge(
          World.layer(world),
          Logger.replace(
            Logger.defaultLogger,
            Logger.make(({ logLevel }) => void levels.push(logLevel.label))
          )
        )
      ),
      Logger.withMinimumLogLevel(LogLevel.All)
    )
  })

  it.effect("listens as long as its service, also while that drains, and is closed with it", () =>
    Effect.forEach(["stop", "drain", "drain with a job"], (how) => {
      const world = World.make()
      const bell = makeBell()
      if (how === "drain with a job") world.github.jobs.set(1, queued(1))
      return Effect.gen(function* () {
        const fiber = yield* Effect.forkDaemon(
          Service.run({ ...World.service("RUNNER1"), ...intakes(bell.intake) }, { once: false })
        )
        yield* through(5)
        if (how === "stop") yield* Fiber.interruptFork(fiber)
        else yield* (yield* Drain).begin
        yield* TestClock.adjust("0 seconds")
        assert.strictEqual(bell.state.open, how === "drain with a job" ? 1 : 0, how)
        yield* through(40)
        assert.strictEqual(bell.state.open, 0, how)
        assert.isTrue(Option.isSome(yield* Fiber.poll(fiber)), how)
        assert.deepStrictEqual(World.left(world), World.NOTHING)
      }).pipe(Effect.provide(World.layer(world)))
    })
  )

  it.effect("does not run with one pass", () => {
    const world = World.make()
    const bell = makeBell()
    return Effect.gen(function* () {
      yield* Service.run({ ...World.service("RUNNER1"), ...intakes(bell.intake) }, { once: true })
      assert.isTrue(Option.isNone(bell.state.listener))
    }).pipe(Effect.provide(World.layer(world)))
  })
})
