/** Several scopes in one service: one order, and a scope that fails keeps nobody from the others. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import * as Reconcile from "../../../src/daemon/Reconcile.ts"
import * as Service from "../../../src/daemon/Service.ts"
import { JobKey } from "../../../src/domain/Job.ts"
import { make } from "../../../src/plugins/github/ci.ts"
import { find } from "../../../src/plugins/github/find.ts"
import { missing } from "../../../src/plugins/github/missing.ts"
import { nameOf } from "../../../src/plugins/github/runner.ts"
import { Activity, Progress } from "../../../src/services/Activity.ts"
import { Level } from "../../../src/services/GitHub.ts"
import { ends, queued, refused } from "../../fakes/GitHub.ts"
import { NodeContext } from "../../fakes/platform.ts"
import * as World from "../../fakes/world.ts"

const none = { registration: Option.none(), enterprise: Option.none(), runner_group: Option.none() }

/** All repositories of the organisation o, and one repository of another owner. */
const WATCH = {
  registration: Option.none(),
  owner: Option.none(),
  repo: Option.none(),
  watch: Option.some([
    { ...none, owner: "o", repo: Option.none() },
    { ...none, owner: "other", repo: Option.some("tool") }
  ])
} as const

/** A queued job of the other owner's repository. */
const ofOther = (id: number) =>
  queued(id, {
    owner: "other",
    repo: "tool",
    url: `https://github.com/other/tool/actions/runs/${100 + id}/job/${id}`
  })

const finished = <A, E>(fiber: Fiber.RuntimeFiber<A, E>, within = 600) =>
  Effect.gen(function* () {
    for (let second = 0; second < within; second++) {
      if (Option.isSome(yield* Fiber.poll(fiber))) return yield* Fiber.join(fiber)
      yield* TestClock.adjust("1 second")
    }
    return yield* Effect.dieMessage(`the fiber did not end within ${within} s`)
  })

