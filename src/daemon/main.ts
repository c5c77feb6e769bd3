/** The process of the daemon: its layers, its signals, its exit code. Loads no command-line parser. */

import { hostname } from "node:os"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import * as Config from "../config/Config.ts"
import { home } from "../config/Home.ts"
import { FILE_NAME as SOCKET } from "../control/Server.ts"
import * as Files from "../files/Files.ts"
import { said } from "../files/said.ts"
import { Handover } from "../interruption/Handover.ts"
import { Polling } from "../job/Polling.ts"
import * as Notify from "../notify/Notify.ts"
import * as Capabilities from "../plugins/capabilities.ts"
import { exposed } from "../plugins/exposed.ts"
import type { Service } from "../plugins/Plugin.ts"
import * as Plugins from "../plugins/Plugins.ts"
import * as Detach from "../process/Detach.ts"
import { type ExitCode, exitCodeOf } from "../process/ExitCode.ts"
import { closeDebugger } from "../process/edge.ts"
import { listen } from "../process/signals.ts"
import { COLLECT_EVERY, collector } from "../process/Tuning.ts"
import { Activity } from "../services/Activity.ts"
import * as Anka from "../services/Anka/command.ts"
import { Capacity } from "../services/Capacity.ts"
import { Coordinators } from "../services/Coordinators.ts"
import { Drain, PAUSE_FILE } from "../services/Drain.ts"
import { Evidence } from "../services/Evidence.ts"
import { Exec } from "../services/Exec.ts"
import * as History from "../services/History.ts"
import { FILE_NAME as HOLDS_FILE, Holds } from "../services/Holds.ts"
import { HostLock } from "../services/HostLock.ts"
import * as HostStatus from "../services/HostStatus.ts"
import { Ledger, pathOf } from "../services/Ledger.ts"
import { LeftOut } from "../services/LeftOut.ts"
import * as Log from "../services/Log.ts"
import type { Way } from "../services/Network/Way.ts"
import { Network, settle } from "../services/Network.ts"
import { Once } from "../services/Once.ts"
import * as PidFile from "../services/PidFile.ts"
import { Refusals } from "../services/Refusals.ts"
import { RefusedConfig } from "../services/RefusedConfig.ts"
import { SharedRateLimit } from "../services/SharedRateLimit.ts"
import { Templates } from "../services/Templates.ts"
import { Wake } from "../services/Wake.ts"
import * as Advice from "../text/Advice.ts"
import * as Traces from "../traces/Traces.ts"
import * as Daemon from "./Daemon.ts"
import { LIFE } from "./Life.ts"
import * as Reload from "./Reload.ts"

/** How the daemon runs. */
export interface Options {
  readonly config: string
  readonly once: boolean
  /** Stay in the foreground, and log to the terminal too. */
  readonly attach: boolean
}

/** Returns memory to the system, first after the start and then at an interval. */
const collectGarbage = Effect.sync(collector).pipe(
  Effect.flatMap((collect) => Effect.repeat(Effect.sync(collect), Schedule.spaced(COLLECT_EVERY))),
  Effect.delay("5 seconds"),
  Effect.interruptible,
  Effect.forkScoped
)

const capabilities = (
  services: ReadonlyArray<Service<unknown>>,
  places: { readonly ledger: string; readonly locks: string; readonly state: string; readonly logs: string },
  way: Way,
  notify: Parameters<typeof Notify.start>[0]
) =>
  Layer.scopedDiscard(
    Effect.all([Traces.start, Effect.flatMap(History.pathOf(places.state), History.start), Notify.start(notify)])
  ).pipe(
    Layer.provideMerge(Coordinators.layer(services, places.state)),
    Layer.provideMerge(
      Layer.mergeAll(
        Activity.layer,
        Capacity.layer,
        Templates.layer,
        Once.layer,
        Refusals.layer,
        LeftOut.layer,
        Polling.layer,
        Capabilities.layer,
        Wake.layer,
        Holds.layer(places.state),
        Evidence.layer(places.state, places.logs)
      )
    ),
    Layer.provideMerge(
      Layer.mergeAll(
        Anka.layer,
        SharedRateLimit.layer,
        Ledger.layer(places.ledger),
        HostLock.layer(places.locks),
        Layer.succeed(Network, way),
        Layer.succeed(HostStatus.Notifies, Option.isSome(notify))
      )
    )
  )

