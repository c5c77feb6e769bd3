/** The facts about a host that the checks share: its config, its daemon and its ledger. */
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Config from "../config/Config.ts"
import { type Home, home } from "../config/Home.ts"
import type { Setting } from "../config/Setting.ts"
import type { Finding } from "../domain/Finding.ts"
import { span } from "../domain/Format.ts"
import type { ExamineContext, Examined, Service } from "../plugins/Plugin.ts"
import type { Capabilities } from "../plugins/PluginApi.ts"
import * as Plugins from "../plugins/Plugins.ts"
import { Anka, AnkaError, type AnkaVm } from "../services/Anka.ts"
import type { Exec, ProcessIdentity } from "../services/Exec.ts"
import * as History from "../services/History.ts"
import type { HostLock } from "../services/HostLock.ts"
import * as Ledger from "../services/Ledger.ts"
import type { Mac } from "../services/Mac.ts"
import * as PidFile from "../services/PidFile.ts"
import type { Offered } from "./release.ts"

/** The services that checks use. */
export type Needs = Examined | HostLock | Mac | Scope.Scope

/** A check of one subject. It changes nothing. */
export interface Check {
  readonly subject: string
  readonly run: (host: HostFacts) => Effect.Effect<ReadonlyArray<Finding>, never, Needs>
}

/** The facts that need a readable config. */
export interface Daemon extends Config.Daemon {
  readonly pidFile: string
  /** The daemon that runs with this config, if any; left when its PID file cannot be read. */
  readonly running: Either.Either<Option.Option<ProcessIdentity>, PidFile.PidFileError>
  readonly ledgerFile: string
  /** The content of the ledger; none when it cannot be read. */
  readonly ledger: Option.Option<{ readonly state: Ledger.LedgerState; readonly damaged: boolean }>
}

/** What all checks are given. */
export interface HostFacts {
  readonly file: string
  readonly places: Home
  readonly daemon: Option.Option<Daemon>
  readonly services: ReadonlyArray<Service<Capabilities>>
  /** The errors in the config. */
  readonly problems: ReadonlyArray<Config.Problem>
  /** Every value of the config and its source; secrets are hidden. */
  readonly settings: ReadonlyArray<Setting>
  /** Environment variables that only older versions of Anklet read. */
  readonly ignored: Option.Option<string>
  /** The entry in the service manager: how its daemon differs from one started from this shell, and which secrets other users can read in it. */
  readonly entry: {
    readonly differences: Effect.Effect<ReadonlyArray<string>, never, Exec | FileSystem | Path>
    readonly exposed: Effect.Effect<ReadonlyArray<string>, never, Exec | FileSystem | Path>
  }
  /** The newest release; fails where that cannot be found out. */
  readonly offered: Effect.Effect<Offered, unknown, Exec | FileSystem | Path>
  /** The VMs and templates of this user; `anka` is asked once. */
  readonly library: Effect.Effect<ReadonlyArray<AnkaVm>, AnkaError>
  readonly context: ExamineContext
}

/** Timeout of a question to `anka`. */
const SOON = Duration.seconds(10)

/** Asks `anka`, and fails with the reason `Timeout` after ten seconds: a person is waiting. */
export const soon = <A>(command: string, question: Effect.Effect<A, AnkaError>): Effect.Effect<A, AnkaError> =>
  Effect.timeoutFail(question, {
    duration: SOON,
    onTimeout: () =>
      new AnkaError({ reason: "Timeout", command, detail: `no answer within ${span(SOON)}; it was ended` })
  })

const daemonOf = Effect.fnUntraced(function* (daemon: Config.Daemon) {
  const pidFile = yield* PidFile.pathOf(daemon.pidFileDir)
  const ledgerFile = yield* Ledger.pathOf(daemon.stateDir)
  const found: Daemon = {
    ...daemon,
    pidFile,
    running: yield* Effect.either(PidFile.find(pidFile)),
    ledgerFile,
    ledger: yield* Effect.option(Ledger.peek(ledgerFile))
  }
  return found
})

/** Maximum number of jobs that have ended which checks look at. */
const PAST = 1000

/** The jobs of this host that have ended; none where the file cannot be read. */
const pastOf = ({ stateDir }: Daemon) =>
  Effect.orElseSucceed(
    Effect.flatMap(History.pathOf(stateDir), (path) => History.read(path, PAST)),
    () => []
  )

/** Keeps daemons of this config from starting while the scope is open. */
const hold = ({ pidFile, ledgerFile }: Daemon) =>
  Effect.zipRight(PidFile.hold(pidFile), PidFile.hold(`${ledgerFile}.pid`, "state_dir"))

/** A question about the service manager's entry for a config file. */
type OfEntry = (file: string) => Effect.Effect<ReadonlyArray<string>, unknown, Exec | FileSystem | Path>

/** Gathers the facts about the host of this config file. `resolved` returns the source of each value of the config, `entry` examines the installed service, and `offered` asks for the newest release. */
export const gather = Effect.fn("HostFacts.gather")(function* (
  file: string,
  resolved: (raw: Config.Raw) => Effect.Effect<ReadonlyArray<Setting>, never, FileSystem | Path>,
  entry: { readonly differences: OfEntry; readonly exposed: OfEntry },
  offered: (daemon: Option.Option<Config.Daemon>) => HostFacts["offered"]
) {
  const anka = yield* Anka
  const context = yield* Effect.context<Exec | FileSystem | Path>()
  const raw = yield* Effect.either(Config.read(file))
  const services = yield* Effect.either(Effect.flatMap(raw, Plugins.resolve))
  const daemon =
    Either.isRight(raw) && raw.right.daemonProblems.length === 0
      ? Option.some(yield* daemonOf(raw.right.daemon))
      : Option.none<Daemon>()
  const library = yield* Effect.forkScoped(soon("anka list", anka.list))
  const ledger = Option.flatMap(daemon, ({ ledger }) => ledger)
  const host: HostFacts = {
    file,
    places: yield* home,
    daemon,
    services: Either.getOrElse(services, () => []),
    problems: Either.isLeft(services) ? services.left.problems : [],
    settings: Either.isRight(raw) ? yield* resolved(raw.right) : [],
    ignored: Either.isRight(raw) ? yield* Config.olderEnvironment(raw.right) : Option.none(),
    // an invalid config is a finding of its own, and a host without a service manager has no service
    entry: {
      differences: Effect.orElseSucceed(entry.differences(file), () => []),
      exposed: Effect.orElseSucceed(entry.exposed(file), () => [])
    },
    offered: offered(daemon),
    library: Fiber.join(library),
    context: {
      // if that is unknown, nothing may be changed
      daemonRuns: Option.match(daemon, {
        onNone: () => true,
        onSome: ({ running }) => Either.isLeft(running) || Option.isSome(running.right)
      }),
      ledger: Option.match(ledger, { onNone: () => Ledger.empty, onSome: ({ state }) => state }),
      past: yield* Option.match(daemon, { onNone: () => Effect.succeed([]), onSome: pastOf }),
      alone: (repair) =>
        Option.match(daemon, {
          onNone: () => repair,
          onSome: (daemon) => Effect.scoped(Effect.zipRight(hold(daemon), repair)).pipe(Effect.provide(context))
        })
    }
  }
  return host
})
