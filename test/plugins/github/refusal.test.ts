import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Service from "../../../src/daemon/Service.ts"
import type { GitHubConfig } from "../../../src/plugins/github/config.ts"
import { of } from "../../../src/plugins/github/refusal.ts"
import { ofStatus } from "../../../src/services/GitHub/errors.ts"
import { Level } from "../../../src/services/GitHub.ts"
import { queued } from "../../fakes/GitHub.ts"
import * as World from "../../fakes/world.ts"

const repository = Level.Repository({ owner: "o", repo: "r" })
const organisation = Level.Organisation({ owner: "o" })
const answers = (status: number, said: string) => ofStatus("POST generate-jitconfig", status, said, {})

describe("a refusal to register a runner", () => {
  const told = (status: number, said: string, level: Level = organisation, group = 1) => {
    const { reason, detail } = Option.getOrThrow(of(answers(status, said), { level, group, labels: ["anka", "x"] }))
    return `${reason}: ${detail}`
  }

  it("names the key `runner_group` where it is about the group", () => {
    for (const text of [
      told(404, "Not Found", organisation, 99),
      told(404, "Not Found", repository, 99),
      told(422, "Runner group 99 is not found", organisation, 99)
    ]) {
      assert.match(text, /^Refused: .*`runner_group` 99/)
      assert.notMatch(text, /check owner/)
    }
    assert.include(told(404, "Not Found", repository, 99), "have the default group;")
  })

  it("names the permission, and the policy that may be in its way", () => {
    assert.match(told(404, "Not Found"), /^Refused: .*'Self-hosted runners: write'/)
    const text = told(403, "Repository level self-hosted runners are disabled on this repository.", repository)
    assert.match(
      text,
      /^Refused: .*'Administration: write'.*repositories may have runners.*GitHub says: Repository level/
    )
    assert.match(told(422, "Your plan has no more runners"), /^Refused: .*a plan, a policy or a limit/)
  })

  it("names the labels where it may be about them", () => {
    for (const said of ["Validation Failed; labels exceed the maximum", "Invalid request."]) {
      assert.match(told(422, said), /^Unfit: .*labels are "anka", "x".*GitHub says/)
    }
  })

  it("is none where asking again may help", () => {
    for (const status of [401, 409, 500, 502]) {
      assert.isTrue(Option.isNone(of(answers(status, "no"), { level: organisation, group: 1, labels: [] })))
    }
    assert.isTrue(Option.isNone(of(answers(404, ""), { level: organisation, group: 1, labels: [] })))
  })
})

/** Let services run through a time, in minutes, and stop. */
const through = (minutes: number, given: Partial<GitHubConfig> = {}, names: ReadonlyArray<string> = ["RUNNER1"]) =>
  Effect.gen(function* () {
    const fibers = yield* Effect.forEach(names, (name) =>
      Effect.fork(Service.run(World.service(name, given), { once: false }))
    )
    for (let minute = 0; minute < minutes; minute++) yield* TestClock.adjust("1 minute")
    const end = yield* Effect.fork(Fiber.interruptAll(fibers))
    yield* TestClock.adjust("1 minute")
    yield* Fiber.join(end)
  })

const use = <A, E>(
  world: World.World,
  f: (errors: ReadonlyArray<string>) => Effect.Effect<A, E, Effect.Effect.Context<ReturnType<typeof through>>>
) => {
  const errors: Array<string> = []
  const logger = Logger.make(({ message, logLevel }) => {
    if (logLevel.label === "ERROR") errors.push(String(message))
  })
  return f(errors).pipe(Effect.provide(Layer.merge(World.layer(world), Logger.replace(Logger.defaultLogger, logger))))
}

const called = (world: World.World, name: string) => world.github.calls.filter((call) => call.startsWith(`${name} `))
const clones = (world: World.World) => world.anka.calls.filter((call) => call.startsWith("clone"))

