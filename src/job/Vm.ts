/** The VM as a scoped resource: named and written down, cloned, started, ready; closing the scope deletes it. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { span } from "../domain/Format.ts"
import { type JobKey, type Template, VM_PREFIX, VmName } from "../domain/Job.ts"
import * as Uuid from "../domain/Uuid.ts"
import * as Finalizer from "../interruption/Finalizer.ts"
import { lingering, within } from "../interruption/Within.ts"
import { reached, using } from "../services/Activity.ts"
import { Anka, AnkaError } from "../services/Anka.ts"
import { Capacity } from "../services/Capacity.ts"
import type { ExecResult } from "../services/Exec.ts"
import { HostLock } from "../services/HostLock.ts"
import { isHeld, Ledger, VmGone, VmNamed } from "../services/Ledger.ts"
import * as Metrics from "../services/Metrics.ts"

/** A VM, as all that works with it sees it. */
export interface Vm {
  readonly name: VmName
  /** Run a command in the guest. A command's own non-zero exit is a result, not a failure. */
  readonly run: (
    command: ReadonlyArray<string>,
    options: { readonly timeout: Duration.DurationInput; readonly stdin?: string }
  ) => Effect.Effect<ExecResult, AnkaError>
  /** Copy a file of the host into the home folder of the guest's user. */
  readonly copyIn: (hostPath: string) => Effect.Effect<void, AnkaError>
  /** Whether it runs; a hypervisor that does not answer is no evidence that it does not. */
  readonly isRunning: Effect.Effect<boolean>
}

/** The VM of this name, whether it is there or not. */
export const named = (name: VmName) =>
  Effect.map(
    Anka,
    (anka): Vm => ({
      name,
      run: (command, options) => anka.run(name, command, options),
      copyIn: (hostPath) => anka.copyIn(name, hostPath, ""),
      isRunning: anka.show(name).pipe(
        Effect.map(({ status }) => status === "running"),
        Effect.catchAll(({ reason }) => Effect.succeed(reason !== "NotFound"))
      )
    })
  )

/** Cloning is near instant for tagged templates: a stop lets it end, because half a clone is worse than the wait. */
const CLONE_GRACE: Duration.DurationInput = "20 seconds"
/** macOS answers 20 to 30 s after a cold start; a host under load takes longer. */
const READY_WITHIN: Duration.DurationInput = "5 minutes"
const PROBE_WITHIN: Duration.DurationInput = "15 seconds"
const DELETE_WITHIN: Duration.DurationInput = "3 minutes"
const DELETE_RETRIES = Schedule.intersect(Schedule.exponential("500 millis"), Schedule.recurs(3))

/** Retries, over about three minutes, of a question to a hypervisor that does not answer after a crash: its silence is no reason to end a VM with a running job. */
const ADOPT_RETRIES = Schedule.intersect(Schedule.spaced("5 seconds"), Schedule.recurs(36))

const freshName = Effect.map(Uuid.random, (uuid) => VmName.make(`${VM_PREFIX}${uuid}`))

/** Held while a VM is cloned, also by a clone that outlived its killed daemon; says which VM. */
const CLONE_LOCK = "clone"
/** Timeout of the wait for an orphaned clone: Anka's own clones take less. */
const ORPHAN_WITHIN: Duration.DurationInput = "3 minutes"

/** A clone that a killed daemon left running would make its VM after we have deleted it: it must end first. */
const noOrphan = (name: VmName) =>
  Effect.flatMap(HostLock, (locks) =>
    locks
      .holder(CLONE_LOCK)
      .pipe(
        Effect.map(Option.contains<string>(name)),
        Effect.repeat({ while: (cloning) => cloning, schedule: Schedule.spaced("200 millis") }),
        within(ORPHAN_WITHIN),
        Effect.ignore
      )
  )

/** Delete a VM until it is certainly gone. */
export const destroy = (name: VmName) =>
  Effect.gen(function* () {
    const anka = yield* Anka
    yield* noOrphan(name)
    yield* anka.delete(name).pipe(Effect.retry(DELETE_RETRIES), within(DELETE_WITHIN))
  })