/** Errors that are not logged here: a service has logged its own, and `AlreadyRunning` would be in the log of the daemon that runs. */
const UNLOGGED: ReadonlyArray<string> = ["PluginError", "AlreadyRunning"]

/** What a signal acts on. */
interface Reach {
  /** Runs an effect, whose words are in the log. */
  readonly fork: (effect: Effect.Effect<unknown>) => void
  /** Opens the log file again, after a rotation. */
  readonly reopen: Effect.Effect<void>
  /** Takes over a changed config. */
  readonly reload: Effect.Effect<void>
}

/** The daemon, from the PID file to the last line of the log. `logs` receives what signals act on when the log is open. */
const program = Effect.fn("daemon")(function* (
  options: Options & { readonly folder: string },
  up: Effect.Effect<void>,
  logs: (reach: Reach) => void
) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const raw = yield* Config.read(options.config)
  const { daemon } = raw
  const services = yield* Plugins.resolve(raw)
  const way = yield* settle(daemon.network)
  const places = yield* home
  Advice.about(options.config === places.config ? undefined : options.config)
  const ledger = yield* pathOf(daemon.stateDir)
  return yield* Effect.gen(function* () {
    const { reopen } = yield* Log.LogFile
    const fork = Runtime.runFork(yield* Effect.runtime<never>())
    const { reload } = yield* Reload.of(raw, options)
    logs({ fork, reopen, reload })
    yield* PidFile.hold(yield* PidFile.pathOf(daemon.pidFileDir))
    // a ledger has one writer, also when two configs name one state_dir
    yield* PidFile.hold(`${ledger}.pid`, "state_dir")
    yield* Files.removeLeft(
      [
        "host.json.new",
        "notices.json.new",
        `${HOLDS_FILE}.new`,
        `${PAUSE_FILE}.new`,
        "ledger.jsonl.new",
        "ledger.jsonl.probe",
        `${History.FILE_NAME}.new`
      ].map((name) => paths.join(daemon.stateDir, name))
    )
    yield* Effect.mapError(
      Effect.zipRight(
        fs.makeDirectory(daemon.workDir, { recursive: true, mode: Files.FOLDER }),
        Effect.try(() => process.chdir(daemon.workDir))
      ),
      (error) =>
        new Config.ConfigError({
          file: daemon.file,
          problems: [
            Config.Problem.make({ path: "work_dir", message: `${daemon.workDir} cannot be used: ${said(error)}` })
          ]
        })
    )
    yield* Effect.flatMap(
      Config.olderEnvironment(raw),
      Option.match({ onNone: () => Effect.void, onSome: Effect.logWarning })
    )
    yield* Option.match(Config.olderConfig(raw), { onNone: () => Effect.void, onSome: Effect.logInfo })
    yield* Effect.forEach(yield* exposed(raw), (warning) => Effect.logWarning(warning), { discard: true })
    yield* Plugins.writeFiles(services)
    yield* collectGarbage
    yield* Effect.scoped(
      Effect.flatMap(
        Layer.build(
          capabilities(
            services,
            {
              ledger,
              locks: places.locks,
              state: daemon.stateDir,
              logs: paths.join(places.user, "Library", "Logs", "Anka")
            },
            way,
            Option.map(daemon.notify, (notify) => ({
              notify,
              file: paths.join(daemon.stateDir, "notices.json"),
              host: hostname()
            }))
          )
        ),
        (context) =>
          Effect.provide(
            Daemon.run({
              services,
              once: options.once,
              config: options.config,
              ledger,
              ledgers: places.ledgers,
              control: Option.some({
                socket: paths.join(daemon.pidFileDir, SOCKET),
                metrics: daemon.metrics,
                pauseFile: paths.join(daemon.stateDir, PAUSE_FILE)
              }),
              up
            }),
            context
          )
      )
    )
  }).pipe(
    // failures are logged from here on, not only shown at the terminal
    Effect.tapErrorCause((cause) =>
      Option.exists(Cause.failureOption(cause), ({ _tag }) => UNLOGGED.includes(_tag))
        ? Effect.void
        : Effect.logError(
            Option.match(Cause.failureOption(cause), {
              onNone: () => "internal error",
              onSome: ({ message }) => message
            }),
            Cause.isDie(cause) ? cause : Cause.empty
          )
    ),
    Effect.scoped,
    Effect.provide(Log.layer({ directory: daemon.logDir, terminal: options.attach }))
  )
})

