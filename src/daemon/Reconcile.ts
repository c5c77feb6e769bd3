/** The ledger compared with the hypervisor: what no pass looks after any more is named and removed. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import { isOurName, VmName } from "../domain/Job.ts"
import * as Files from "../files/Files.ts"
import * as Hold from "../job/Hold.ts"
import * as Vm from "../job/Vm.ts"
import { Anka } from "../services/Anka.ts"
import { Capacity } from "../services/Capacity.ts"
import { isHeld, Ledger } from "../services/Ledger.ts"
import * as Metrics from "../services/Metrics.ts"
import { Wake } from "../services/Wake.ts"

/** Between two audits. */
export const AUDIT_EVERY = "5 minutes"

/** A VM that no ledger knows is deleted when it is seen again after this, in milliseconds: a sibling daemon may just be writing it down. */
const STRANGER_FOR = 60_000

/** VMs that look like ours and are in no ledger, and when each was first seen, in milliseconds since the epoch. */
export type Strangers = ReadonlyMap<VmName, number>

const isVmName = Schema.is(VmName)

/** Whether another daemon of this host has the VM in its ledger. A ledger that cannot be read may have any VM in it. */
const knownToSibling = (ledgers: ReadonlyArray<string>, vm: VmName) =>
  Effect.exists(ledgers, (path) =>
    Files.readText(path).pipe(
      Effect.map(Option.exists((text) => text.includes(vm))),
      Effect.orElseSucceed(() => true)
    )
  )

/** Those that look like VMs of ours and are in none of these ledgers. */
export const strangersIn = (names: ReadonlyArray<string>, ledgers: ReadonlyArray<string>) =>
  Effect.filter(names.filter(isOurName).filter(isVmName), (name) =>
    Effect.map(knownToSibling(ledgers, name), (known) => !known)
  )

/**
 * One audit. `services` are those of the config: a claim of one of them is seen through by its own pass.
 * `registry` finds the ledgers of the other daemons on this host.
 */
export const audit = Effect.fn("Reconcile.audit")(function* (
  services: ReadonlySet<string>,
  registry: Effect.Effect<ReadonlyArray<string>>,
  strangers: Ref.Ref<Strangers>
) {
  const ledger = yield* Ledger
  const capacity = yield* Capacity
  const now = yield* Clock.currentTimeMillis
  const found = yield* capacity.list
  // read after the list: what is cloned in between is then in these, not among the strangers
  const owned = yield* capacity.owned
  const { claims, vms } = yield* ledger.state
  const present = new Set<string>(found.map(({ name }) => name))
  const known = new Set<string>([...owned, ...HashMap.keys(vms)])

  for (const named of HashMap.values(vms)) {
    const { vm, job, service } = named
    const seenThrough = Option.exists(HashMap.get(claims, job), (claim) => services.has(claim.service))
    if (owned.has(vm) || seenThrough || isHeld(named, now)) continue
    if (present.has(vm)) {
      yield* Effect.logWarning(`VM ${vm} of service ${service} was left behind: it is deleted`).pipe(
        Effect.annotateLogs("vmName", vm)
      )
    }
    // also one that is not listed: its clone may still be going on
    if ((yield* Vm.remove(vm)) && present.has(vm)) yield* Metrics.orphanRemoved({ kind: "vm" })
  }

  const seen = new Map<VmName, number>()
  const unclaimed = [...present].filter((name) => !known.has(name))
  for (const name of yield* strangersIn(unclaimed, yield* registry)) {
    const since = (yield* Ref.get(strangers)).get(name) ?? now
    if (now - since < STRANGER_FOR) seen.set(name, since)
    else {
      yield* Effect.logWarning(`VM ${name} is in no ledger of this host: it is deleted`)
      if (yield* Vm.remove(name)) yield* Metrics.orphanRemoved({ kind: "vm" })
    }
  }
  yield* Ref.set(strangers, seen)
})

/** Interval between two attempts to remove leftovers, in milliseconds: the first one, which doubles while they fail, up to an audit's. */
const LEFT_EVERY = 5000

/** Remove the leftovers of this daemon as soon as `anka` answers again, and VMs that were kept for long enough: each keeps a VM slot. Never ends. */
export const removeLeft = Effect.gen(function* () {
  const anka = yield* Anka
  const capacity = yield* Capacity
  const wake = yield* Wake
  const most = Duration.toMillis(AUDIT_EVERY)
  let pause = LEFT_EVERY
  while (true) {
    yield* Effect.sleep(pause)
    yield* Hold.expire
    const left = yield* capacity.left
    if (left.size === 0) pause = LEFT_EVERY
    // while `anka` does not answer, another attempt would only be another ERROR
    if (left.size === 0 || Option.isNone(yield* Effect.option(anka.list))) continue
    const removed = yield* Effect.filter(left, (vm) => Vm.remove(vm))
    yield* Effect.forEach(removed, () => Metrics.orphanRemoved({ kind: "vm" }), { discard: true })
    if (removed.length > 0) yield* wake.all
    pause = Math.min(2 * pause, most)
  }
})
