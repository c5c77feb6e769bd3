/** Everything a daemon does between its start and its end: compare the ledger with the host, run every service, return when all have ended. */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import { v5 as uuid5 } from "uuid"
import * as Control from "./Control.ts"
import * as Race from "./Race.ts"
import * as Reconcile from "./Reconcile.ts"
import * as Service from "./Service.ts"
import { Activity, Progress } from "./services/Activity.ts"
import { Anka, AnkaError } from "./services/Anka.ts"
import { Coordinator } from "./services/Coordinator.ts"
import { Coordinators } from "./services/Coordinators.ts"
import { Ledger } from "./services/Ledger.ts"

/** Licences that may not run CI: Anka Develop is for laptops, and has neither tags nor a registry (Veertu's feature table). */
const UNFIT_LICENSES = [".run", ".develop"]

/** Whether this host can run VMs at all; checked before anything is claimed. */
const preflight = Effect.gen(function* () {
  const anka = yield* Anka
  const { product, version } = yield* anka.version
  const license = yield* anka.license
  if (license.status !== "valid" || UNFIT_LICENSES.some((type) => license.type.endsWith(type))) {
    return yield* new AnkaError({
      reason: "LicenseInvalid",
      command: "anka license show",
      detail: `the licence (${license.type || "none"}) is ${license.status === "valid" ? "not one for CI" : license.status || "missing"}; see "anka license show" and activate one with "sudo anka license activate"`
    })
  }
  yield* Effect.logDebug(`${product} ${version}, licence ${license.type}`)
})

/** A path that no file can have: a ledger that cannot be read may have any VM in it, so no stranger is touched. */
const ANY_FILE: ReadonlyArray<string> = ["\0"]

/** Where every daemon of this user says which file its ledger is, so that none takes another's VMs for strangers. */
const siblingsOf = Effect.fnUntraced(function* (directory: string, ledger: string) {
  const fs = yield* FileSystem
  const paths = yield* Path
  yield* fs.makeDirectory(directory, { recursive: true })
  const own = uuid5(ledger, uuid5.URL)
  yield* fs.writeFileString(paths.join(directory, own), ledger)
  const siblings: Effect.Effect<ReadonlyArray<string>> = fs.readDirectory(directory).pipe(
    Effect.flatMap((names) =>
      Effect.forEach(
        names.filter((name) => name !== own),
        (name) => fs.readFileString(paths.join(directory, name))
      )
    ),
    Effect.orElseSucceed(() => ANY_FILE)
  )
  return { siblings }
})

/** What the daemon needs to know besides its capabilities. */
export interface Options<R> {
  readonly services: ReadonlyArray<Service.Service<R>>
  readonly once: boolean
  /** Path of this daemon's ledger, and the folder in which all daemons of this user name theirs. */
  readonly ledger: string
  readonly ledgers: string
  /** Where the daemon can be asked, and what it is told of itself; without it, nowhere. */
  readonly control: Option.Option<Control.About & { readonly socket: string }>
  /** Told when the daemon is up: everything that can refuse a start has been asked. */
  readonly up: Effect.Effect<void>
}

/** Run the daemon. Interrupting it is `stop`; `Drain` is `drain`. */
export const run = Effect.fn("Daemon.run")(function* <R>(options: Options<R>) {
  yield* preflight
  const { siblings } = yield* siblingsOf(options.ledgers, options.ledger).pipe(
    Effect.catchAll((error) =>
      Effect.as(Effect.logWarning(`other daemons of this user are not known: ${error.message}`), {
        siblings: Effect.succeed(ANY_FILE)
      })
    )
  )
  const strangers = yield* Ref.make<Reconcile.Strangers>(new Map())
  const audit = Reconcile.audit(new Set(options.services.map(({ name }) => name)), siblings, strangers).pipe(
    Effect.catchAll((error) =>
      Effect.logError(`VMs of this host could not be compared with the ledger: ${error.message}`)
    )
  )
  yield* audit
  yield* Option.match(options.control, {
    onNone: () => Effect.void,
    onSome: ({ socket, ...about }) =>
      // a daemon that cannot be asked does its work all the same
      Effect.catchAll(Control.open(socket, about), (error) =>
        Effect.logWarning(`"anklet status" and the like do not work with this daemon: ${error.message}`)
      )
  })
  yield* options.up
  yield* Effect.logInfo(`anklet is up: ${options.services.length} services${options.once ? ", one pass each" : ""}`)
  const audits = audit.pipe(Effect.schedule(Schedule.spaced(Reconcile.AUDIT_EVERY)), Effect.interruptible)
  const coordinators = yield* Coordinators
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

/** What could not be cleaned up is named once more when the daemon leaves. */
export const sayWhatIsLeft = Effect.gen(function* () {
  const { vms, runners } = yield* (yield* Ledger).state
  const left = [...HashMap.keys(vms), ...HashMap.keys(runners)]
  if (left.length > 0) {
    yield* Effect.logError(`left behind, to be removed at the next start: ${left.join(", ")}`)
  }
})
