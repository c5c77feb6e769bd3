/** What `anklet update` does: look, download, swap, hand over, and go back if the new program does not come up. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Config from "../../config/Config.ts"
import * as Update from "../../config/Update.ts"
import { Network, settle } from "../../services/Network.ts"
import * as PidFile from "../../services/PidFile.ts"
import * as Release from "../../services/Release.ts"
import * as Advice from "../../text/Advice.ts"
import { UsageError } from "../anklet.ts"
import { configFile } from "../configFile.ts"
import * as Restart from "../restart/run.ts"
import { json as asJson } from "../shown.ts"
import { say } from "../terminal.ts"
import { Installed } from "./Installed.ts"
import { newest, sourceOf } from "./newest.ts"
import * as Place from "./place.ts"
import { UpdateError } from "./UpdateError.ts"

/** The flags of the command. */
export interface Given {
  readonly config: Option.Option<string>
  readonly check: boolean
  readonly from: Option.Option<string>
  readonly json: boolean
}

const refuse = (detail: string) => new UpdateError({ detail })

/** The daemon's part of the config; none if there is no config yet. */
const daemonOf = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem
  const isThere = yield* Effect.orElseSucceed(fs.exists(file), () => true)
  return isThere ? Option.some((yield* Config.readDaemon(file)).daemon) : Option.none<Config.Daemon>()
})

/** The daemon that runs, if one does. */
const runningOf = Effect.fnUntraced(function* (daemon: Option.Option<Config.Daemon>) {
  return Option.isNone(daemon) ? Option.none() : yield* PidFile.find(yield* PidFile.pathOf(daemon.value.pidFileDir))
})

/** Replaces the daemon, and says whether that succeeded: none, or why not. */
const handedOver = (restart: typeof Restart.run, config: Option.Option<string>) =>
  Effect.map(Effect.either(restart(config)), (ended) =>
    Either.isLeft(ended)
      ? Option.some(ended.left.message)
      : ended.right === 0
        ? Option.none<string>()
        : Option.some(`its start ended with ${ended.right}`)
  )

/**
 * After a swap: replaces the daemon, if one runs, and removes the older program. Where the new one does not come up, puts
 * the older one back, and fails with what runs now.
 */
const concluded = (
  restart: typeof Restart.run,
  config: Option.Option<string>,
  daemon: Option.Option<Config.Daemon>,
  file: string
) =>
  Effect.fnUntraced(function* (version: string, older: string) {
    const trouble = Option.isNone(yield* runningOf(daemon)) ? Option.none<string>() : yield* handedOver(restart, config)
    if (Option.isNone(trouble)) return yield* Place.forget(file)
    yield* Place.back(file)
    const again = yield* handedOver(restart, config)
    const now = Option.isNone(again)
      ? "and runs"
      : Option.isSome(yield* runningOf(daemon))
        ? "and the daemon runs as before"
        : `but does not start: ${again.value}`
    return yield* refuse(`anklet ${version} does not come up: ${trouble.value}; ${older} is back, ${now}`)
  })

/** Runs the command; `restart` replaces a daemon that runs. Returns the exit code. */
export const run = Effect.fn("update")(function* (given: Given, restart: typeof Restart.run = Restart.run) {
  const installed = yield* Installed
  const wrong = Option.filterMap(given.from, (from) => Option.fromNullable(Update.wrongAddress(from)))
  if (Option.isSome(wrong)) return yield* new UsageError({ detail: `--from: ${wrong.value}` })
  if (given.json && !given.check) return yield* new UsageError({ detail: "--json goes with --check" })
  const daemon = yield* daemonOf(yield* configFile(given.config))
  // what cannot be replaced is said before anybody is asked
  const file = given.check ? "" : yield* Place.place
  const conclude = concluded(restart, given.config, daemon, file)
  if (!given.check) {
    yield* Place.hold(file)
    if (yield* Place.tidy(file)) {
      yield* say(`an update to anklet ${installed.version} was interrupted: it is brought to its end`)
      yield* conclude(installed.version, "the older anklet")
    }
  }
  const source = yield* sourceOf(
    given.from,
    Option.match(daemon, { onNone: () => Update.UNWRITTEN, onSome: ({ update }) => update })
  )
  const way = yield* settle(Option.getOrUndefined(Option.map(daemon, ({ network }) => network)))
  return yield* Effect.gen(function* () {
    const found = yield* newest(source)
    const isNewer = Release.compare(found.version, installed.version) > 0
    if (given.json) {
      const { version: current, target } = installed
      yield* say(asJson(JSON.stringify({ current, newest: found.version, newer: isNewer, target, url: source.url })))
    } else if (!isNewer) yield* say(`anklet ${installed.version} is up to date: the newest release is ${found.version}`)
    else if (given.check)
      yield* say(
        `anklet ${found.version} is there, and ${installed.version} is installed: "${Advice.anklet("update")}"`
      )
    if (!isNewer) return 0
    if (given.check) return 16
    yield* say(`downloading ${found.name}`)
    yield* Place.swap(file, yield* Place.download(file, source, found))
    yield* say(`anklet ${found.version} is installed: ${file}`)
    yield* conclude(found.version, `anklet ${installed.version}`)
    return 0
  }).pipe(Effect.provideService(Network, way))
}, Effect.scoped)
