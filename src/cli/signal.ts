/** `anklet -s stop|drain`: signals the daemon, then waits until it has exited and shows what it waits for. */
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Config from "../config/Config.ts"
import { hiding } from "../secrets/Secrets.ts"
import type { ProcessIdentity } from "../services/Exec.ts"
import * as PidFile from "../services/PidFile.ts"
import { configFile } from "./configFile.ts"
import { lastEnd } from "./lastEnd.ts"
import { say } from "./terminal.ts"
import { ledgerIn, untilGone } from "./waitForExit.ts"

/** No daemon is running with this config. */
export class NotRunning extends hiding(
  Schema.TaggedError<NotRunning>()("NotRunning", {
    /** How the last one ended; empty if that is not known. */
    ended: Schema.String,
    /** What to do about it; empty if nothing needs to be done. */
    remedy: Schema.String
  })
) {
  override get message() {
    const ended = this.ended === "" ? "" : `: the last one ${this.ended}`
    return `no daemon is running${ended}${this.remedy === "" ? "" : `; ${this.remedy}`}`
  }
}

/** The error that no daemon of this config is running, with how the last one ended. */
export const notRunning = (daemon: Config.Daemon, remedy = "") =>
  Effect.flatMap(lastEnd(daemon), (ended) => new NotRunning({ ended: Option.getOrElse(ended, () => ""), remedy }))

const SIGNALS = { stop: "SIGTERM", drain: "SIGQUIT" } as const

/** Signals the daemon of a PID file, once it is certain that it is one of this user's. */
export const signalTo = Effect.fnUntraced(function* (
  file: string,
  found: ProcessIdentity,
  signal: keyof typeof SIGNALS
) {
  yield* PidFile.prove(file, found)
  yield* Effect.try({
    try: () => process.kill(found.pid, SIGNALS[signal]),
    catch: (error) => new PidFile.PidFileError({ file, detail: `pid ${found.pid} cannot be signalled: ${error}` })
  })
})

/** Signals the daemon; returns the exit code. Ctrl-C during the wait does not affect the daemon. */
export const signal = (options: {
  readonly config: Option.Option<string>
  readonly signal: keyof typeof SIGNALS
  readonly wait: boolean
}) =>
  Effect.gen(function* () {
    const { daemon } = yield* Config.readDaemon(yield* configFile(options.config))
    const file = yield* PidFile.pathOf(daemon.pidFileDir)
    const found = yield* PidFile.find(file)
    if (Option.isNone(found)) return yield* notRunning(daemon)
    const { pid } = found.value
    yield* signalTo(file, found.value, options.signal)
    yield* say(options.signal === "stop" ? `stopping anklet (pid ${pid})` : `draining anklet (pid ${pid})`)
    if (!options.wait) return 0
    yield* untilGone(found.value, Option.some(daemon.stateDir))
    const { claims } = yield* ledgerIn(daemon.stateDir)
    if (options.signal === "stop") yield* say("anklet has stopped")
    // a drained daemon has no job when it exits, unless a new daemon asked for its jobs
    else if (HashMap.isEmpty(claims)) yield* say("anklet has drained")
    else yield* say("anklet has exited; its jobs keep running, and the daemon that replaces it takes them over")
    return 0
  })
