import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { VmName } from "../../src/domain/Job.ts"
import { NONE } from "../../src/job/Additions.ts"
import * as Hold from "../../src/job/Hold.ts"
import { AnkaError } from "../../src/services/Anka.ts"
import { Capacity } from "../../src/services/Capacity.ts"
import { type Failed, Holds, meets, type Request } from "../../src/services/Holds.ts"
import { ends, queued } from "../fakes/GitHub.ts"
import * as World from "../fakes/world.ts"

const MINUTE = 60_000
const request: Request = { kind: "next", named: "", at: 0, keepFor: 30 * MINUTE, firm: false }

/** A world with one job and these requests; the job ends like this. */
const made = (conclusion: string, requests: ReadonlyArray<Request> = [request]) => {
  const world = World.make()
  world.github.jobs.set(1, queued(1))
  const { guest } = world.anka
  world.anka.guest = (vm, command, stdin) =>
    Effect.tap(guest(vm, command, stdin), () =>
      Effect.sync(() => {
        for (const id of command.join(" ").includes("runner.exit") ? world.github.jobs.keys() : [])
          ends(world.github, id, conclusion)
      })
    )
  let left = requests
  const asked = Layer.succeed(Holds, {
    all: Effect.sync(() => left),
    metBy: (failed: Failed) => Effect.sync(() => Option.fromNullable(left.find((it) => meets(it, failed)))),
    add: () => Effect.void,
    forget: (which: (request: Request) => boolean) =>
      Effect.sync(() => {
        const before = left.length
        left = left.filter((it) => !which(it))
        return before - left.length
      })
  })
  return { world, requests: () => left, layer: Layer.merge(World.layer(world), asked) }
}

const finished = <A, E>(fiber: Fiber.RuntimeFiber<A, E>, seconds = 600) =>
  Effect.gen(function* () {
    for (let second = 0; second < seconds; second++) {
      if (Option.isSome(yield* Fiber.poll(fiber))) return yield* Fiber.join(fiber)
      yield* TestClock.adjust("1 second")
    }
    return assert.fail(`it did not end within ${seconds} s`)
  })

const vmsOf = (world: World.World) => [...world.anka.vms.keys()].filter((name) => name.startsWith("anklet-vm-"))