const messageOf = (cause: Cause.Cause<{ readonly message: string }>) =>
  Option.match(Cause.failureOption(cause), {
    onNone: () => `internal error: ${Cause.pretty(cause)}`,
    onSome: ({ message }) => message
  })

/** Run the daemon until a signal stops it or it has drained; gives its exit code. Signals: signals.ts. */
export const main = (options: Options, say: (text: string) => Effect.Effect<void>): Promise<ExitCode> => {
  // a SIGUSR1 that came while the program was loaded
  closeDebugger()
  const folder = process.cwd()
  const base = Layer.mergeAll(Drain.live, Exec.layer, Handover.layer, RefusedConfig.layer).pipe(
    Layer.provideMerge(Layer.merge(NodeFileSystem.layer, NodePath.layer))
  )
  const run = Effect.gen(function* () {
    const drain = yield* Drain
    const handover = yield* Handover
    let reach: Reach = {
      fork: Runtime.runFork(yield* Effect.runtime<never>()),
      reopen: Effect.void,
      reload: Effect.void
    }
    const fork: Reach["fork"] = (effect) => reach.fork(effect)
    const fiber = yield* Effect.fork(
      program({ ...options, folder }, Detach.report({ _tag: "Up" }), (logged) => {
        reach = logged
      })
    )
    let stopping = false
    const stop = (how: string = LIFE.stopping) => {
      // the first stop interrupts; a second one must not cut the clean-up short
      if (stopping) return
      stopping = true
      fork(Effect.zipRight(handover.prevent, Effect.logInfo(how)))
      // repeated until the end: a finalizer in a plugin may lose an interruption (see Finalizer.ts)
      fork(Fiber.interruptFork(fiber).pipe(Effect.repeat(Schedule.spaced("500 millis"))))
    }
    listen((meaning, signal) => {
      switch (meaning) {
        case "stop":
          return stop()
        case "drain":
          return fork(Effect.zipRight(Effect.logInfo(LIFE.draining), drain.begin))
        case "reopen":
          return fork(reach.reopen)
        case "reload":
          return fork(Effect.zipRight(reach.reopen, stopping ? Effect.void : reach.reload))
        case "ignore":
          return fork(Effect.logInfo(`${signal} means nothing to this daemon: it goes on`))
      }
    })
    fork(Effect.andThen(handover.wait, () => stop(LIFE.handingOver)))
    const exit = yield* Fiber.await(fiber)
    // a failed start interrupts what was starting beside it: only a pure interruption is a stop
    if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return 0
    const message = messageOf(exit.cause)
    const code = Option.match(Cause.failureOption(exit.cause), { onNone: (): ExitCode => 1, onSome: exitCodeOf })
    yield* say(message)
    yield* Detach.report({ _tag: "Failed", code, message })
    return code
  })
  return Effect.runPromise(run.pipe(Effect.provide(base), Effect.orDie))
}

/** The detached process: `anklet daemon <config>`, started by `anklet` itself. */
export const detached = async (argv: ReadonlyArray<string>): Promise<void> => {
  const [config = ""] = argv
  process.exit(await main({ config, once: false, attach: false }, () => Effect.void))
}