describe("a service whose runners GitHub refuses", () => {
  for (const [status, said] of [
    [403, "Repository level self-hosted runners are disabled on this repository."],
    [404, "Not Found"],
    [422, "Your plan allows no more runners"]
  ] as const) {
    it.effect(
      `with ${status} makes one VM whatever the number of jobs, says it once, and goes on when GitHub takes one`,
      () => {
        const world = World.make()
        for (const id of [1, 2, 3]) world.github.jobs.set(id, queued(id))
        world.github.before.createRunner = Effect.suspend(() => answers(status, said))
        return use(world, (errors) =>
          Effect.gen(function* () {
            yield* through(180)
            assert.lengthOf(clones(world), 1)
            assert.lengthOf(errors, 1, errors.join("\n"))
            assert.include(errors[0], said)
            // the one with a VM, after 2, 12, 72 and 132 minutes, and at the next pass that was due then
            assert.isAtMost(called(world, "createRunner").length, 5)
            assert.deepStrictEqual(World.left(world), World.NOTHING)
            delete world.github.before.createRunner
            yield* through(70)
            assert.isTrue([...world.github.jobs.values()].every((job) => job.status === "completed"))
            assert.lengthOf(clones(world), 4)
            assert.lengthOf(errors, 2, "services started anew say what still stands")
            assert.deepStrictEqual(World.left(world), World.NOTHING)
          })
        )
      }
    )
  }

  it.effect("for a group that GitHub does not know makes no VM, and another service of the kind says nothing", () => {
    const world = World.make()
    for (const id of [1, 2, 3]) world.github.jobs.set(id, queued(id))
    world.github.before.createRunner = Effect.suspend(() => answers(404, "Not Found"))
    return use(world, (errors) =>
      Effect.gen(function* () {
        yield* through(30, { registration: Option.some("org"), runner_group: 99 }, ["RUNNER1", "RUNNER2"])
        assert.lengthOf(clones(world), 0)
        assert.lengthOf(errors, 1, errors.join("\n"))
        assert.include(errors[0], "`runner_group` 99")
        assert.deepStrictEqual(World.left(world), World.NOTHING)
      })
    )
  })
})

describe("a group of its own", () => {
  it.effect("is tried without a VM once; jobs then run as ever", () => {
    const world = World.make()
    for (const id of [1, 2]) world.github.jobs.set(id, queued(id))
    return use(world, (errors) =>
      Effect.gen(function* () {
        yield* through(5, { registration: Option.some("org"), runner_group: 5 })
        assert.lengthOf(called(world, "createRunner"), 3)
        assert.strictEqual(new Set(called(world, "createRunner")).size, 3)
        assert.lengthOf(clones(world), 2)
        assert.deepStrictEqual(errors, [])
        assert.deepStrictEqual(World.left(world), World.NOTHING)
      })
    )
  })
})

describe("a job for which GitHub takes no runner", () => {
  it.effect("gets one VM and one ERROR, and is in nobody's way", () => {
    const world = World.make()
    // the last one in the list, and the first one to be claimed
    for (const id of [1, 2]) world.github.jobs.set(id, queued(id))
    world.github.jobs.set(3, queued(3, { createdAt: 0 }))
    const asked = () => world.github.calls.findLast((call) => call.startsWith("job "))
    world.github.before.createRunner = Effect.suspend(() =>
      asked() === "job 3" ? answers(422, "Validation Failed; labels is invalid") : Effect.void
    )
    return use(world, (errors) =>
      Effect.gen(function* () {
        yield* through(20)
        assert.lengthOf(errors, 1, errors.join("\n"))
        assert.match(errors[0] ?? "", /labels are "self-hosted", "anka".*GitHub says: .*labels is invalid/)
        assert.deepStrictEqual(
          [...world.github.jobs.values()].map(({ status }) => status),
          ["completed", "completed", "queued"]
        )
        // one in vain, and one for each that ran
        assert.lengthOf(clones(world), 3)
        assert.strictEqual(world.github.told.length, 1)
        assert.deepStrictEqual(World.left(world), World.NOTHING)
        yield* through(100)
        assert.lengthOf(clones(world), 3)
        assert.lengthOf(errors, 1)
      })
    )
  })
})
