import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { JobKey, Template, VmName } from "../../src/domain/Job.ts"
import * as Vm from "../../src/job/Vm.ts"
import { Capacity } from "../../src/services/Capacity.ts"
import { HostLock } from "../../src/services/HostLock.ts"
import * as World from "../fakes/world.ts"

const VM = VmName.make("anklet-vm-00000000-0000-4000-8000-000000000001")

it.effect("a VM whose clone a dead daemon left running is deleted after that has ended, not before", () => {
  const world = World.make()
  const deletions = () => world.anka.calls.filter((call) => call.startsWith("delete"))
  return Effect.gen(function* () {
    const locks = yield* HostLock
    const cloning = yield* Scope.make()
    yield* Scope.extend(locks.acquire("clone", VM), cloning)
    const removing = yield* Effect.fork(Vm.remove(VM))
    yield* TestClock.adjust("1 minute")
    assert.deepStrictEqual(deletions(), [])
    yield* Scope.close(cloning, Exit.void)
    yield* TestClock.adjust("10 seconds")
    yield* Fiber.join(removing)
    assert.deepStrictEqual(deletions(), [`delete ${VM}`])
  }).pipe(Effect.provide(World.layer(world)))
})

it.effect("a VM is not cloned where other daemons have taken the room since it was reserved", () => {
  const world = World.make()
  Object.assign(world.anka.takes, { list: 0, clone: 0, start: 0, delete: 0 })
  return Effect.gen(function* () {
    const { reserve } = yield* Capacity
    const job = { key: JobKey.make("github:o/r/1"), template: Template.make({ id: "template", tag: Option.none() }) }
    assert.isTrue(Option.isSome(yield* reserve([job])))
    for (const name of ["one", "two"]) {
      world.anka.vms.set(name, { uuid: name, name, status: "running", tag: Option.none(), ip: Option.none() })
    }
    const error = yield* Effect.flip(Vm.make(job.template, { job: job.key, service: "RUNNER1" }))
    assert.isFalse(world.anka.calls.some((call) => call.startsWith("clone")))
    assert.match(error.message, /^anka clone template anklet-vm-\S+: 2 VMs are on this host already$/)
    assert.strictEqual(error._tag === "AnkaError" ? error.reason : error._tag, "CapacityExceeded")
  }).pipe(Effect.scoped, Effect.provide(World.layer(world)))
})
