/** The life of a daemon: compare the ledger with the host, run every service, return when all have ended. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Control from "../control/Control.ts"
import { DaemonInfo, namedAfter, type ServiceInfo } from "../control/DaemonInfo.ts"
import { counted } from "../domain/Format.ts"
import { Handover } from "../interruption/Handover.ts"
import * as Race from "../interruption/Race.ts"
import * as Hold from "../job/Hold.ts"
import type { Service as Bound } from "../plugins/Plugin.ts"
import type { Capabilities } from "../plugins/PluginApi.ts"
import { Activity, Progress } from "../services/Activity.ts"
import * as License from "../services/Anka/license.ts"
import { Anka, AnkaError } from "../services/Anka.ts"
import { Coordinator } from "../services/Coordinator.ts"
import { Coordinators } from "../services/Coordinators.ts"
import { Ledger } from "../services/Ledger.ts"
import * as LedgerRegistry from "../services/LedgerRegistry.ts"
import * as Advice from "../text/Advice.ts"
import { LIFE } from "./Life.ts"
import * as Reconcile from "./Reconcile.ts"
import * as Service from "./Service.ts"

/** Check that this host can run VMs, before anything is claimed. */
const preflight = Effect.gen(function* () {
  const anka = yield* Anka
  const { product, version } = yield* anka.version
  const license = yield* anka.license
  const unfit = License.unfit(license)
  if (Option.isSome(unfit)) {
    return yield* new AnkaError({
      reason: "LicenseInvalid",
      command: "anka license show",
      detail: `${unfit.value}; ${License.REMEDY}`
    })
  }
  yield* Effect.logDebug(`${product} ${version}, licence ${license.type}`)
})

/** What the daemon needs to know besides its capabilities. */
export interface Options {
  readonly services: ReadonlyArray<Bound<Capabilities>>
  readonly once: boolean
  /** Path of the config file. */
  readonly config: string
  /** Path of this daemon's ledger, and the folder in which all daemons of this user name theirs. */
  readonly ledger: string
  readonly ledgers: string
  /** How the daemon can be asked; without it, it cannot. */
  readonly control: Option.Option<Control.Options>
  /** Run when the daemon is up: nothing can prevent the start any more. */
  readonly up: Effect.Effect<void>
}

/** A service as those who ask the daemon see it. */
const infoOf = Effect.fnUntraced(function* (service: Bound<Capabilities>) {
  const { name, plugin, sleepInterval, words = namedAfter(plugin), find, missing, rateLimits } = service
  const coordinators = yield* Coordinators
  const context = Context.add(
    yield* Effect.context<Exclude<Capabilities, Coordinator>>(),
    Coordinator,
    coordinators.of(name)
  )
  const info: ServiceInfo = {
    name,
    plugin,
    sleepInterval,
    words,
    find: (job) => Effect.provide(Effect.scoped(find?.(job) ?? Effect.succeedNone), context),
    missing: missing ?? (() => Effect.succeedNone),
    rateLimits: Option.map(Option.fromNullable(rateLimits), Effect.provide(context))
  }
  return info
})