/** A world in which jobs 1 and 3 are the organisation's, 2 and 4 the other owner's, and what its log says. */
const made = () => {
  const world = World.make()
  for (const id of [1, 3]) world.github.jobs.set(id, queued(id))
  for (const id of [2, 4]) world.github.jobs.set(id, ofOther(id))
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel.label} ${message}`))
  const layer = Layer.mergeAll(World.layer(world), Activity.layer, Logger.replace(Logger.defaultLogger, logger))
  return { world, lines, layer }
}

const conclusionOf = (world: World.World, id: number) =>
  Option.getOrUndefined(world.github.jobs.get(id)?.conclusion ?? Option.none())

/** The jobs in the order in which they got their runners. */
const orderOf = (world: World.World) => {
  const order: Array<number> = []
  for (const name of world.github.calls.flatMap((call) => call.match(/^createRunner (.*)/)?.[1] ?? [])) {
    for (const { id, runnerName } of world.github.jobs.values()) if (Option.contains(runnerName, name)) order.push(id)
  }
  return order
}

/** The service runs for a time. */
const served = (minutes: number) =>
  Effect.gen(function* () {
    const activity = yield* Activity
    const service = World.service("RUNNER1", WATCH)
    const fiber = yield* Effect.fork(
      Effect.provideService(Service.run(service, { once: false }), Progress, activity.of(service))
    )
    for (let second = 0; second < minutes * 60; second++) yield* TestClock.adjust("1 second")
    const [{ doing } = { doing: undefined }] = yield* activity.services
    yield* finished(yield* Effect.fork(Fiber.interrupt(fiber)))
    return doing
  })

describe("a service with several scopes", () => {
  it.effect("runs the jobs of all in the order of their age, each at its own place", () => {
    const { world, lines, layer } = made()
    return Effect.gen(function* () {
      yield* served(4)
      assert.deepStrictEqual(orderOf(world), [1, 2, 3, 4])
      assert.deepStrictEqual(
        [1, 2, 3, 4].map((id) => conclusionOf(world, id)),
        ["success", "success", "success", "success"]
      )
      const organisation = Level.Organisation({ owner: "o" })
      const repository = Level.Repository({ owner: "other", repo: "tool" })
      assert.deepStrictEqual([...world.github.levels.values()], [organisation, repository, organisation, repository])
      assert.deepStrictEqual(World.left(world), World.NOTHING)
      assert.deepStrictEqual(
        lines.filter((line) => /^(WARN|ERROR)/.test(line)),
        []
      )
    }).pipe(Effect.provide(layer))
  })

  it.effect("has one queue, whose name does not depend on their order", () =>
    Effect.gen(function* () {
      const scopeOf = (config: typeof World.config) =>
        Effect.scoped(Effect.flatMap(make(World.contextOf("RUNNER1"), config), ({ scope }) => scope))
      const config = { ...World.config, ...WATCH }
      const turned = { ...config, watch: Option.map(config.watch, (watch) => [...watch].reverse()) }
      assert.strictEqual(yield* scopeOf(config), "github:api.github.test/o+other/tool")
      assert.strictEqual(yield* scopeOf(turned), "github:api.github.test/o+other/tool")
    }).pipe(Effect.provide(made().layer))
  )

  for (const [hidden, others] of [
    ["o", [2, 4]],
    ["other/tool", [1, 3]]
  ] as const) {
    it.effect(`runs the jobs of the others while ${hidden} fails, and says so once, with its name`, () => {
      const { world, lines, layer } = made()
      world.github.hidden.set(hidden, refused("NotFound", `GET ${hidden}`))
      return Effect.gen(function* () {
        const doing = yield* served(4)
        assert.deepStrictEqual(orderOf(world), [...others])
        assert.deepStrictEqual(World.left(world), World.NOTHING)
        const said = lines.filter((line) => /^(WARN|ERROR)/.test(line))
        assert.strictEqual(said.length, 1, said.join("\n"))
        assert.match(said.join(), new RegExp(`^WARN ${hidden} is left out until it recovers, the rest is polled`))
        assert.match(JSON.stringify(doing), new RegExp(`"Waiting".*${hidden} is left out`))

        world.github.hidden.clear()
        yield* served(4)
        assert.lengthOf(orderOf(world), 4)
        assert.include(lines, `INFO ${hidden} has recovered`)
      }).pipe(Effect.provide(layer))
    })
  }

  it.effect("fails where all of them do", () => {
    const { world, lines, layer } = made()
    for (const name of ["o", "other/tool"]) world.github.hidden.set(name, refused("Unavailable", `GET ${name}`))
    return Effect.gen(function* () {
      const doing = yield* served(2)
      assert.strictEqual(doing?._tag, "Failing")
      assert.deepStrictEqual(orderOf(world), [])
      assert.lengthOf(
        lines.filter((line) => line.startsWith("ERROR service is failing")),
        1
      )
      assert.notInclude(lines.join(), "left out")
    }).pipe(Effect.provide(layer))
  })

  it.effect("makes no VM for a scope whose runners are refused, and runs the jobs of the others", () => {
    const { world, layer } = made()
    const runners = new Set(
      // those with a VM, and those of a rehearsal
      [2, 4].flatMap((id) => [0, 8].map((k) => nameOf(JobKey.make(`github:${id}`), k)))
    )
    world.github.before.createRunner = Effect.suspend(() =>
      runners.has((world.github.calls.at(-1) ?? "").replace("createRunner ", ""))
        ? refused("Forbidden", "POST jit")
        : Effect.void
    )
    return Effect.gen(function* () {
      yield* served(6)
      assert.deepStrictEqual(orderOf(world), [1, 3])
      const clones = world.anka.calls.filter((call) => call.startsWith("clone"))
      // one for each job that ran, and one for the refusal that was not foreseen
      assert.lengthOf(clones, 3)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(layer))
  })

  it.effect("puts off the jobs of a scope whose credential is refused, so that they do not come first for ever", () => {
    const { world, layer } = made()
    ends(world.github, 1, "success")
    world.github.before.job = Effect.suspend(() =>
      /^job [24]$/.test(world.github.calls.at(-1) ?? "") ? refused("Unauthorized", "GET job") : Effect.void
    )
    return Effect.gen(function* () {
      yield* served(5)
      assert.deepStrictEqual(orderOf(world), [3])
      const asked = world.github.calls.filter((call) => call === "job 2").length
      assert.isAtLeast(asked, 2)
      assert.isAtMost(asked, 6)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(layer))
  })

  it.effect("killed after every second of a job of the second scope, it runs once, and nothing is left", () =>
    Effect.forEach(
      Array.from({ length: 30 }, (_, second) => second),
      (second) => {
        const world = World.make()
        world.github.jobs.set(2, ofOther(2))
        const life = (passes: number) =>
          Effect.gen(function* () {
            const strangers = yield* Ref.make<Reconcile.Strangers>(new Map())
            yield* Reconcile.audit(new Set(["RUNNER1"]), Effect.succeed([]), strangers)
            for (let pass = 0; pass < passes; pass++) {
              yield* World.pass("RUNNER1", WATCH)
              yield* Effect.sleep(Duration.seconds(11))
            }
          }).pipe(Effect.provide(Layer.merge(World.layer(world), NodeContext)))
        return Effect.gen(function* () {
          yield* Effect.forkDaemon(life(1))
          for (let i = 0; i < second; i++) yield* TestClock.adjust("1 second")
          World.kill(world)
          yield* finished(yield* Effect.fork(life(4)))
          assert.strictEqual(conclusionOf(world, 2), "success", `killed after ${second} s`)
          assert.deepStrictEqual(World.left(world), World.NOTHING, `killed after ${second} s`)
          for (const level of world.github.levels.values())
            assert.deepStrictEqual(level, Level.Repository({ owner: "other", repo: "tool" }))
        })
      },
      { discard: true }
    )
  )

  it.effect("finds a job of any of them by its address, and says what is watched where it is of none", () => {
    const { layer } = made()
    const config = { ...World.config, ...WATCH }
    return Effect.gen(function* () {
      const context = World.contextOf("RUNNER1")
      const ask = (text: string) => Effect.scoped(find(context, config, text))
      const found = Option.getOrThrow(yield* ask("https://github.com/other/tool/actions/runs/102/job/2"))
      assert.strictEqual(found.scope, "github:api.github.test/o+other/tool")
      assert.isTrue(Option.isSome(yield* ask("https://github.com/o/r/actions/runs/101/job/1")))
      assert.isTrue(Option.isNone(yield* ask("2")))
      assert.match(missing(config, "2").what, /a number is not enough/)
      assert.match(
        missing(config, "https://github.com/third/r/actions/runs/1/job/1").remedy,
        /this host watches o and other\/tool;/
      )
    }).pipe(Effect.provide(layer))
  })
})
