import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import * as Reconcile from "../../../src/daemon/Reconcile.ts"
import { JobKey } from "../../../src/domain/Job.ts"
import type { GitHubConfig } from "../../../src/plugins/github/config.ts"
import { isNameOf, nameOf } from "../../../src/plugins/github/runner.ts"
import { AnkaError } from "../../../src/services/Anka.ts"
import { queued, takes } from "../../fakes/GitHub.ts"
import { NodeContext } from "../../fakes/platform.ts"
import * as World from "../../fakes/world.ts"

const finished = <A, E>(fiber: Fiber.RuntimeFiber<A, E>, within = 400) =>
  Effect.gen(function* () {
    for (let second = 0; second < within; second++) {
      if (Option.isSome(yield* Fiber.poll(fiber))) return yield* Fiber.join(fiber)
      yield* TestClock.adjust("1 second")
    }
    return yield* Effect.dieMessage(`the fiber did not end within ${within} s`)
  })

/** What a daemon does at its start, then passes until nothing is left to do. */
const life = (world: World.World, passes: number, given: Partial<GitHubConfig> = {}) =>
  Effect.gen(function* () {
    const strangers = yield* Ref.make<Reconcile.Strangers>(new Map())
    yield* Reconcile.audit(new Set(["RUNNER1"]), Effect.succeed([]), strangers)
    for (let pass = 0; pass < passes; pass++) {
      yield* World.pass("RUNNER1", given)
      yield* Effect.sleep(Duration.seconds(11))
    }
  }).pipe(Effect.provide(Layer.merge(World.layer(world), NodeContext)))

