/** `anklet -s stop|drain`: tell the daemon, then wait until it is gone and show what it waits for. */
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

/** No daemon runs with this config. */
export class NotRunning extends hiding(Schema.TaggedError<NotRunning>()("NotRunning", { file: Schema.String })) {
  override get message() {
    return `no daemon is running (${this.file})`
  }
}

const SIGNALS = { stop: "SIGTERM", drain: "SIGQUIT" } as const

/** Signal the daemon; tells the exit code. Ctrl-C on the wait leaves the daemon alone. */
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
    // a daemon that drained has no job when it leaves, unless another one asked for them
    else if (HashMap.isEmpty(claims)) yield* say("anklet has drained")
    else yield* say("anklet is gone; its jobs go on, and the daemon that is started in its place sees them through")
    return 0
  })
