/** What `anklet restart` does: check the config, then replace the daemon, through the service manager if that starts it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Config from "../../config/Config.ts"
import * as Plugins from "../../plugins/Plugins.ts"
import * as PidFile from "../../services/PidFile.ts"
import * as Traces from "../../traces/Traces.ts"
import { problemsOf } from "../config/folders.ts"
import { configFile } from "../configFile.ts"
import { takeOver } from "../handover.ts"
import { find, startUp } from "../service/entry.ts"
import { start, tell } from "../start.ts"
import { complain, say } from "../terminal.ts"

/** Everything that would keep a daemon of this config from starting and can be known before. */
const checked = Effect.fnUntraced(function* (file: string) {
  const raw = yield* Config.read(file)
  yield* Plugins.resolve(raw)
  yield* Traces.settings
  const problems = yield* problemsOf(raw)
  return problems.length === 0 ? raw : yield* new Config.ConfigError({ file, problems })
})

/** Says that the daemon of a config that is wrong is as it was, if one runs. */
const sayWhatGoesOn = (file: string) =>
  Config.readDaemon(file).pipe(
    Effect.flatMap(({ daemon }) => PidFile.pathOf(daemon.pidFileDir)),
    Effect.flatMap(PidFile.find),
    Effect.flatMap(
      Option.match({
        onNone: () => Effect.void,
        onSome: ({ pid }) => complain(`the running daemon (pid ${pid}) goes on with the config that it has`)
      })
    ),
    Effect.ignore
  )

/** Replace the daemon of a config, or start one; returns the exit code. A config that is wrong changes nothing. */
export const run = Effect.fn("restart")(function* (config: Option.Option<string>) {
  const file = yield* configFile(config)
  const raw = yield* Effect.tapError(checked(file), () => sayWhatGoesOn(file))
  // without a service manager, the daemon is one that was started by hand
  const installed = Option.filter(yield* Effect.option(find(file)), ({ text }) => Option.isSome(text))
  const away = Option.flatMap(installed, ({ away }) => away)
  if (Option.isSome(away)) return yield* away.value
  const entry = Option.filter(installed, ({ state }) => state.isLoaded)
  if (Option.isNone(entry)) return yield* start({ config, attach: false, once: false, replace: true })
  const running = yield* PidFile.find(yield* PidFile.pathOf(raw.daemon.pidFileDir))
  if (Option.isSome(running)) yield* takeOver(running.value, raw, { drain: true })
  const { manages, label, name } = entry.value
  const pid = yield* startUp(entry.value, raw, manages.start(label))
  yield* say(
    `anklet is up${Option.match(pid, { onNone: () => "", onSome: (pid) => ` (pid ${pid})` })}, started by ${name}`
  )
  yield* tell(raw.daemon)
  return 0
})
