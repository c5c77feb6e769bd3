/** Output to the person who typed the command, or to the program that reads it. */
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { message, painted, type Text, written } from "./shown.ts"
import { sayPlainly, whenGone } from "./stdout.ts"

/**
 * Prints to standard output: a line, or several made into one text. Completes when the system has it, so that nothing
 * is lost when the process exits.
 */
export const say = (text: Text): Effect.Effect<void> => Effect.promise(() => sayPlainly(written(text)))

const ignore = (): void => {}

/** Prints a message to standard error. */
export const complain = (text: string): Effect.Effect<void> =>
  Effect.sync(() => {
    // an error of standard error itself cannot be reported
    if (!process.stderr.listeners("error").includes(ignore)) process.stderr.on("error", ignore)
    process.stderr.write(`anklet: ${written(message(text))}\n`)
  })

/** The logger of a command's services: warnings and errors only, as messages for a person. */
export const warnings: Layer.Layer<never> = Layer.merge(
  Logger.replace(
    Logger.defaultLogger,
    Logger.make((entry) => Effect.runSync(complain([entry.message].flat().join(" "))))
  ),
  Logger.minimumLogLevel(LogLevel.Warning)
)

/** Runs a command to its exit code. An unexpected error is printed as well, with its stack. */
export const toExitCode = <E>(run: Effect.Effect<number, E>): Promise<number> =>
  run.pipe(
    Effect.catchAllCause((cause) => Effect.as(complain(`internal error: ${Cause.pretty(cause)}`), 1)),
    Effect.runPromise
  )

/** Completes when the person has seen enough: on Ctrl-C, SIGTERM, or when the terminal closes. */
export const interrupted: Effect.Effect<void> = Effect.async((resume) => {
  const end = () => resume(Effect.void)
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, end)
  return Effect.sync(() => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, end)
  })
})

/** Completes when nobody reads standard output any longer (`anklet logs -f | head -1`). */
export const unread: Effect.Effect<void> = Effect.async((resume) => {
  const forget = whenGone(() => resume(Effect.void))
  return Effect.sync(forget)
})

const COLOURS = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

/** A colour or weight. */
export type Colour = keyof typeof COLOURS

/** Number of columns if standard output is not a terminal. */
const WIDTH = 80
/** Number of rows if standard output is not a terminal, or does not say. */
const HEIGHT = 24

/** What standard output can show. */
export interface Screen {
  /** Whether a person reads it. */
  readonly isTerminal: boolean
  /** Whether it is a terminal, and `NO_COLOR` is not set (no-color.org). */
  readonly coloured: boolean
  /** In columns; 80 if it is not a terminal. */
  readonly width: number
  /** In rows; 24 if it is not a terminal. */
  readonly height: number
  /** The text in colour, or as it is. */
  readonly paint: (colour: Colour, text: Text) => Text
}

/** Standard output as it is now. */
export const screen: Effect.Effect<Screen> = Effect.map(
  Effect.option(Config.nonEmptyString("NO_COLOR")),
  (noColour): Screen => {
    const isTerminal = process.stdout.isTTY === true
    const coloured = isTerminal && Option.isNone(noColour)
    return {
      isTerminal,
      coloured,
      width: isTerminal ? process.stdout.columns || WIDTH : WIDTH,
      height: isTerminal ? process.stdout.rows || HEIGHT : HEIGHT,
      paint: (colour, text) => (coloured ? painted(COLOURS[colour], text) : text)
    }
  }
)
