/**
 * Keeping the VM of a failed job for inspection: written down in the ledger before its scope closes, which then leaves it
 * alone. It keeps its VM slot until its time is over, somebody ends it, another job needs the place, or the daemon stops.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { span } from "../domain/Format.ts"
import type { Conclusion, VmName } from "../domain/Job.ts"
import { Anka } from "../services/Anka.ts"
import { Capacity } from "../services/Capacity.ts"
import type { Claim } from "../services/Coordinator.ts"
import { Holds, words } from "../services/Holds.ts"
import { isHeld, Ledger, VmNamed } from "../services/Ledger.ts"
import { Wake } from "../services/Wake.ts"
import * as Advice from "../text/Advice.ts"
import * as Vm from "./Vm.ts"

/** For how long a VM can be kept at least and at most, and is kept where nobody says it. */
export const SHORTEST = Duration.minutes(1)
export const LONGEST = Duration.days(1)
export const USUAL = Duration.hours(1)
/** Timeout of the question whether a VM runs. */
const SHOWN_WITHIN = "10 seconds"

/** The VMs of this host that are kept, the oldest first. */
const held = Effect.gen(function* () {
  const { vms } = yield* (yield* Ledger).state
  return [...HashMap.values(vms)]
    .flatMap((vm) => (vm.held === undefined ? [] : [{ ...vm, held: vm.held }]))
    .sort((a, b) => a.held.since - b.held.since)
})

/** How a job came to its end, or a try at it. */
export type End =
  | { readonly _tag: "Over"; readonly conclusion: Conclusion }
  /** Its runner got no job, and will get none. */
  | { readonly _tag: "Replace" }
  /** A step before the start of its runner failed. */
  | { readonly _tag: "Failed" }

/**
 * Keep the VMs that this claim uses, if somebody asked for it and they still run, but none in which a runner may get a job
 * that nobody watches. Fails with nothing: a VM that cannot be kept is removed as all others are.
 */
export const keep = Effect.fn("Hold.keep")(
  function* (claim: Claim, how: End) {
    const ledger = yield* Ledger
    const holds = yield* Holds
    const anka = yield* Anka
    const { job, service } = claim
    const conclusion = how._tag === "Over" ? Option.some(how.conclusion) : Option.none()
    const { vms, runners } = yield* ledger.state
    const inUse = yield* (yield* Capacity).owned
    const ours = [...HashMap.values(vms)].filter(
      (vm) => vm.job === job.key && vm.service === service && vm.held === undefined && inUse.has(vm.vm)
    )
    for (const named of ours) {
      const runner = [...HashMap.values(runners)].find((it) => it.named.vm === named.vm)
      if (how._tag === "Failed" && runner?.started === true) continue
      const request = yield* holds.metBy({ job, vm: named.vm, runner: runner?.named.runner ?? "", conclusion })
      if (Option.isNone(request)) continue
      const shown = yield* Effect.option(Effect.timeout(anka.show(named.vm), SHOWN_WITHIN))
      if (!Option.exists(shown, ({ status }) => status === "running")) continue
      const since = yield* Clock.currentTimeMillis
      const { keepFor, firm } = request.value
      const about = {
        name: job.name,
        url: `${job.fields.jobURL ?? ""}`,
        conclusion: Option.getOrElse(conclusion, () => "")
      }
      yield* ledger.append(VmNamed.make({ ...named, held: { since, until: since + keepFor, firm, ...about } }))
      yield* holds.forget((it) => it === request.value)
      yield* Effect.logInfo(
        `VM ${named.vm} is kept for ${span(keepFor)}, as "${Advice.anklet("hold")}" asked for ${words(request.value)}; "${Advice.anklet(`shell ${named.vm}`)}" opens a terminal in it`
      ).pipe(Effect.annotateLogs("vmName", named.vm))
    }
  },
  (kept) => Effect.catchAll(kept, (error) => Effect.logWarning(`a VM cannot be kept for inspection: ${error.message}`))
)

/** Remove a VM that was kept; `why` in words. Tells whether it is gone. */
const end = (vm: VmName, why: string) =>
  Effect.zipRight(
    Effect.annotateLogs(Effect.logInfo(`VM ${vm}, which was kept for inspection, is removed: ${why}`), "vmName", vm),
    Vm.remove(vm)
  )

/** Those that no pass uses, and whose removal has not been tried: one that failed is a leftover, which is tried again. */
const idle = Effect.gen(function* () {
  const capacity = yield* Capacity
  const [owned, left] = yield* Effect.all([capacity.owned, capacity.left])
  return (yield* held).filter(({ vm }) => !owned.has(vm) && !left.has(vm))
})

/** The VMs that may be given up, the oldest first. */
const yielding = Effect.map(idle, (vms) => vms.filter(({ held }) => !held.firm))

/** Whether a VM is kept that may be given up. */
export const canGiveUp = Effect.map(yielding, ({ length }) => length > 0)

/** Give up the VM that was kept first, because a job needs its place. False if there is none that may be given up. */
export const giveUp = Effect.flatMap(yielding, ([first]) =>
  first === undefined ? Effect.succeed(false) : end(first.vm, "a job needs its place")
)

/** Remove the VMs whose time is over. */
export const expire = Effect.gen(function* () {
  const now = yield* Clock.currentTimeMillis
  const over = (yield* idle).filter((vm) => !isHeld(vm, now))
  const removed = yield* Effect.filter(over, ({ vm }) => end(vm, "its time is over"))
  if (removed.length > 0) yield* (yield* Wake).all
})

/** Whether this host keeps any VM. */
export const any = Effect.map(held, ({ length }) => length > 0)

/** Remove all that are kept, because the daemon ends. */
export const endAll = Effect.flatMap(held, (all) =>
  Effect.forEach(all, ({ vm }) => end(vm, "the daemon ends"), { concurrency: "unbounded", discard: true })
)

/** End the keeping of VMs for which this holds: they are removed within seconds. Gives their names. */
export const release = Effect.fn("Hold.release")(function* (
  which: (vm: { readonly vm: string; readonly name: string; readonly url: string }) => boolean
) {
  const ledger = yield* Ledger
  const now = yield* Clock.currentTimeMillis
  const chosen = (yield* held).filter(({ vm, held: { name, url } }) => which({ vm, name, url }))
  for (const vm of chosen) yield* ledger.append(VmNamed.make({ ...vm, held: { ...vm.held, until: now } }))
  return chosen.map(({ vm }) => vm)
})
