/**
 * Room for VMs on this Mac: what it has, what VMs take, and what is reserved for jobs. The hypervisor's own refusal is
 * final.
 */
import { availableParallelism, totalmem } from "node:os"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Template, VmName } from "../domain/Job.ts"
import { fits, minus, most, NONE, plus, type Resources, sum, UNLIMITED, VM_LIMIT } from "../domain/Resources.ts"
import * as Finalizer from "../interruption/Finalizer.ts"
import { Anka, type AnkaError, type AnkaVm, takesRoom } from "./Anka.ts"

/** Room that is reserved for one of several jobs until the scope closes: enough for any of them. */
export interface Room<J> {
  /** The jobs for which there is room now, in the order in which they were given; at least one. */
  readonly jobs: ReadonlyArray<J>
  /** Keeps no more than a VM of this template needs: the job is known now. */
  readonly narrow: (template: Template) => Effect.Effect<void>
}

/** Memory, in bytes, that a VM does not find beside the running ones. */
export interface Lack {
  readonly wanted: number
  readonly taken: number
  readonly total: number
}

/** VM slots of this Mac: how many are in use, and how many there are. */
export interface Slots {
  readonly used: number
  readonly all: number
}

/** Room for VMs on this Mac. */
export class Capacity extends Context.Tag("anklet/Capacity")<
  Capacity,
  {
    /** What this Mac has for VMs. */
    readonly total: Resources
    /**
     * Reserves room for one of these jobs, before it is known which of them will be claimed: as much as any of those
     * needs that fit now. None if none of them fits. Fails if `anka list` fails.
     */
    readonly reserve: <J extends { readonly template: Template }>(
      jobs: ReadonlyArray<J>
    ) => Effect.Effect<Option.Option<Room<J>>, AnkaError, Scope.Scope>
    /** Reserves room for a VM of this template whether there is any or not: it is already running. */
    readonly occupy: (template: Template) => Effect.Effect<void, never, Scope.Scope>
    /** Counts this VM under the room reserved for it, not in addition, until the scope closes. */
    readonly own: (vm: VmName) => Effect.Effect<void, never, Scope.Scope>
    /** The VMs that passes of this process currently use. */
    readonly owned: Effect.Effect<ReadonlySet<VmName>>
    /** Nobody uses this VM any more, and it could not be removed: a leftover, until it is `gone` or owned again. */
    readonly leave: (vm: VmName) => Effect.Effect<void>
    readonly gone: (vm: VmName) => Effect.Effect<void>
    /** The leftovers of this process that are not owned. */
    readonly left: Effect.Effect<ReadonlySet<VmName>>
    /** What `anka list` reports. */
    readonly list: Effect.Effect<ReadonlyArray<AnkaVm>, AnkaError>
    /**
     * The slots in use, without a call of `anka`: by this daemon's VMs, and by those of others that the last list had.
     * None before the first list.
     */
    readonly slots: Effect.Effect<Option.Option<Slots>>
    /**
     * Number of VMs that currently take room, no matter who made them: running ones, those that may be, and clones that
     * are about to run.
     */
    readonly present: Effect.Effect<number, AnkaError>
    /**
     * Why there is no room for a VM of this template beside those that are present; none if there is. Reservations do
     * not count here, because those of other daemons are not known.
     */
    readonly shortage: (template: Template) => Effect.Effect<Option.Option<string>, AnkaError>
    /** The lack of memory for a VM of this template beside these VMs; none if it fits, or if `anka` does not say. */
    readonly lack: (template: Template, running: ReadonlyArray<string>) => Effect.Effect<Option.Option<Lack>>
  }
>() {
  static readonly layer = Layer.effect(
    Capacity,
    Effect.suspend(() => {
      const total = thisMac()
      return make(total, budgetOf(total))
    })
  )
}

/** Timeout of `anka show`, which tells the size of a VM. */
const SHOWN_WITHIN = "5 seconds"

const thisMac = (): Resources => ({ vms: VM_LIMIT, memory: totalmem(), cores: availableParallelism() })

/**
 * What VMs may take together. This is the only place that decides it: the number of VMs is hard, while memory and cores
 * are for the hypervisor to refuse.
 */
const budgetOf = ({ vms }: Resources): Resources => ({ ...UNLIMITED, vms })

/** What a VM takes whose size does not matter, or is not known. */
const ONE_VM: Resources = { ...NONE, vms: 1 }

