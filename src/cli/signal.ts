/** `anklet -s stop|drain`: signals the daemon, then waits until it has exited and shows what it waits for. */
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Config from "../config/Config.ts"
import { hiding } from "../secrets/Secrets.ts"
import * as PidFile from "../services/PidFile.ts"
import { configFile } from "./configFile.ts"
import { say } from "./terminal.ts"
import { ledgerIn, untilGone } from "./waitForExit.ts"

/** No daemon is running with this config. */
export class NotRunning extends hiding(Schema.TaggedError<NotRunning>()("NotRunning", { file: Schema.String })) {
  override get message() {
    return `no daemon is running (${this.file})`
  }
}

const SIGNALS = { stop: "SIGTERM", drain: "SIGQUIT" } as const

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
    if (Option.isNone(found)) return yield* new NotRunning({ file })
    yield* PidFile.prove(file, found.value)
    const { pid } = found.value
    yield* Effect.try({
      try: () => process.kill(pid, SIGNALS[options.signal]),
      catch: (error) => new PidFile.PidFileError({ file, detail: `pid ${pid} cannot be signalled: ${error}` })
    })
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
