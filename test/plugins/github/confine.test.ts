/** A ledger cannot make the daemon touch what its config does not name. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { JobKey, JobRequest, Scope, Template, VmName } from "../../../src/domain/Job.ts"
import { Claimed, RunnerKnown, RunnerNamed, VmNamed } from "../../../src/services/Ledger.ts"
import { queued } from "../../fakes/GitHub.ts"
import * as World from "../../fakes/world.ts"

const RUNNER = "anklet-vm-00000000-0000-4000-8000-000000000001"
const vm = VmName.make("anklet-vm-00000000-0000-4000-8000-000000000000")
const at = (owner: string, repo: string, id = 7) => ({ owner, repo, id })

/** A world that has a runner of somebody else, and what its ledger says that it owes. */
const make = (named: Partial<RunnerNamed>, ...more: ReadonlyArray<RunnerKnown>) => {
  const world = World.make()
  world.github.runners.set(4711, { id: 4711, name: "build-server", online: false, busy: false })
  world.ledger.entries.push(
    RunnerNamed.make({
      runner: RUNNER,
      vm,
      job: JobKey.make("github:7"),
      service: "RUNNER1",
      detail: { level: { owner: "o", repo: "r" }, job: at("o", "r") },
      ...named
    }),
    ...more
  )
  return world
}

const said: Array<string> = []
const logger = Logger.make(({ logLevel, message }) => void said.push(`${logLevel.label} ${message}`))

const passes = (world: World.World) =>
  World.pass().pipe(
    Effect.provide(Layer.provideMerge(World.layer(world), Logger.replace(Logger.defaultLogger, logger)))
  )

/** What was asked of GitHub about runners, and about jobs that are in no look. */
const asked = ({ github }: World.World) =>
  github.calls.filter((call) => /^(removeRunner|runner|job|run|tell)\b/.test(call))

describe("a runner of the ledger", () => {
  for (const [what, named] of [
    ["at another repository", { detail: { level: { owner: "victim-org", repo: "other" } } }],
    ["at another repository of the owner", { detail: { level: { owner: "o", repo: "other" } } }],
    ["at the organisation, where the config names a repository", { detail: { level: { owner: "o" } } }],
    ["of a job elsewhere", { detail: { level: { owner: "o", repo: "r" }, job: at("victim-org", "other") } }],
    ["of a job in a path of its own", { detail: { level: { owner: "o", repo: "r" }, job: at("o", "../x") } }],
    ["by a name that Anklet gives no runner", { runner: "build-server" }]
  ] as const) {
    it.effect(`${what} is neither asked for nor removed, and told once`, () => {
      said.length = 0
      const name = "runner" in named ? named.runner : RUNNER
      const world = make(named, RunnerKnown.make({ runner: name, id: 4711 }))
      return Effect.gen(function* () {
        yield* passes(world)
        yield* passes(world)
        assert.deepStrictEqual(asked(world), [])
        assert.isTrue(world.github.runners.has(4711))
        assert.deepStrictEqual(World.left(world).ledger, [])
        assert.strictEqual(said.filter((line) => line.startsWith("WARN") && line.includes(name)).length, 1)
      })
    })
  }

  it.effect("with the number of another one is not removed", () => {
    const world = make({}, RunnerKnown.make({ runner: RUNNER, id: 4711 }))
    return Effect.gen(function* () {
      yield* passes(world)
      assert.isTrue(world.github.runners.has(4711))
      assert.deepStrictEqual(World.left(world).ledger, [])
    })
  })

  it.effect("at what the config names, in other letters, is removed", () => {
    const world = make({ detail: { level: { owner: "O", repo: "R" } } }, RunnerKnown.make({ runner: RUNNER, id: 1 }))
    world.github.runners.set(1, { id: 1, name: RUNNER, online: false, busy: false })
    return Effect.gen(function* () {
      yield* passes(world)
      assert.isFalse(world.github.runners.has(1))
      assert.isTrue(world.github.runners.has(4711))
    })
  })
})

describe("a claim of the ledger", () => {
  for (const [what, detail] of [
    ["of a job elsewhere", at("victim-org", "other")],
    ["of a job without an address", { id: "x" }],
    ["of nothing", null]
  ] as const) {
    it.effect(`${what} is given up, and neither GitHub nor Anka is asked for it`, () => {
      said.length = 0
      const world = World.make()
      world.ledger.entries.push(
        Claimed.make({
          job: JobRequest.make({
            key: JobKey.make("github:7"),
            scope: Scope.make("github:o/r"),
            name: "planted",
            template: Template.make({ id: "../../x", tag: Option.none() }),
            createdAt: 1,
            fields: {},
            detail
          }),
          service: "RUNNER1",
          epoch: 1,
          attempt: 1
        }),
        VmNamed.make({ vm, job: JobKey.make("github:7"), service: "RUNNER1" })
      )
      world.github.jobs.set(7, queued(7, { owner: "victim-org", repo: "other" }))
      return Effect.gen(function* () {
        yield* passes(world)
        assert.deepStrictEqual(asked(world), [])
        assert.deepStrictEqual(world.anka.calls, [])
        assert.isTrue(said.some((line) => line.startsWith("WARN") && line.includes("github:7")))
        assert.notInclude(World.left(world).ledger, "github:7")
      })
    })
  }
})
