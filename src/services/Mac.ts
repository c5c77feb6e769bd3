/** What macOS reports about itself through its own programs; nothing on any other system. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Exec, type ExecResult } from "./Exec.ts"

/** Timeout of these programs: each answers at once, or waits for a person who is not there. */
const WITHIN = "5 seconds"

/** Queries to macOS. */
export class Mac extends Context.Tag("anklet/Mac")<
  Mac,
  {
    /** The version of macOS, e.g. `15.6.1`; none on another system. */
    readonly version: Option.Option<string>
    /** Runs one of its programs; none if it is missing or does not answer. */
    readonly ask: (program: string, ...args: ReadonlyArray<string>) => Effect.Effect<Option.Option<ExecResult>>
  }
>() {
  /** A system with a program `sw_vers` is macOS. */
  static readonly layer = Layer.effect(
    Mac,
    Effect.gen(function* () {
      const exec = yield* Exec
      const ask = (program: string, ...args: ReadonlyArray<string>) =>
        Effect.option(exec.run(program, args, { timeout: WITHIN }))
      const said = yield* ask("sw_vers", "-productVersion")
      return Mac.of({
        version: Option.flatMap(said, ({ stdout }) => Option.fromNullable(stdout.match(/\d+(\.\d+)*/)?.[0])),
        ask
      })
    })
  )
}
