/** The entry of a config with the service manager: finds, writes, stops and unloads it, and waits for its daemon. */

import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Config from "../../config/Config.ts"
import { home } from "../../config/Home.ts"
import { LIFE } from "../../daemon/Life.ts"
import * as Files from "../../files/Files.ts"
import { said } from "../../files/said.ts"
import { Exec } from "../../services/Exec.ts"
import * as reader from "../../services/Log/reader.ts"
import { FILE_NAME, filesOf } from "../../services/Log.ts"
import * as Advice from "../../text/Advice.ts"
import { say } from "../terminal.ts"
import { untilGone } from "../waitForExit.ts"
import { launchd } from "./launchd.ts"
import { ask, type Manager, ManagerError, type State } from "./manager.ts"
import { systemd } from "./systemd.ts"
import { labelOf } from "./unit.ts"

/** Timeout of a start. */
const START_TIMEOUT = "1 minute"
const CHECK_INTERVAL = "200 millis"
/**
 * Number of consecutive checks in which a daemon must be alive to count as up even if its log does not say so
 * (LOG_LEVEL=ERROR).
 */
const SETTLED = 50
/**
 * After this many "not running" answers the start has failed; the first one or two may still describe the previous run.
 */
const GONE = 5
/** Maximum number of checks until a service manager has forgotten an entry, which takes it a while. */
const FORGET_CHECKS = 150

/** The service manager of this host, for this user. */
const manager: Effect.Effect<Manager, ManagerError, Exec> = Effect.gen(function* () {
  const { stdout } = yield* ask("id", "-u")
  const uid = stdout.trim()
  if (uid === "0") {
    return yield* new ManagerError({
      detail:
        "not as root: Anka keeps a library for each user. Run this as the user who has the templates, without sudo"
    })
  }
  const exec = yield* Exec
  const isHere = (program: string, ...args: ReadonlyArray<string>) =>
    Effect.isSuccess(exec.run(program, args, { timeout: "10 seconds" }))
  if (yield* isHere("launchctl", "version")) return launchd(uid)
  if (yield* isHere("systemctl", "--version")) return systemd((yield* ask("id", "-un")).stdout.trim())
  return yield* new ManagerError({
    detail: 'there is neither launchd nor systemd here; start "anklet --attach" with what there is'
  })
})

/** The state of an entry that nobody can be asked about. */
const UNKNOWN: State = { isLoaded: false, pid: Option.none(), lastExit: Option.none() }

/** The location and the state of a config's entry; `away` is why the service manager could not be asked for its state. */
export const find = Effect.fnUntraced(function* (config: string) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const manages = yield* manager
  const label = yield* labelOf(config)
  const { user } = yield* home
  const file = paths.join(user, manages.folder, manages.fileOf(label))
  const text = yield* Effect.option(fs.readFileString(file))
  const asked = yield* Effect.either(manages.query(label))
  if (Either.isLeft(asked) && !asked.left.isAway) return yield* asked.left
  return {
    manages,
    label,
    name: manages.nameOf(label),
    file,
    text,
    state: Either.getOrElse(asked, () => UNKNOWN),
    away: Either.getLeft(asked)
  }
})

/** Explains what a person can do about a file that cannot be written. */
export const unwritable = (file: string) =>
  Effect.mapError(
    (error: Parameters<typeof said>[0]) =>
      new ManagerError({
        detail: `${file} cannot be written: check the owner and permissions of its folder (${said(error)})`
      })
  )

/** Writes an entry's file in one step. */
export const write = Effect.fnUntraced(function* (file: string, text: string) {
  const paths = yield* Path
  yield* Files.makeFolder(paths.dirname(file))
  // readable by the service manager
  yield* Files.replace(file, text, 0o644)
})

/** Stops the process of an entry, lets it clean up, and waits until it has exited. */
export const stop = Effect.fnUntraced(function* (pid: number, config: string) {
  const exec = yield* Exec
  const found = yield* exec.identify(pid)
  if (Option.isNone(found)) return
  yield* say(`stopping anklet (pid ${pid})`)
  yield* Effect.try({
    try: () => process.kill(pid, "SIGTERM"),
    catch: (error) => new ManagerError({ detail: `pid ${pid} cannot be signalled: ${error}` })
  })
  // the daemon can be stopped even if its config has become invalid since
  const read = yield* Effect.option(Config.readDaemon(config))
  yield* untilGone(
    found.value,
    Option.map(read, ({ daemon }) => daemon.stateDir)
  )
  yield* say("anklet has stopped")
})

/** Unloads an entry, and waits until the service manager has forgotten it. */
export const forget = (manages: Manager, label: string) =>
  manages.unload(label).pipe(
    Effect.zipRight(
      manages.query(label).pipe(
        Effect.repeat({
          while: ({ isLoaded, pid }) => isLoaded || Option.isSome(pid),
          schedule: Schedule.intersect(Schedule.spaced(CHECK_INTERVAL), Schedule.recurs(FORGET_CHECKS))
        })
      )
    ),
    Effect.asVoid
  )

/** Waits until the daemon of an entry is up; fails with how it ended. */
const untilUp = Effect.fnUntraced(function* (
  { manages, label, name }: { readonly manages: Manager; readonly label: string; readonly name: string },
  log: { readonly file: string; readonly from: reader.Place }
) {
  const failed = (how: string) =>
    new ManagerError({
      detail: `${name} is installed, but its daemon does not come up: ${how}; see "${Advice.anklet("service status")}" and ${log.file}`
    })
  const isUp = yield* Effect.makeLatch()
  yield* reader
    .follow(log.file, log.from, (lines) =>
      lines.some((line) => line.includes(`"msg":"${LIFE.up}`)) ? isUp.open : Effect.void
    )
    .pipe(Effect.ignore, Effect.fork)
  const watch = Effect.gen(function* () {
    let alive = 0
    let dead = 0
    while (alive < SETTLED) {
      const { pid, lastExit } = yield* manages.query(label)
      alive = Option.isSome(pid) ? alive + 1 : 0
      if (Option.isNone(pid) && Option.isSome(lastExit) && lastExit.value !== "0") dead++
      if (dead >= GONE) return yield* failed(`it ended with ${Option.getOrElse(lastExit, () => "")}`)
      yield* Effect.sleep(CHECK_INTERVAL)
    }
  })
  yield* Effect.raceFirst(watch, isUp.await).pipe(
    Effect.timeoutFail({ duration: START_TIMEOUT, onTimeout: () => failed("it takes too long") })
  )
})

/** Runs what makes the service manager start the daemon of an entry, waits until that is up, and gives its number. */
export const startUp = Effect.fnUntraced(function* <E, R>(
  entry: { readonly manages: Manager; readonly label: string; readonly name: string },
  { daemon }: Config.Raw,
  begin: Effect.Effect<void, E, R>
) {
  const paths = yield* Path
  const file = paths.join(daemon.logDir, FILE_NAME)
  const { place } = yield* unwritable(file)(
    reader.last(filesOf(file), { lines: 0, follow: true, matches: () => false })
  )
  yield* begin
  yield* untilUp(entry, { file, from: place })
  return (yield* entry.manages.query(entry.label)).pid
})