/** The room of a Mac that has `total`, and on which VMs may take `budget` together. */
export const make = Effect.fnUntraced(function* (total: Resources, budget: Resources) {
  const anka = yield* Anka
  const owned = new Set<VmName>()
  const left = new Set<VmName>()
  let known = Option.none<Set<string>>()
  const reserved = new Map<object, Resources>()
  const turn = yield* Effect.makeSemaphore(1)

  const sizeOf = (vm: string): Effect.Effect<Resources> =>
    anka.show(vm).pipe(
      Effect.timeoutFail({ duration: SHOWN_WITHIN, onTimeout: () => "late" }),
      Effect.map(({ memory = 0, cores = 0 }) => ({ vms: 1, memory, cores })),
      Effect.orElseSucceed(() => ONE_VM)
    )
  // all at once, so that the caller does not wait long
  const sizesOf = (vms: ReadonlyArray<string>) => Effect.forEach(vms, sizeOf, { concurrency: "unbounded" })

  const isSizeHard = Number.isFinite(budget.memory) || Number.isFinite(budget.cores)
  /** What counts of VMs and templates: `anka` is asked for sizes only if they can keep a VM from starting. */
  const needsOf = (vms: ReadonlyArray<string>) => (isSizeHard ? sizesOf(vms) : Effect.succeed(vms.map(() => ONE_VM)))
  const needOf = ({ id }: Template) => Effect.map(needsOf([id]), sum)

  const taken = (vms: ReadonlyArray<AnkaVm>) => vms.filter(takesRoom).map(({ name }) => name)
  const list = Effect.tap(anka.list, (vms) => {
    known = Option.some(new Set(taken(vms)))
  })
  const taking = Effect.map(list, taken)
  const forget = (vm: VmName) => Option.map(known, (names) => names.delete(vm))
  const isOwned = (name: string) => [...owned].some((vm) => vm === name)
  // ours are counted by their reservations, which they may have before they are listed
  const others = Effect.map(taking, (names) => names.filter((name) => !isOwned(name)))

  const book = (needed: Resources) =>
    Finalizer.acquire(
      Effect.sync(() => {
        const key = {}
        reserved.set(key, needed)
        return key
      }),
      (key) => Effect.sync(() => reserved.delete(key))
    )

  const reserve = Effect.fnUntraced(function* <J extends { readonly template: Template }>(jobs: ReadonlyArray<J>) {
    const used = sum(yield* Effect.flatMap(others, needsOf))
    const needs = yield* needsOf(jobs.map(({ template }) => template.id))
    const free = minus(budget, plus(used, sum(reserved.values())))
    const fitting = jobs.flatMap((job, index) => {
      const needed = needs[index] ?? ONE_VM
      return fits(needed, free) ? [{ job, needed }] : []
    })
    if (fitting.length === 0) return Option.none()
    const key = yield* book(fitting.map(({ needed }) => needed).reduce(most))
    const room: Room<J> = {
      jobs: fitting.map(({ job }) => job),
      narrow: (template) =>
        Effect.map(needOf(template), (needed) => {
          if (reserved.has(key)) reserved.set(key, needed)
        })
    }
    return Option.some(room)
  })

  return Capacity.of({
    total,
    reserve: (jobs) => turn.withPermits(1)(reserve(jobs)),
    occupy: (template) => Effect.asVoid(Effect.flatMap(needOf(template), book)),
    own: (vm) =>
      Finalizer.acquire(
        Effect.sync(() => owned.add(vm)),
        () =>
          Effect.sync(() => {
            owned.delete(vm)
            forget(vm)
          })
      ),
    owned: Effect.sync(() => new Set(owned)),
    leave: (vm) => Effect.sync(() => void left.add(vm)),
    gone: (vm) =>
      Effect.sync(() => {
        left.delete(vm)
        forget(vm)
      }),
    left: Effect.sync(() => new Set([...left].filter((vm) => !owned.has(vm)))),
    list,
    slots: Effect.sync(() =>
      Option.map(known, (names) => ({ used: new Set([...names, ...owned, ...left]).size, all: total.vms }))
    ),
    present: Effect.map(taking, ({ length }) => length),
    shortage: Effect.fnUntraced(function* (template) {
      const used = sum(yield* Effect.flatMap(taking, needsOf))
      if (fits(yield* needOf(template), minus(budget, used))) return Option.none()
      return Option.some(
        used.vms >= budget.vms
          ? `${budget.vms} VMs are on this host already`
          : "the VMs on this host leave too little memory or too few cores"
      )
    }),
    lack: Effect.fn("Capacity.lack")(function* (template, running) {
      const [wanted = ONE_VM, ...others] = yield* sizesOf([template.id, ...running])
      const lack: Lack = { wanted: wanted.memory, taken: sum(others).memory, total: total.memory }
      return wanted.memory > 0 && lack.wanted + lack.taken > lack.total ? Option.some(lack) : Option.none()
    })
  })
})
