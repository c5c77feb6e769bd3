import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { VmName } from "../../src/domain/Job.ts"
import * as Vm from "../../src/job/Vm.ts"
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