describe("a VM that is to be kept for inspection", () => {
  for (const [conclusion, isKept] of [
    ["failure", true],
    ["timed_out", true],
    ["success", false],
    ["cancelled", false],
    ["skipped", false]
  ] as const) {
    it.effect(`is ${isKept ? "kept" : "removed"} when its job ends with ${conclusion}; its runner goes`, () => {
      const { world, requests, layer } = made(conclusion)
      return Effect.gen(function* () {
        yield* finished(yield* Effect.fork(World.pass()))
        assert.strictEqual(vmsOf(world).length, isKept ? 1 : 0)
        assert.strictEqual(requests().length, isKept ? 0 : 1)
        assert.strictEqual(world.github.runners.size, 0)
      }).pipe(Effect.provide(layer))
    })
  }

  it.effect("stays until its time is over, and no longer", () => {
    const { world, layer } = made("failure")
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      yield* TestClock.adjust("29 minutes")
      yield* finished(yield* Effect.fork(Hold.expire))
      assert.strictEqual(vmsOf(world).length, 1)
      yield* TestClock.adjust("1 minute")
      yield* finished(yield* Effect.fork(Hold.expire))
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(layer))
  })

  it.effect(
    "that cannot be removed is a leftover after the first attempt, and nothing is given up in vain again",
    () => {
      const { world, layer } = made("failure")
      return Effect.gen(function* () {
        yield* finished(yield* Effect.fork(World.pass()))
        const [vm = ""] = vmsOf(world)
        world.anka.instead.delete = Effect.suspend(
          () => new AnkaError({ reason: "Failed", command: "anka delete", detail: "it does not" })
        )
        assert.isFalse(yield* finished(yield* Effect.fork(Hold.giveUp)))
        const attempts = () => world.anka.calls.filter((call) => call.startsWith("delete")).length
        const first = attempts()
        assert.isAbove(first, 0)
        assert.isTrue((yield* (yield* Capacity).left).has(VmName.make(vm)))
        assert.isFalse(yield* Hold.canGiveUp)
        assert.isFalse(yield* Hold.giveUp)
        yield* TestClock.adjust("31 minutes")
        yield* finished(yield* Effect.fork(Hold.expire))
        assert.strictEqual(attempts(), first)
      }).pipe(Effect.provide(layer))
    }
  )

  it.effect("is given up for a job, the first one first, but not if it is firm; and goes with the daemon", () => {
    const { world, layer } = made("failure", [request, { ...request, firm: true }])
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      const [first = ""] = vmsOf(world)
      world.github.jobs.set(2, queued(2))
      yield* finished(yield* Effect.fork(World.pass()))
      const second = vmsOf(world).filter((name) => name !== first)
      assert.strictEqual(second.length, 1)
      assert.isTrue(yield* finished(yield* Effect.fork(Hold.giveUp)))
      assert.deepStrictEqual(vmsOf(world), second)
      assert.isFalse(yield* Hold.giveUp)
      assert.isTrue(yield* Hold.any)
      yield* finished(yield* Effect.fork(Hold.endAll))
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(layer))
  })

  it.effect("is kept when a script fails before its runner is made, and not when its runner may be there", () =>
    Effect.forEach(
      [
        ["prepare.bash", 1],
        ["install-runner.bash", 1],
        ["start-runner.bash", 0]
      ] as const,
      ([step, count]) => {
        const { world, layer } = made("failure")
        const { guest } = world.anka
        world.anka.guest = (vm, command, stdin) =>
          command.join(" ").includes(step)
            ? Effect.succeed({ code: 1, stdout: "exit 1\n", stderr: "" })
            : guest(vm, command, stdin)
        const additions = { ...NONE, prepare: Option.some("false") }
        return Effect.gen(function* () {
          yield* finished(
            yield* Effect.fork(World.passWith(Effect.succeed(step === "prepare.bash" ? additions : NONE)))
          )
          assert.strictEqual(vmsOf(world).length, count, step)
        }).pipe(Effect.provide(layer))
      },
      { discard: true }
    )
  )

  it("is one that was asked for", () => {
    const { template, ...job } = {
      name: "build",
      template: { id: "t", tag: "v1" },
      url: "https://github.com/o/r/actions/runs/1/job/7"
    }
    const failed = (conclusion: Option.Option<"failure" | "success" | "cancelled">) =>
      ({
        job: { name: job.name, fields: { jobURL: job.url }, template: { id: template.id, toString: () => "t:v1" } },
        vm: "anklet-vm-1",
        runner: "anklet-job-1",
        conclusion
      }) as unknown as Failed
    const is = (it: Partial<Request>, conclusion: Parameters<typeof failed>[0] = Option.some("failure")) =>
      meets({ ...request, ...it }, failed(conclusion))
    for (const named of ["build", "7", job.url, "anklet-vm-1", "anklet-job-1"])
      assert.isTrue(is({ kind: "job", named }), named)
    for (const named of ["", "8", "buil"]) assert.isFalse(is({ kind: "job", named }), named)
    assert.isTrue(is({ kind: "job", named: "7" }, Option.some("cancelled")))
    assert.isFalse(is({ kind: "job", named: "7" }, Option.some("success")))
    for (const named of ["t", "t:v1"]) assert.isTrue(is({ kind: "template", named }), named)
    for (const named of ["t:v2", "u", ""]) assert.isFalse(is({ kind: "template", named }), named)
    assert.isTrue(is({}, Option.none()))
    assert.isFalse(is({}, Option.some("cancelled")))
  })
})
