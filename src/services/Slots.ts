/** VM slots of this Mac: Apple allows two running macOS VMs. The hypervisor's own refusal is final. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { VmName } from "../domain/Job.ts"
import * as Finalizer from "../interruption/Finalizer.ts"
import { Anka, type AnkaError, takesRoom } from "./Anka.ts"

/** Apple's licence: at most two macOS VMs run on one Mac. */
export const VM_LIMIT = 2

/** The VM slots of this Mac. */
export class Slots extends Context.Tag("anklet/Slots")<
  Slots,
  {
    /** Reserves a slot until the scope closes; false if the host is full. Fails if `anka list` fails. */
    readonly take: Effect.Effect<boolean, AnkaError, Scope.Scope>
    /** Reserves a slot unconditionally, for a VM that is already running. */
    readonly occupy: Effect.Effect<void, never, Scope.Scope>
    /** Counts this VM under the slot reserved for it, not in addition, until the scope closes. */
    readonly own: (vm: VmName) => Effect.Effect<void, never, Scope.Scope>
    /** The VMs that passes of this process currently use. */
    readonly owned: Effect.Effect<ReadonlySet<VmName>>
    /**
     * Number of VMs that currently occupy slots, no matter who made them: running ones, those that may be, and clones
     * that are about to run.
     */
    readonly present: Effect.Effect<number, AnkaError>
  }
>() {
  static readonly layer = Layer.effect(
    Slots,
    Effect.gen(function* () {
      const anka = yield* Anka
      const owned = new Set<VmName>()
      let taken = 0
      const turn = yield* Effect.makeSemaphore(1)

      const taking = Effect.map(anka.list, (vms) => vms.filter(takesRoom))
      // ours are counted by their slots, which they may have before they are listed
      const others = Effect.map(taking, (vms) => vms.filter(({ name }) => ![...owned].some((vm) => vm === name)).length)
      const occupy = Finalizer.acquire(
        Effect.sync(() => {
          taken++
        }),
        () =>
          Effect.sync(() => {
            taken--
          })
      )
      return Slots.of({
        take: turn.withPermits(1)(
          Effect.flatMap(others, (others) =>
            others + taken < VM_LIMIT ? Effect.as(occupy, true) : Effect.succeed(false)
          )
        ),
        occupy,
        own: (vm) =>
          Finalizer.acquire(
            Effect.sync(() => owned.add(vm)),
            () => Effect.sync(() => owned.delete(vm))
          ),
        owned: Effect.sync(() => new Set(owned)),
        present: Effect.map(taking, (vms) => vms.length)
      })
    })
  )
}
