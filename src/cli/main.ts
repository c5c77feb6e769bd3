/** The command line: the list of commands. Loaded only when a person types one; the daemon itself runs without it. */
import { stripVTControlCharacters } from "node:util"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as Descriptor from "@effect/cli/CommandDescriptor"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import { build } from "../process/version.ts"
import { Exec } from "../services/Exec.ts"
import { anklet, Outcome, outcome } from "./anklet.ts"
import { completions, type Shell } from "./completions.ts"
import { config } from "./config.ts"
import { doctor } from "./doctor.ts"
import { wrong } from "./flags.ts"
import { hold } from "./hold.ts"
import { init } from "./init.ts"
import { jobs } from "./jobs.ts"
import { logs } from "./logs.ts"
import * as words from "./parser/argv.ts"
import { demo, simulate } from "./parser/early.ts"
import { readable } from "./parser/help.ts"
import { drain, resume } from "./pause.ts"
import { restart } from "./restart.ts"
import { service } from "./service.ts"
import { shell } from "./shell.ts"
import { message, written } from "./shown.ts"
import { stats } from "./stats.ts"
import { status } from "./status.ts"
import { complain, type Screen, say, screen, toExitCode, warnings } from "./terminal.ts"
import { ui } from "./ui.ts"
import { update } from "./update.ts"
import { why } from "./why.ts"

function scriptOf(shell: Shell): Effect.Effect<ReadonlyArray<string>> {
  switch (shell) {
    case "bash":
      return Command.getBashCompletions(whole, "anklet")
    case "zsh":
      return Command.getZshCompletions(whole, "anklet")
    case "fish":
      return Command.getFishCompletions(whole, "anklet")
  }
}

/** Every command: each has a file of its own, and a line here. */
const COMMANDS = [
  init,
  status,
  why,
  jobs,
  stats,
  shell,
  hold,
  ui,
  doctor,
  restart,
  update,
  drain,
  resume,
  logs,
  config,
  service,
  completions(scriptOf),
  demo,
  simulate
] as const

/** The code of a command is loaded when it runs: help needs none of it. */
const load = {
  start: Effect.promise(() => import("./start.ts")),
  signal: Effect.promise(() => import("./signal.ts"))
}

const bare = anklet.pipe(
  Command.withHandler((given) =>
    Option.match(given.signalled, {
      onNone: () => outcome(Effect.flatMap(load.start, ({ start }) => start(given))),
      onSome: (name) =>
        outcome(Effect.flatMap(load.signal, ({ signal }) => signal({ ...given, signal: name, wait: !given.noWait })))
    })
  )
)
const whole = bare.pipe(Command.withSubcommands(COMMANDS))

/** The parser's output: its help reformatted, and its error messages, which quote what was typed. */
const consoleOf = (shown: Screen, command: ReadonlyArray<string>) =>
  Effect.map(Console.consoleWith(Effect.succeed), (console): Console.Console => {
    const plain = (args: ReadonlyArray<unknown>) => stripVTControlCharacters(args.join(" "))
    return {
      ...console,
      log: (...args) => say(readable(args.join(" "), command, shown)),
      error: (...args) => console.error(written(message(plain(args))))
    }
  })

/** The names of the commands, and of their own commands. */
const NAMES: words.Commands = Object.fromEntries(
  COMMANDS.map(({ descriptor }) => {
    const [name = ""] = Descriptor.getNames<unknown>(descriptor)
    const own = [...HashMap.keys(Descriptor.getSubcommands<unknown>(descriptor))].filter((each) => each !== name)
    return [name, Object.fromEntries(own.sort().map((each) => [each, {}]))]
  })
)

const main = Effect.gen(function* () {
  const exitCode = yield* Ref.make(0)
  const [program = "", script = "", ...given] = process.argv
  const line = words.ready(given, NAMES)
  if (Either.isLeft(line)) return yield* Effect.as(complain(line.left), 2)
  const { args, command, flags, asks } = line.right
  if (asks === "version") return yield* Effect.as(say(`anklet ${build}`), 0)
  const mistake = asks === "help" ? undefined : wrong(flags, command.join(" "))
  if (mistake !== undefined) return yield* Effect.as(complain(mistake), 2)
  const printer = yield* consoleOf(yield* screen, command)
  // without a command, only the bare command is parsed, so that error messages speak of nothing else
  const app = { name: "anklet", version: build }
  const run = command.length > 0 || asks === "help" ? Command.run(whole, app) : Command.run(bare, app)
  yield* run([program, script, ...args]).pipe(
    Effect.withConsole(printer),
    Effect.catchIf(ValidationError.isValidationError, () => Ref.set(exitCode, 2)),
    Effect.provideService(Outcome, exitCode)
  )
  return yield* Ref.get(exitCode)
}).pipe(
  // the daemon logs to its file; a person at the terminal reads sentences
  Effect.provide(
    Layer.mergeAll(Exec.layer, CliConfig.layer({ showBuiltIns: false, showTypes: false })).pipe(
      Layer.provideMerge(Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer, warnings))
    )
  )
)

process.exit(await toExitCode(main))