describe("kill -9", () => {
  it.effect("after every second of a job, and a new start: the job runs once, nothing is left", () =>
    Effect.forEach(
      Array.from({ length: 30 }, (_, second) => second),
      (second) => {
        const world = World.make()
        world.github.jobs.set(1, queued(1))
        return Effect.gen(function* () {
          // a daemon fiber: it hangs in its next effect for ever, also in its finalizers, as a killed process does
          yield* Effect.forkDaemon(life(world, 1))
          for (let i = 0; i < second; i++) yield* TestClock.adjust("1 second")
          World.kill(world)
          yield* finished(yield* Effect.fork(life(world, 4)))
          assert.strictEqual(world.github.jobs.get(1)?.status, "completed", `killed after ${second} s`)
          assert.strictEqual(
            Option.getOrNull(world.github.jobs.get(1)?.conclusion ?? Option.none()),
            "success",
            `killed after ${second} s`
          )
          assert.deepStrictEqual(World.left(world), World.NOTHING, `killed after ${second} s`)
        })
      },
      { discard: true }
    )
  )

  it.effect("around a registration that is tried without a VM: nothing is left of it", () =>
    Effect.forEach(
      ["before", "after"] as const,
      (when) => {
        const world = World.make()
        world.github.jobs.set(1, queued(1))
        let asked = 0
        world.github[when].createRunner = Effect.suspend(() => {
          if (++asked === 1) World.kill(world)
          return Effect.void
        })
        const group = { registration: Option.some("org" as const), runner_group: 5 } as const
        return Effect.gen(function* () {
          yield* Effect.forkDaemon(life(world, 1, group))
          for (let i = 0; i < 30 && asked === 0; i++) yield* TestClock.adjust("1 second")
          assert.strictEqual(asked, 1)
          yield* finished(yield* Effect.fork(life(world, 4, group)))
          assert.strictEqual(world.github.jobs.get(1)?.status, "completed", when)
          assert.deepStrictEqual(World.left(world), World.NOTHING, when)
        })
      },
      { discard: true }
    )
  )

  it.effect("between writing down that the runner starts, and starting it: the job is tried again at once", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    const guest = world.anka.guest
    let starts = 0
    world.anka.guest = (vm, command, stdin) => {
      const line = command.join(" ")
      if (line.includes("start-runner.bash") && ++starts === 1) {
        // the daemon dies before the hypervisor heard of it
        World.kill(world)
        return Effect.succeed({ code: 0, stdout: "", stderr: "" })
      }
      if (line.includes("runner.pid") && !line.includes("kill")) {
        return Effect.succeed({ code: starts > 1 ? 0 : 1, stdout: "", stderr: "" })
      }
      return guest(vm, command, stdin)
    }
    return Effect.gen(function* () {
      yield* Effect.forkDaemon(life(world, 1))
      for (let i = 0; i < 40; i++) yield* TestClock.adjust("1 second")
      assert.strictEqual(starts, 1)
      // far sooner than the time in which a runner must come online
      yield* finished(yield* Effect.fork(life(world, 2)), 55)
      assert.strictEqual(Option.getOrNull(world.github.jobs.get(1)?.conclusion ?? Option.none()), "success")
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    })
  })

  it.effect(
    "while a job runs, and an `anka` that does not answer at the new start: the job is not ended for that",
    () => {
      const world = World.make()
      world.github.jobs.set(1, queued(1))
      return Effect.gen(function* () {
        yield* Effect.forkDaemon(life(world, 1))
        for (let i = 0; i < 200 && world.github.jobs.get(1)?.status !== "in_progress"; i++) {
          yield* TestClock.adjust("1 second")
        }
        World.kill(world)
        let asked = 0
        world.anka.instead.show = Effect.suspend(() =>
          ++asked <= 2 ? new AnkaError({ reason: "Timeout", command: "anka show", detail: "no answer" }) : Effect.void
        )
        yield* finished(yield* Effect.fork(life(world, 2)))
        assert.isAbove(asked, 2)
        assert.strictEqual(Option.getOrNull(world.github.jobs.get(1)?.conclusion ?? Option.none()), "success")
        assert.strictEqual(world.anka.calls.filter((call) => call.startsWith("clone")).length, 1)
        assert.deepStrictEqual(World.left(world), World.NOTHING)
      })
    }
  )

  /** Lines that the ledger loses, by their kind; those of a runner that was started are never among them. */
  const loses = (world: World.World, ...tags: ReadonlyArray<string>) => {
    const { entries } = world.ledger
    const isStarted = entries.some(({ _tag }) => _tag === "RunnerStarted")
    if (!isStarted) entries.splice(0, entries.length, ...entries.filter(({ _tag }) => !tags.includes(_tag)))
  }
  const clones = (world: World.World) => world.anka.calls.filter((call) => call.startsWith("clone")).length

  for (const [what, tags, within] of [
    // an earlier life had the job: what has its name is taken back at once
    ["its runner", ["RunnerNamed", "RunnerKnown"], 90],
    // nothing tells whose it is: it is looked at twice
    ["everything", ["Claimed", "VmNamed", "RunnerNamed", "RunnerKnown"], 150]
  ] as const) {
    it.effect(
      `after every second of a job, with a ledger that has lost ${what} by the new start: one VM more, and the job runs`,
      () =>
        Effect.forEach(
          Array.from({ length: 16 }, (_, second) => second),
          (second) => {
            const world = World.make()
            world.owns = "alone"
            world.github.jobs.set(1, queued(1))
            return Effect.gen(function* () {
              yield* Effect.forkDaemon(life(world, 1))
              for (let i = 0; i < second; i++) yield* TestClock.adjust("1 second")
              World.kill(world)
              loses(world, ...tags)
              const before = clones(world)
              const since = yield* Clock.currentTimeMillis
              yield* finished(yield* Effect.fork(life(world, 3)))
              assert.isAtMost((yield* Clock.currentTimeMillis) - since, within * 1000, `${second} s`)
              const job = world.github.jobs.get(1)
              assert.strictEqual(Option.getOrNull(job?.conclusion ?? Option.none()), "success", `${second} s`)
              assert.isAtMost(clones(world) - before, 1, `${second} s`)
              assert.deepStrictEqual(World.left(world).runners, [], `${second} s`)
            })
          },
          { discard: true }
        )
    )
  }

  it.effect(
    "and an upgrade, with a ledger that has lost its runner: it goes by the name that the older version gave it",
    () => {
      const world = World.make()
      world.owns = "alone"
      world.github.jobs.set(1, queued(1))
      const older = nameOf(JobKey.make("github:1"), 0).replace("anklet-job-", "anklet-vm-")
      assert.isTrue(isNameOf(JobKey.make("github:1"), older))
      return Effect.gen(function* () {
        yield* Effect.forkDaemon(life(world, 1))
        yield* TestClock.adjust("3 seconds")
        World.kill(world)
        loses(world, "RunnerNamed", "RunnerKnown")
        world.github.runners.set(99, { id: 99, name: older, online: false, busy: false })
        yield* finished(yield* Effect.fork(life(world, 4)))
        assert.strictEqual(Option.getOrNull(world.github.jobs.get(1)?.conclusion ?? Option.none()), "success")
        assert.deepStrictEqual(World.left(world), World.NOTHING)
      })
    }
  )

  for (const [what, given, takes] of [
    ["online", { online: true, busy: false }, false],
    ["busy", { online: true, busy: true }, false],
    ["offline", { online: false, busy: false }, true]
  ] as const) {
    it.effect(
      `and a ledger that is lost: a runner of the job's name that is ${what} is ${takes ? "" : "not "}removed`,
      () => {
        const world = World.make()
        world.owns = "alone"
        world.github.jobs.set(1, queued(1))
        const name = nameOf(JobKey.make("github:1"), 0)
        world.github.runners.set(99, { id: 99, name, ...given })
        return Effect.gen(function* () {
          yield* finished(yield* Effect.fork(life(world, 1)))
          assert.strictEqual(world.github.runners.has(99), !takes)
          if (what === "online") assert.strictEqual(clones(world), 0)
        })
      }
    )
  }

  it.effect("of another host without a shared queue, whose runner comes online in time: it keeps its runner", () => {
    const world = World.make()
    world.owns = "alone"
    world.github.jobs.set(1, queued(1))
    const name = nameOf(JobKey.make("github:1"), 0)
    world.github.runners.set(99, { id: 99, name, online: false, busy: false })
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(life(world, 1))
      yield* TestClock.adjust("30 seconds")
      takes(world.github, name, 1)
      yield* finished(fiber)
      assert.isTrue(world.github.runners.has(99))
      assert.strictEqual(clones(world), 0)
    })
  })

  it.effect("of another host, whose runner stays: this one says why it waits, at WARN, from the second time on", () => {
    const world = World.make()
    world.owns = "unknown"
    world.github.jobs.set(1, queued(1))
    const name = nameOf(JobKey.make("github:1"), 0)
    world.github.runners.set(99, { id: 99, name, online: false, busy: false })
    const said: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => void said.push(`${logLevel.label} ${message}`))
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(life(world, 14)), 800)
      const told = said.filter((line) => line.includes("not now"))
      assert.match(told[0] ?? "", /^INFO/)
      assert.isAbove(told.length, 1)
      for (const line of told.slice(1)) assert.match(line, new RegExp(`^WARN .*${name} is offline and idle`))
      assert.strictEqual(clones(world), 0)
    }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
  })
})
