/** A host as its doctor finds it: its config, its daemon, and what was written down. */
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
import type { HostLock } from "../services/HostLock.ts"
import * as Ledger from "../services/Ledger.ts"
import type { Mac } from "../services/Mac.ts"
import * as PidFile from "../services/PidFile.ts"

/** What the checks need. */
export type Needs = Examined | HostLock | Mac | Scope.Scope

/** Looks at one subject, and changes nothing. */
export interface Check {
  readonly subject: string
  readonly run: (host: HostFacts) => Effect.Effect<ReadonlyArray<Finding>, never, Needs>
}

/** The part that only a config that can be read tells. */
export interface Daemon extends Config.Daemon {
  readonly pidFile: string
  /** The daemon that runs with this config; none when its PID file cannot be read. */
  readonly running: Either.Either<Option.Option<ProcessIdentity>, PidFile.PidFileError>
  readonly ledgerFile: string
  /** What the ledger says; none when it cannot be read. */
  readonly ledger: Option.Option<{ readonly state: Ledger.LedgerState; readonly damaged: boolean }>
}

/** What all checks look at. */
export interface HostFacts {
  readonly file: string
  readonly places: Home
  readonly daemon: Option.Option<Daemon>
  readonly services: ReadonlyArray<Service<Capabilities>>
  /** What is wrong with the config. */
  readonly problems: ReadonlyArray<Config.Problem>
  /** Every value of the config, and where it came from; secrets are hidden. */
  readonly settings: ReadonlyArray<Setting>
  /** What the environment holds for an older Anklet, and nothing reads. */
  readonly ignored: Option.Option<string>
  /** The daemon that a service manager starts: where it differs from one that is started here and now, and which secrets its entry shows to others. */
  readonly entry: {
    readonly differences: Effect.Effect<ReadonlyArray<string>, never, Exec | FileSystem | Path>
    readonly exposed: Effect.Effect<ReadonlyArray<string>, never, Exec | FileSystem | Path>
  }
  /** The VMs and templates of this user, asked for once. */
  readonly library: Effect.Effect<ReadonlyArray<AnkaVm>, AnkaError>
  readonly context: ExamineContext
}

/** A question that is not answered by then will not be. */
const SOON = Duration.seconds(10)

/** A question to `anka` whose answer is waited for no longer than a person would. */
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

/** While this holds, no daemon of this config starts. */
const hold = ({ pidFile, ledgerFile }: Daemon) =>
  Effect.zipRight(PidFile.hold(pidFile), PidFile.hold(`${ledgerFile}.pid`, "state_dir"))

/** Something that is asked of the entry of a config. */
type OfEntry = (file: string) => Effect.Effect<ReadonlyArray<string>, unknown, Exec | FileSystem | Path>

/** Look at the host of this config file. `resolved` tells where the config's values come from, `entry` what is to know of its service. */
export const gather = Effect.fn("HostFacts.gather")(function* (
  file: string,
  resolved: (raw: Config.Raw) => Effect.Effect<ReadonlyArray<Setting>, never, FileSystem | Path>,
  entry: { readonly differences: OfEntry; readonly exposed: OfEntry }
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
    // a config that is wrong is told by itself, and a host without a service manager has no service
    entry: {
      differences: Effect.orElseSucceed(entry.differences(file), () => []),
      exposed: Effect.orElseSucceed(entry.exposed(file), () => [])
    },
    library: Fiber.join(library),
    context: {
      // where it cannot be told, it is not meddled with
      daemonRuns: Option.match(daemon, {
        onNone: () => true,
        onSome: ({ running }) => Either.isLeft(running) || Option.isSome(running.right)
      }),
      ledger: Option.match(ledger, { onNone: () => Ledger.empty, onSome: ({ state }) => state }),
      alone: (repair) =>
        Option.match(daemon, {
          onNone: () => repair,
          onSome: (daemon) => Effect.scoped(Effect.zipRight(hold(daemon), repair)).pipe(Effect.provide(context))
        })
    }
  }
  return host
})
