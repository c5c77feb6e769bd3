/**
 * SIGHUP: if the config has changed, another daemon with the new one takes the place of this one, as `anklet restart`
 * does. A config that is wrong changes nothing.
 */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Raw } from "../config/Config.ts"
import { Problem } from "../config/Problem.ts"
import * as Detach from "../process/Detach.ts"
import { commandLine } from "../process/Program.ts"
import { Drain } from "../services/Drain.ts"
import { RefusedConfig } from "../services/RefusedConfig.ts"
import * as Advice from "../text/Advice.ts"

/** What `anklet config check --json` prints, as far as it is read. */
const Checked = Schema.parseJson(Schema.Struct({ problems: Schema.Array(Problem) }))
/** What `anklet service status --json` prints, as far as it is read. */
const Managed = Schema.parseJson(Schema.Struct({ pid: Schema.NullOr(Schema.Number) }))

/** Timeout of a question to this program. */
const ANSWER_WITHIN = "1 minute"

/** What tells one content of files from another: when each was changed, and its size. */
const stateOf = Effect.fnUntraced(function* (files: ReadonlyArray<string>) {
  const fs = yield* FileSystem
  const states = yield* Effect.forEach(files, (file) =>
    Effect.option(Effect.map(fs.stat(file), ({ ino, mtime, size }) => [ino, mtime, `${size}`]))
  )
  return JSON.stringify(states)
})

/** How the daemon was started. */
export interface Start {
  readonly config: string
  readonly attach: boolean
  /** The folder in which it was started, where relative paths of the config may begin. */
  readonly folder: string
}

/**
 * What to do at a SIGHUP. While one is dealt with, further ones are dealt with as one more after it.
 *
 * The check and the new daemon are processes of their own: nothing that they load stays in this one.
 */
export const of = Effect.fn("Reload.of")(function* (raw: Raw, { config, attach, folder }: Start) {
  const drain = yield* Drain
  const refused = yield* RefusedConfig
  const fs = yield* FileSystem
  // what it takes to find the files is loaded then
  const { resolved } = yield* Effect.promise(() => import("../plugins/resolved.ts"))
  const { filesOf } = yield* Effect.promise(() => import("../config/Open.ts"))
  const files = [config, ...filesOf(yield* resolved(raw))]
  const state = Effect.provideService(stateOf(files), FileSystem, fs)
  const before = yield* state

  const ask = (...args: ReadonlyArray<string>) =>
    Detach.ask(commandLine, [...args, "--json", "-c", config], folder).pipe(
      Effect.timeout(ANSWER_WITHIN),
      Effect.orElseSucceed(() => ({ code: 1, stdout: "" }))
    )

  const refuse = (problem: string) =>
    Effect.zipRight(
      refused.set(problem),
      Effect.logError(`the config was not read again, and this daemon goes on with the one that it has: ${problem}`)
    )

  const problem = Effect.gen(function* () {
    const { code, stdout } = yield* ask("config", "check")
    if (code === 0) return ""
    const { problems } = yield* Effect.orElseSucceed(Schema.decodeUnknown(Checked)(stdout), () => ({ problems: [] }))
    return problems.length === 0
      ? `"${Advice.anklet("config check")}" failed`
      : problems.map((problem) => problem.toString()).join("; ")
  })

  /** Whether launchd or systemd starts this daemon; one in the foreground of something else could not come back there. */
  const isManaged = Effect.gen(function* () {
    const { stdout } = yield* ask("service", "status")
    const { pid } = yield* Effect.orElseSucceed(Schema.decodeUnknown(Managed)(stdout), () => ({ pid: null }))
    return pid === process.pid
  })

  const once = Effect.gen(function* () {
    if (yield* drain.begun) return yield* Effect.logWarning("draining: the config is not read again")
    if ((yield* state) === before) {
      yield* refused.set("")
      return yield* Effect.logInfo(
        `the config is as it was: only the log is opened again; "${Advice.anklet("restart")}" replaces the daemon all the same`
      )
    }
    const wrong = yield* problem
    if (wrong !== "") return yield* refuse(wrong)
    if (attach && !(yield* isManaged))
      return yield* refuse(
        "it is in the foreground (--attach) and would not come back there: end it and start it again"
      )
    yield* refused.set("")
    if (yield* drain.begun) return
    yield* Effect.logInfo("the config has changed: another daemon takes the place of this one, and its jobs")
    const code = yield* Detach.run(commandLine, ["restart", "-c", config], folder)
    // where all goes well, this daemon has ended by then
    yield* refuse(`it could not be replaced (exit code ${code}); "${Advice.anklet("restart")}" says why`)
  })

  let waiting = 0
  const reload = Effect.suspend(() => {
    waiting++
    if (waiting > 1) return Effect.void
    return Effect.repeat(once, {
      while: () => {
        const again = waiting > 1
        waiting = again ? 1 : 0
        return again
      }
    })
  })
  return { reload }
})
