import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import * as Reconcile from "../../src/daemon/Reconcile.ts"
import { JobKey, JobRequest, Scope, Template, VmName } from "../../src/domain/Job.ts"
import { AnkaError } from "../../src/services/Anka.ts"
import { Capacity } from "../../src/services/Capacity.ts"
import { Claimed, VmNamed } from "../../src/services/Ledger.ts"
import { NodeContext } from "../fakes/platform.ts"
import * as World from "../fakes/world.ts"

const vm = VmName.make("anklet-vm-00000000-0000-4000-8000-000000000001")
const job = JobRequest.make({
  key: JobKey.make("github:o/r/1"),
  scope: Scope.make("github:o/r"),
  name: "job",
  template: Template.make({ id: "template", tag: Option.none() }),
  createdAt: 0,
  fields: {},
  detail: null
})

const present = (world: World.World, name: string) =>
  world.anka.vms.set(name, { uuid: name, name, status: "running", tag: Option.none(), ip: Option.none() })

/** A few audits, and what they leave. */
const audited = (
  world: World.World,
  options: { readonly times?: number; readonly siblings?: ReadonlyArray<string> } = {}
) =>
  Effect.gen(function* () {
    Object.assign(world.anka.takes, { list: 0, show: 0, delete: 0 })
    const strangers = yield* Ref.make<Reconcile.Strangers>(new Map())
    const audit = Reconcile.audit(new Set(["RUNNER1"]), Effect.succeed(options.siblings ?? []), strangers)
    for (let n = 0; n < (options.times ?? 1); n++) {
      yield* audit
      yield* TestClock.adjust("5 minutes")
    }
    return [...world.anka.vms.keys()]
  }).pipe(Effect.provide(Layer.merge(World.layer(world), NodeContext)))

describe("an audit", () => {
  it.effect("deletes a VM of the ledger that no claim goes with any more", () => {
    const world = World.make()
    world.ledger.entries.push(VmNamed.make({ vm, job: job.key, service: "RUNNER1" }))
    present(world, vm)
    return Effect.map(audited(world), (left) => {
      assert.deepStrictEqual(left, [])
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    })
  })

  it.effect("leaves the VM of a claim to the service that will adopt it, unless that service is gone", () =>
    Effect.forEach(
      [
        ["RUNNER1", [vm]],
        ["REMOVED", []]
      ] as const,
      ([service, expected]) => {
        const world = World.make()
        world.ledger.entries.push(
          Claimed.make({ job, service, epoch: 1, attempt: 1 }),
          VmNamed.make({ vm, job: job.key, service })
        )
        present(world, vm)
        return Effect.map(audited(world), (left) => assert.deepStrictEqual(left, [...expected]))
      },
      { discard: true }
    )
  )

  it.effect("strikes a VM that is not there any more", () => {
    const world = World.make()
    world.ledger.entries.push(VmNamed.make({ vm, job: job.key, service: "RUNNER1" }))
    return Effect.map(audited(world), () => assert.deepStrictEqual(World.left(world), World.NOTHING))
  })

  it.effect("deletes a stranger of our name when it is seen again, and nobody else's VM ever", () => {
    const world = World.make()
    for (const name of [vm, "somebody's", "anklet-vm-by-hand"]) present(world, name)
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* audited(world), [vm, "somebody's", "anklet-vm-by-hand"])
      assert.deepStrictEqual(yield* audited(world, { times: 2 }), ["somebody's", "anklet-vm-by-hand"])
    })
  })

  it.effect("leaves a VM alone that another daemon wrote down, or may have", () => {
    const world = World.make()
    present(world, vm)
    const ledger = join(mkdtempSync(join(tmpdir(), "anklet-sibling-")), "ledger")
    writeFileSync(ledger, `0 {"vm":"${vm}"}\n`)
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* audited(world, { times: 3, siblings: [ledger] }), [vm])
      assert.deepStrictEqual(yield* audited(world, { times: 3, siblings: ["\0"] }), [vm])
      assert.deepStrictEqual(yield* audited(world, { times: 3, siblings: ["/no/such/file"] }), [])
    })
  })
})

describe("a VM whose removal failed", () => {
  it.effect("is removed as soon as anka answers again, and tried less and less often while it cannot be", () => {
    const world = World.make()
    Object.assign(world.anka.takes, { list: 0, show: 0, delete: 0 })
    const away = new AnkaError({ reason: "Failed", command: "anka", detail: "gone" })
    const tries = () => world.anka.calls.filter((call) => call.startsWith("delete")).length
    return Effect.gen(function* () {
      present(world, vm)
      const capacity = yield* Capacity
      const fiber = yield* Effect.forkDaemon(Reconcile.removeLeft)
      yield* capacity.leave(vm)
      // nobody asks a hypervisor that does not answer for more than its list
      world.anka.instead.list = away
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(tries(), 0)
      assert.deepStrictEqual([...(yield* capacity.left)], [vm])
      delete world.anka.instead.list
      world.anka.instead.delete = away
      for (let minute = 0; minute < 60; minute++) yield* TestClock.adjust("1 minute")
      const failed = tries()
      assert.isAbove(failed, 4)
      assert.isBelow(failed, 4 * 20)
      delete world.anka.instead.delete
      for (let minute = 0; minute < 6; minute++) yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([...world.anka.vms.keys()], [])
      assert.deepStrictEqual([...(yield* capacity.left)], [])
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(World.layer(world)))
  })
})