/** Run the daemon. Interrupting it is `stop`; `Drain` is `drain`. */
export const run = Effect.fn("Daemon.run")(function* (options: Options) {
  yield* preflight
  const registry = yield* LedgerRegistry.join(options.ledgers, options.ledger).pipe(
    Effect.catchAll((error) =>
      Effect.as(
        Effect.logWarning(`other daemons of this user are not known: ${error.message}`),
        Effect.succeed(LedgerRegistry.ANY_FILE)
      )
    )
  )
  const strangers = yield* Ref.make<Reconcile.Strangers>(new Map())
  const audit = Reconcile.audit(new Set(options.services.map(({ name }) => name)), registry, strangers).pipe(
    Effect.catchAll((error) =>
      Effect.logError(`VMs of this host could not be compared with the ledger: ${error.message}`)
    )
  )
  yield* audit
  const coordinators = yield* Coordinators
  const services = yield* Effect.forEach(options.services, infoOf)
  const info = { config: options.config, ledger: options.ledger, startedAt: yield* Clock.currentTimeMillis, services }
  yield* Option.match(options.control, {
    onNone: () => Effect.void,
    onSome: (control) =>
      Control.open(control).pipe(
        Effect.provideService(DaemonInfo, info),
        // a daemon that cannot be asked does its work all the same
        Effect.catchAll((error) =>
          Effect.logWarning(`"${Advice.anklet("status")}" and the like do not work with this daemon: ${error.message}`)
        )
      )
  })
  yield* options.up
  yield* Effect.logInfo(
    `${LIFE.up}: ${counted(options.services.length, "service")}${options.once ? ", one pass each" : ""}`
  )
  const audits = audit.pipe(Effect.schedule(Schedule.spaced(Reconcile.AUDIT_EVERY)), Effect.interruptible)
  const activity = yield* Activity
  const served = options.services.map((service) => ({
    service,
    coordinator: coordinators.of(service.name),
    progress: activity.of(service)
  }))
  const hasJob = (service: string) =>
    Effect.map(activity.services, (services) =>
      services.some(({ name, doing }) => name === service && doing._tag === "Working")
    )
  const running = Effect.forEach(
    served,
    ({ service, coordinator, progress }) =>
      Effect.exit(
        Service.run(service, options).pipe(
          Effect.provideService(Coordinator, coordinator),
          Effect.provideService(Progress, progress)
        )
      ),
    { concurrency: "unbounded" }
  )
  const looks = Effect.forEach(
    served,
    ({ service, coordinator, progress }) =>
      Service.looksBesideJobs(service, hasJob(service.name)).pipe(
        Effect.provideService(Coordinator, coordinator),
        Effect.provideService(Progress, progress)
      ),
    { concurrency: "unbounded", discard: true }
  )
  const beside = Effect.all([audits, looks, Reconcile.removeLeft], { concurrency: "unbounded" })
  const exits = yield* Race.first(running, Effect.zipRight(beside, Effect.never)).pipe(
    Effect.onExit(endHolds),
    Effect.ensuring(sayWhatIsLeft)
  )
  yield* Effect.logInfo(LIFE.ends)
  // with `once`, a failed pass is the daemon's own failure
  yield* Effect.forEach(exits, (exit) => exit, { discard: true })
}, Effect.scoped)

/**
 * What is kept for inspection is for the next daemon where this one is replaced; otherwise nobody would remove it. A daemon
 * that is replaced drains first: with no job left, it may end before the next one asks for the handover, within 10 s.
 */
const endHolds = <A, E>(exit: Exit.Exit<A, E>) =>
  Effect.gen(function* () {
    const { begun } = yield* Handover
    if (!(yield* Hold.any)) return
    if (Exit.isSuccess(exit)) {
      // counted, because a timeout ends nothing in a finalizer
      yield* Effect.repeat(begun, { until: (begun) => begun, schedule: Schedule.spaced("200 millis"), times: 50 })
    }
    if (!(yield* begun)) yield* Hold.endAll
  })

/** Log what could not be cleaned up, or what is handed over, when the daemon ends. */
export const sayWhatIsLeft = Effect.gen(function* () {
  const { claims, vms, runners } = yield* (yield* Ledger).state
  if (yield* (yield* Handover).begun) {
    const jobs = Array.from(HashMap.values(claims), ({ job }) => `"${job.name}"`)
    return yield* Effect.logInfo(
      `handed over to the next daemon: ${jobs.length === 0 ? "no job runs" : `${jobs.join(", ")}, which go on in their VMs`}`
    )
  }
  const left = [...HashMap.keys(vms), ...HashMap.keys(runners)]
  if (left.length > 0) {
    yield* Effect.logError(`left behind, to be removed at the next start: ${left.join(", ")}`)
  }
})
