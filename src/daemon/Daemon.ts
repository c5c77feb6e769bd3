/** Everything a daemon does between its start and its end: compare the ledger with the host, run every service, return when all have ended. */
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Control from "../control/Control.ts"
import { Handover } from "../interruption/Handover.ts"
import * as Race from "../interruption/Race.ts"
import type { Service as Bound } from "../plugins/Plugin.ts"
import { Activity, Progress } from "../services/Activity.ts"
import * as License from "../services/Anka/license.ts"
import { Anka, AnkaError } from "../services/Anka.ts"
import { Coordinator } from "../services/Coordinator.ts"
import { Coordinators } from "../services/Coordinators.ts"
import { Ledger } from "../services/Ledger.ts"
import * as LedgerRegistry from "../services/LedgerRegistry.ts"
import * as Reconcile from "./Reconcile.ts"
import * as Service from "./Service.ts"

/** Whether this host can run VMs at all; checked before anything is claimed. */
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
export interface Options<R> {
  readonly services: ReadonlyArray<Bound<R>>
  readonly once: boolean
  /** Path of this daemon's ledger, and the folder in which all daemons of this user name theirs. */
  readonly ledger: string
  readonly ledgers: string
  /** Where the daemon can be asked, and what it is told of itself; without it, nowhere. */
  readonly control: Option.Option<Omit<Control.About<never>, "services" | "ledger"> & { readonly socket: string }>
  /** Told when the daemon is up: everything that can refuse a start has been asked. */
  readonly up: Effect.Effect<void>
}

/** Run the daemon. Interrupting it is `stop`; `Drain` is `drain`. */
export const run = Effect.fn("Daemon.run")(function* <R>(options: Options<R>) {
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
  const finders = options.services.map(({ name, sleepInterval, find }) => ({
    name,
    sleepInterval,
    find: (job: string) => Effect.provideService(find?.(job) ?? Effect.succeedNone, Coordinator, coordinators.of(name))
  }))
  yield* Option.match(options.control, {
    onNone: () => Effect.void,
    onSome: ({ socket, ...about }) =>
      // a daemon that cannot be asked does its work all the same
      Effect.catchAll(Control.open(socket, { ...about, ledger: options.ledger, services: finders }), (error) =>
        Effect.logWarning(`"anklet status" and the like do not work with this daemon: ${error.message}`)
      )
  })
  yield* options.up
  yield* Effect.logInfo(`anklet is up: ${options.services.length} services${options.once ? ", one pass each" : ""}`)
  const audits = audit.pipe(Effect.schedule(Schedule.spaced(Reconcile.AUDIT_EVERY)), Effect.interruptible)
  const activity = yield* Activity
  const services = Effect.forEach(
    options.services,
    (service) =>
      Effect.exit(
        Service.run(service, options).pipe(
          Effect.provideService(Coordinator, coordinators.of(service.name)),
          Effect.provideService(Progress, activity.of(service))
        )
      ),
    { concurrency: "unbounded" }
  )
  const exits = yield* Race.first(services, Effect.zipRight(audits, Effect.never)).pipe(Effect.ensuring(sayWhatIsLeft))
  yield* Effect.logInfo("anklet ends")
  // with `once`, a failed pass is the daemon's own failure
  yield* Effect.forEach(exits, (exit) => exit, { discard: true })
}, Effect.scoped)

/** What could not be cleaned up is named once more when the daemon leaves; and what the next one has to see through. */
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
