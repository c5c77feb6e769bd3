/** `anklet service install | uninstall | status`, for any service manager. */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Config from "../../config/Config.ts"
import * as Plugins from "../../plugins/Plugins.ts"
import { FILE_NAME } from "../../services/Log.ts"
import * as PidFile from "../../services/PidFile.ts"
import * as Advice from "../../text/Advice.ts"
import { problemsOf } from "../config/folders.ts"
import { takeOver } from "../handover.ts"
import { json as asJson } from "../shown.ts"
import { complain, say } from "../terminal.ts"
import { differences, unknownTo } from "./differences.ts"
import { find, forget, startUp, stop, unwritable, write } from "./entry.ts"
import type { State } from "./manager.ts"
import { unitOf } from "./unit.ts"

const describe = ({ pid, lastExit, isLoaded }: State): string =>
  Option.match(pid, {
    onSome: (pid) =>
      `runs (pid ${pid})${Option.match(
        Option.filter(lastExit, (how) => how !== "0"),
        { onNone: () => "", onSome: (how) => `; before that it ended with ${how}` }
      )}`,
    onNone: () =>
      `${isLoaded ? "does not run" : "is not loaded"}${Option.match(lastExit, { onNone: () => "", onSome: (how) => `; it last ended with ${how}` })}`
  })

/** Installs or renews the entry of a config and starts its daemon. */
export const install = Effect.fn("service.install")(function* (config: string) {
  const paths = yield* Path
  const { manages, label, name, file, text, state, away } = yield* find(config)
  if (Option.isSome(away)) return yield* away.value
  const raw = yield* Config.read(config)
  yield* Plugins.resolve(raw)
  const problems = yield* problemsOf(raw)
  if (problems.length > 0) return yield* new Config.ConfigError({ file: config, problems })
  const unit = yield* unitOf(raw)
  for (const { key, name, isSecret } of yield* unknownTo(raw, unit.environment)) {
    const advice = isSecret ? "better keep it in a file, as file:PATH" : "write the value into the config"
    yield* complain(
      `${key} comes from the environment variable ${name}, which ${manages.name} does not know: ${advice}`
    )
  }
  for (const name of unit.left) {
    yield* complain(
      `${name} is set here, but not copied: everyone on this host may read ${file}; ${manages.toSet(label, name)}`
    )
  }
  const wanted = manages.textOf(unit)
  const isSame = Option.contains(text, wanted)
  const running = yield* PidFile.find(yield* PidFile.pathOf(raw.daemon.pidFileDir))
  // a draining daemon leaves its jobs to the one started here; one of this entry may be stopped as well
  const isGone = yield* Option.match(running, {
    onNone: () => Effect.succeed(false),
    onSome: (process) =>
      takeOver(process, raw).pipe(
        Effect.as(true),
        Effect.catchIf(
          ({ _tag }) => _tag === "AlreadyRunning" && Option.contains(state.pid, process.pid),
          () => Effect.succeed(false)
        )
      )
  })
  const pid = isGone ? Option.none<number>() : state.pid
  if (isSame && state.isLoaded && Option.isSome(pid)) {
    yield* say(`${name} is installed already, and ${describe(state)}`)
    return 0
  }
  const log = paths.join(raw.daemon.logDir, FILE_NAME)
  if (!isSame) {
    if (Option.isSome(pid)) yield* stop(pid.value, config)
    if (state.isLoaded) yield* forget(manages, label)
    yield* unwritable(file)(write(file, wanted))
    yield* say(`${Option.isSome(text) ? "renewed" : "installed"} ${name}: ${file}`)
  }
  const up = yield* startUp(
    { manages, label, name },
    raw,
    isSame && state.isLoaded
      ? manages.start(label)
      : // an entry that could not be loaded would start at some later log-in, to nobody's knowledge
        Effect.tapError(manages.load(label, file), () => (isSame ? Effect.void : undo(file, text)))
  )
  yield* say(
    `anklet is up${Option.match(up, { onNone: () => "", onSome: (pid) => ` (pid ${pid})` })}; it starts again when you log in, and after a failure`
  )
  yield* say(`  log:     ${log}`)
  if (manages.name === "launchd") yield* say(`  errors:  ${unit.errors}`)
  yield* say(
    `  stop:    ${Advice.anklet("-s stop")}    (it stays stopped; start it again with "${manages.toStart(label)}")`
  )
  yield* say(`  undo:    ${Advice.anklet("service uninstall")}`)
  if (Option.isSome(manages.note)) yield* say(`  note:    ${manages.note.value}`)
  return 0
})

/** Makes an entry's file what it was before. */
const undo = Effect.fnUntraced(function* (file: string, before: Option.Option<string>) {
  const fs = yield* FileSystem
  yield* Effect.ignore(Option.isSome(before) ? write(file, before.value) : fs.remove(file))
})

/**
 * Stops the daemon of a config's entry, and removes the entry. If the service manager cannot be reached, only what is on
 * disk is removed.
 */
export const uninstall = Effect.fn("service.uninstall")(function* (config: string) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const { manages, label, name, file, text, state, away } = yield* find(config)
  if (Option.isSome(away)) {
    const folder = paths.dirname(file)
    for (const link of manages.linksOf(label)) yield* Effect.ignore(fs.remove(paths.join(folder, link)))
    if (Option.isSome(text)) yield* unwritable(file)(fs.remove(file))
    yield* complain(away.value.message)
    yield* say(
      Option.isSome(text)
        ? `removed ${file}: it starts no more; "${Advice.anklet("-s stop")}" stops a daemon that still runs`
        : `${name} is not installed`
    )
    return 0
  }
  if (Option.isNone(text) && !state.isLoaded) {
    yield* say(`${name} is not installed`)
    return 0
  }
  if (Option.isSome(state.pid)) yield* stop(state.pid.value, config)
  if (state.isLoaded) yield* forget(manages, label)
  if (Option.isSome(text)) yield* unwritable(file)(fs.remove(file))
  yield* manages.reload
  yield* say(`uninstalled ${name}; the config, the log and the state stay where they are`)
  return 0
})

/** Shows a config's entry, and whether its daemon is running; exit code 5 if it is not. */
export const status = Effect.fn("service.status")(function* (config: string, json: boolean) {
  const { manages, name, file, text, state, away } = yield* find(config)
  if (Option.isSome(away)) return yield* away.value
  const isInstalled = Option.isSome(text)
  // the status is shown even if the config has become invalid since
  const differs = yield* Effect.orElseSucceed(differences(config), () => [])
  if (json) {
    const all = {
      manager: manages.name,
      name,
      config,
      file,
      installed: isInstalled,
      loaded: state.isLoaded,
      pid: Option.getOrNull(state.pid),
      lastExit: Option.getOrNull(state.lastExit),
      differences: differs
    }
    yield* say(asJson(JSON.stringify(all, undefined, 2)))
  } else {
    yield* say(isInstalled || state.isLoaded ? `${name} ${describe(state)}` : `${name} is not installed`)
    yield* say(`  config:  ${config}`)
    yield* say(`  file:    ${file}${isInstalled ? "" : " (missing)"}`)
    for (const difference of differs) yield* say(`  differs: ${difference}`)
    if (differs.length > 0) yield* say(`  renew:   ${Advice.anklet("service install")}, where all is as it should be`)
  }
  return Option.isSome(state.pid) ? 0 : 5
})
