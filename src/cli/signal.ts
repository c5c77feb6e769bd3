/** `anklet -s stop|drain`: tell the daemon, then wait until it is gone and show what it waits for. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Config from "../Config.ts"
import { Exec, type ProcessIdentity } from "../services/Exec.ts"
import * as Journal from "../services/Journal.ts"
import { apply, Entry, empty, type LedgerState } from "../services/Ledger.ts"
import * as PidFile from "../services/PidFile.ts"
import { ledgerOf } from "./daemon.ts"
import { configFile } from "./start.ts"
import { say } from "./terminal.ts"

/** No daemon runs with this config. */
export class NotRunning extends Schema.TaggedError<NotRunning>()("NotRunning", { file: Schema.String }) {
  override get message() {
    return `no daemon is running (${this.file})`
  }
}

const LOOK_EVERY = "200 millis"
const SIGNALS = { stop: "SIGTERM", drain: "SIGQUIT" } as const

/** One line for each thing that the daemon has in hand. */
const inHand = ({ claims, vms }: LedgerState): ReadonlyArray<string> => {
  const jobs = [...HashMap.values(claims)].map(({ job, service }) => {
    const vm = [...HashMap.values(vms)].find((vm) => vm.job === job.key)
    return `${service}: job "${job.name}"${vm === undefined ? "" : ` in ${vm.vm}`}`
  })
  const orphans = [...HashMap.values(vms)].filter(({ job }) => !HashMap.has(claims, job)).map(({ vm }) => `VM ${vm}`)
  return [...jobs, ...orphans]
}

const ledgerAt = (file: string) =>
  Effect.flatMap(FileSystem, (fs) => fs.readFile(file)).pipe(
    Effect.map((bytes) => Journal.parse(Entry, bytes).records.reduce(apply, empty)),
    Effect.orElseSucceed(() => empty)
  )

/** Wait until a daemon is gone, and show what it waits for where its `state_dir` is known. */
export const untilGone = Effect.fnUntraced(function* (process: ProcessIdentity, stateDir: Option.Option<string>) {
  const exec = yield* Exec
  const ledger = yield* Effect.transposeOption(Option.map(stateDir, ledgerOf))
  let shown = ""
  while (yield* exec.isAlive(process)) {
    const owed = Option.isSome(ledger) ? yield* ledgerAt(ledger.value) : empty
    const waiting = inHand(owed)
      .map((line) => `  waiting for ${line}`)
      .join("\n")
    if (waiting !== shown && waiting !== "") yield* say(waiting)
    shown = waiting
    yield* Effect.sleep(LOOK_EVERY)
  }
})

/** Signal the daemon; tells the exit code. Ctrl-C on the wait leaves the daemon alone. */
export const signal = (options: {
  readonly config: Option.Option<string>
  readonly signal: keyof typeof SIGNALS
  readonly wait: boolean
}) =>
  Effect.gen(function* () {
    const { daemon } = yield* Config.read(yield* configFile(options.config))
    const file = yield* PidFile.pathOf(daemon.pidFileDir)
    const found = yield* PidFile.find(file)
    if (Option.isNone(found)) return yield* new NotRunning({ file })
    const { pid } = found.value
    yield* Effect.try({
      try: () => process.kill(pid, SIGNALS[options.signal]),
      catch: (error) => new PidFile.PidFileError({ file, detail: `pid ${pid} cannot be signalled: ${error}` })
    })
    yield* say(options.signal === "stop" ? `stopping anklet (pid ${pid})` : `draining anklet (pid ${pid})`)
    if (!options.wait) return 0
    yield* untilGone(found.value, Option.some(daemon.stateDir))
    yield* say(options.signal === "stop" ? "anklet has stopped" : "anklet has drained")
    return 0
  })
