/** The bare command, and what all commands share: flags, exit codes, and how errors are reported. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import { EXIT_CODES, type ExitCode, exitCodeOf } from "../process/ExitCode.ts"
import { hiding } from "../secrets/Secrets.ts"
import { complain } from "./terminal.ts"

/**
 * `-c FILE`; before or after a command, it means the same. Text to the parser, which dies of a file that it may not look
 * at.
 */
export const config = Options.text("config").pipe(
  Options.withAlias("c"),
  Options.withDescription("the config file; default ~/.config/anklet/config.yml"),
  Options.optional
)

/** `--json`: output for programs instead of people. */
export const json = Options.boolean("json").pipe(Options.withDescription("print JSON, for programs"))

const attach = Options.boolean("attach").pipe(
  Options.withDescription("stay in the foreground, and log to the terminal as well")
)
const once = Options.boolean("once").pipe(Options.withDescription("make exactly one pass of every service, then exit"))
const signalled = Options.choice("signal", ["stop", "drain"]).pipe(
  Options.withAlias("s"),
  Options.withDescription(
    "stop: interrupt running jobs, clean up, exit. drain: accept no new jobs, let running ones finish, exit"
  ),
  Options.optional
)
const noWait = Options.boolean("no-wait").pipe(Options.withDescription("with -s: do not wait for the daemon to exit"))

const description = [
  "Runs CI jobs in throw-away macOS VMs on this Mac. Without flags it starts the daemon and returns.",
  '"anklet demo" shows it at work in a simulated world.',
  "Exit codes:",
  ...Object.entries(EXIT_CODES).map(([code, meaning]) => `${code} ${meaning};`)
].join(" ")

/** `anklet` without a command: starts the daemon, or signals it. */
export const anklet = Command.make("anklet", { config, attach, once, signalled, noWait }).pipe(
  Command.withDescription(description)
)

/** The exit code that the command ends with. */
export class Outcome extends Context.Tag("anklet/Outcome")<Outcome, Ref.Ref<number>>() {}

/** Each part of the command line is valid, but they cannot be combined. */
export class UsageError extends hiding(Schema.TaggedError<UsageError>()("UsageError", { detail: Schema.String })) {
  override get message() {
    return this.detail
  }
}

/** Runs an effect to an exit code; an error is printed and has an exit code of its own. */
export const outcome = <E extends { readonly _tag: string; readonly message: string; readonly reason?: string }, R>(
  run: Effect.Effect<ExitCode | number, E, R>
): Effect.Effect<void, never, R | Outcome> =>
  run.pipe(
    Effect.catchAll((error) => Effect.as(complain(error.message), exitCodeOf(error))),
    Effect.flatMap((code) => Effect.flatMap(Outcome, Ref.set(code)))
  )

/**
 * The handler of a command. It receives the command's own flags, and `-c FILE` from before or after the command's name.
 */
export const handle =
  <
    Given extends { readonly config: Option.Option<string> },
    E extends { readonly _tag: string; readonly message: string; readonly reason?: string },
    R
  >(
    run: (given: Given) => Effect.Effect<ExitCode | number, E, R>
  ) =>
  (given: Given) =>
    Effect.gen(function* () {
      const before = yield* anklet
      return yield* run({ ...given, config: Option.orElse(given.config, () => before.config) })
    }).pipe(outcome)
