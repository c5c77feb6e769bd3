/** `anklet`: checks the config, then starts the daemon, detached as nginx does or in the foreground. */
import { Path } from "@effect/platform/Path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Config from "../config/Config.ts"
import { exposed } from "../plugins/exposed.ts"
import * as Plugins from "../plugins/Plugins.ts"
import * as Detach from "../process/Detach.ts"
import { exitCodeOf } from "../process/ExitCode.ts"
import { commandLine } from "../process/Program.ts"
import { Exec } from "../services/Exec.ts"
import { FILE_NAME } from "../services/Log.ts"
import * as PidFile from "../services/PidFile.ts"
import * as Advice from "../text/Advice.ts"
import * as Traces from "../traces/Traces.ts"
import { problemsOf } from "./config/folders.ts"
import { configFile } from "./configFile.ts"
import type { Plain } from "./parser/plain.ts"
import { complain, say, toExitCode, warnings } from "./terminal.ts"
import { ledgerIn } from "./waitForExit.ts"

/** Starts the daemon; returns the exit code. With `replace`, in place of one that accepts jobs. */
export const start = (options: {
  readonly config: Option.Option<string>
  readonly attach: boolean
  readonly once: boolean
  readonly replace?: boolean
}) =>
  Effect.gen(function* () {
    const config = yield* configFile(options.config)
    // an invalid config is reported before any process is started
    const raw = yield* Config.read(config)
    yield* Plugins.resolve(raw)
    yield* Traces.settings
    const problems = yield* problemsOf(raw)
    if (problems.length > 0) return yield* new Config.ConfigError({ file: config, problems })
    const pidFile = yield* PidFile.pathOf(raw.daemon.pidFileDir)
    const running = yield* PidFile.find(pidFile)
    let unwatched: Effect.Effect<void> = Effect.void
    if (Option.isSome(running)) {
      const { takeOver } = yield* Effect.promise(() => import("./handover.ts"))
      yield* takeOver(running.value, raw, { drain: options.replace === true })
      const { claims } = yield* ledgerIn(raw.daemon.stateDir)
      if (!HashMap.isEmpty(claims))
        unwatched = complain(
          `jobs of the previous daemon keep running in their VMs; "${Advice.anklet()}" takes them over`
        )
    }
    if (options.attach || options.once) {
      const { main } = yield* Effect.promise(() => import("../daemon/main.ts"))
      return yield* Effect.promise(() =>
        main({ config, once: options.once, attach: true }, (text) => Effect.zipRight(complain(text), unwatched))
      )
    }
    // the daemon logs it as well
    yield* Effect.flatMap(
      Config.olderEnvironment(raw),
      Option.match({ onNone: () => Effect.void, onSome: (warning) => complain(`warning: ${warning}`) })
    )
    yield* Option.match(Config.olderConfig(raw), { onNone: () => Effect.void, onSome: complain })
    yield* Effect.forEach(yield* exposed(raw), (warning) => complain(`warning: ${warning}`), { discard: true })
    const { pid, report } = yield* Detach.start(commandLine, ["daemon", config])
    if (report._tag === "Failed") {
      yield* Effect.zipRight(complain(report.message), unwatched)
      return report.code
    }
    yield* say(`anklet is up (pid ${pid})`)
    yield* tell(raw.daemon)
    return 0
  })

/** Says what a daemon that is up watches, and how to go on; its trouble is said as a complaint. */
export const tell = Effect.fnUntraced(function* (daemon: Config.Daemon) {
  const paths = yield* Path
  const { said, wait } = yield* Effect.promise(() => import("./firstLook.ts"))
  const { watching, trouble } = said(yield* wait(daemon))
  for (const [n, scope] of watching.entries()) yield* say(`  ${n === 0 ? "watching:" : "         "}  ${scope}`)
  yield* say(`  status:    ${Advice.anklet("status")}`)
  yield* say(`  log:       ${paths.join(daemon.logDir, FILE_NAME)}`)
  yield* say(`  stop:      ${Advice.anklet("-s stop")}    (or "-s drain" to let running jobs finish)`)
  for (const what of trouble) yield* complain(what)
})

/** The whole program, for a command line that only starts the daemon. */
export const main = async ({ config, attach, once }: Plain): Promise<void> => {
  const code = await start({ config: Option.fromNullable(config), attach, once }).pipe(
    Effect.catchAll((error) => Effect.as(complain(error.message), exitCodeOf(error))),
    Effect.provide(Exec.layer.pipe(Layer.provideMerge(Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, warnings)))),
    toExitCode
  )
  process.exit(code)
}