/** Destroy a VM and strike it from the ledger; what stays is named at ERROR and tried again by the reconcile. Tells whether it is gone. */
export const remove = (name: VmName) =>
  Effect.gen(function* () {
    const ledger = yield* Ledger
    const capacity = yield* Capacity
    return yield* destroy(name).pipe(
      Effect.matchEffect({
        onFailure: (error) =>
          Effect.logError(
            `VM ${name} could not be deleted and keeps its place on this host; it is tried again, or delete it with "anka delete --yes ${name}"`,
            error
          ).pipe(
            Effect.zipRight(capacity.leave(name)),
            Effect.zipRight(Metrics.removalFailed({ kind: "vm" })),
            Effect.as(false)
          ),
        onSuccess: () =>
          Effect.zipRight(
            ledger.settle(VmGone.make({ vm: name })),
            Effect.as(Effect.logDebug("VM deleted"), true)
          ).pipe(Effect.zipLeft(capacity.gone(name)))
      })
    )
  }).pipe(Effect.annotateLogs("vmName", name))

/** Remove a VM, unless it is kept for inspection: then it is nobody's until that ends. */
const removeUnlessHeld = Effect.fnUntraced(function* (name: VmName) {
  const vm = HashMap.get((yield* (yield* Ledger).state).vms, name)
  const now = yield* Clock.currentTimeMillis
  if (!Option.exists(vm, (vm) => isHeld(vm, now))) yield* remove(name)
})

const own = Effect.fnUntraced(function* (name: VmName) {
  const capacity = yield* Capacity
  yield* capacity.own(name)
  // the undo stands before the act: a clone that fails half-way, or finishes after we gave up on it, is deleted by its name
  yield* Finalizer.addUnlessHandedOver(removeUnlessHeld(name))
})

/** Other daemons of this host clone here too, so room is counted and taken under one lock. */
const cloneIntoRoom = Effect.fnUntraced(function* (template: Template, name: VmName) {
  const anka = yield* Anka
  const capacity = yield* Capacity
  const locks = yield* HostLock
  const lock = yield* locks.acquire(CLONE_LOCK, name)
  const shortage = yield* capacity.shortage(template)
  if (Option.isSome(shortage)) {
    return yield* new AnkaError({
      reason: "CapacityExceeded",
      command: `anka clone ${template.id} ${name}`,
      detail: shortage.value
    })
  }
  yield* anka.clone(template, name, lock.setChild).pipe(lingering(CLONE_GRACE))
}, Effect.scoped)

/** Make a VM for a job: cloned, started, and ready when a command inside it answers. */
export const make = Effect.fn("Vm.make")(function* (
  template: Template,
  owner: { readonly job: JobKey; readonly service: string }
) {
  const anka = yield* Anka
  const ledger = yield* Ledger
  const name = yield* freshName
  yield* Effect.uninterruptible(Effect.zipRight(ledger.append(VmNamed.make({ vm: name, ...owner })), own(name)))
  yield* using(name)
  return yield* Effect.gen(function* () {
    yield* Effect.logInfo(`cloning VM from ${template}`)
    yield* cloneIntoRoom(template, name)
    yield* reached("cloned")
    yield* anka.start(name)
    const vm = yield* named(name)
    yield* vm.run(["true"], { timeout: PROBE_WITHIN }).pipe(
      Effect.filterOrFail(
        ({ code }) => code === 0,
        ({ code }) => notReady(name, `"true" exited with ${code}`)
      ),
      Effect.retry({ while: isTransient, schedule: Schedule.spaced("1 second") }),
      Effect.timeoutFail({
        duration: READY_WITHIN,
        onTimeout: () => notReady(name, `no command answered in ${span(READY_WITHIN)}`)
      })
    )
    yield* Effect.logInfo("VM is ready")
    yield* reached("booted")
    return vm
  }).pipe(Effect.annotateLogs("vmName", name))
})

/** Own again a VM that a crash left behind; none when it does not run any more. */
export const adopt = Effect.fn("Vm.adopt")(function* (name: VmName) {
  const anka = yield* Anka
  yield* Effect.uninterruptible(own(name))
  const found = yield* anka.show(name).pipe(
    Effect.map((vm) => vm.status === "running"),
    Effect.catchIf(
      (error) => error.reason === "NotFound",
      () => Effect.succeed(false)
    ),
    Effect.retry(ADOPT_RETRIES)
  )
  return found ? Option.some(yield* named(name)) : Option.none<Vm>()
})

const isTransient = (error: AnkaError) => error.reason === "GuestUnreachable" || error.reason === "Timeout"

const notReady = (name: VmName, detail: string) =>
  new AnkaError({ reason: "GuestUnreachable", command: `anka run ${name} true`, detail })
