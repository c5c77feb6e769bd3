/** The command line. Loaded only when a person types a command; the daemon itself runs without it. */
import { stripVTControlCharacters } from "node:util"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import { EXIT_CODES, type ExitCode } from "../ExitCode.ts"
import { Exec } from "../services/Exec.ts"
import { version } from "../version.ts"
import { signal } from "./signal.ts"
import { start } from "./start.ts"

const config = Options.file("config").pipe(
  Options.withAlias("c"),
  Options.withDescription("the config file; default ~/.config/anklet/config.yml"),
  Options.optional
)
const attach = Options.boolean("attach").pipe(
  Options.withDescription("stay in the foreground, and log to the terminal as well")
)
const once = Options.boolean("once").pipe(Options.withDescription("make exactly one pass of every service, then leave"))
const signalled = Options.choice("signal", ["stop", "drain"]).pipe(
  Options.withAlias("s"),
  Options.withDescription(
    "stop: interrupt what runs, clean up, leave. drain: take nothing new, finish what runs, leave"
  ),
  Options.optional
)
const noWait = Options.boolean("no-wait").pipe(Options.withDescription("with -s: do not wait until the daemon is gone"))

const description = [
  "Runs CI jobs in throw-away macOS VMs on this Mac. Without flags it starts the daemon and returns.",
  '"anklet demo" shows it at work in a simulated world.',
  "Exit codes:",
  ...Object.entries(EXIT_CODES).map(([code, meaning]) => `${code} ${meaning};`)
].join(" ")

const program = (exitCode: Ref.Ref<ExitCode | number>) =>
  Command.make("anklet", { config, attach, once, signalled, noWait }).pipe(
    Command.withDescription(description),
    Command.withHandler((given) =>
      Effect.flatMap(
        Option.match(given.signalled, {
          onNone: () => start(given),
          onSome: (name) => signal({ config: given.config, signal: name, wait: !given.noWait })
        }),
        (code) => Ref.set(exitCode, code)
      )
    ),
    Command.run({ name: "anklet", version })
  )

/** Colours are for terminals. */
const plainConsole = Effect.map(Console.consoleWith(Effect.succeed), (console): Console.Console => {
  const plain = (args: ReadonlyArray<unknown>) =>
    args.map((arg) => (typeof arg === "string" ? stripVTControlCharacters(arg) : arg))
  return {
    ...console,
    log: (...args) => console.log(...plain(args)),
    error: (...args) => console.error(...plain(args))
  }
})

const main = Effect.gen(function* () {
  const exitCode = yield* Ref.make<ExitCode | number>(0)
  const coloured = process.stdout.isTTY && process.stderr.isTTY
  yield* program(exitCode)(process.argv).pipe(
    coloured ? (self) => self : Effect.withConsole(yield* plainConsole),
    Effect.catchIf(ValidationError.isValidationError, () => Ref.set(exitCode, 2))
  )
  return yield* Ref.get(exitCode)
}).pipe(
  // the daemon logs to its file; at the terminal a person reads sentences
  Logger.withMinimumLogLevel(LogLevel.Warning),
  Effect.provide(
    Layer.mergeAll(Exec.layer, CliConfig.layer({ showBuiltIns: false, showTypes: false })).pipe(
      Layer.provideMerge(NodeContext.layer)
    )
  ),
  Effect.orDie
)

process.exit(await Effect.runPromise(main))
