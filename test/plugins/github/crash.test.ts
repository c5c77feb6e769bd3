import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import type { GitHubConfig } from "../../../src/plugins/github/config.ts"
import * as Reconcile from "../../../src/Reconcile.ts"
import { AnkaError } from "../../../src/services/Anka.ts"
import { queued } from "../../fakes/GitHub.ts"
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
  it.effect(
    "after every second of a job, and a new start: the job runs once, nothing is left",
    () =>
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
      ),
    60_000
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
        const group = { registration: "org", runner_group: 5 } as const
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
})
