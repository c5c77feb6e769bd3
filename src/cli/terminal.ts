/** What is said to the person who typed the command, or to the program that reads it. */
import { stripVTControlCharacters } from "node:util"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** A reader that went away (`anklet logs | head`) has seen enough. */
const leaveWithReader = (error: NodeJS.ErrnoException): void => {
  if (error.code === "EPIPE") process.exit(0)
}

/** A line on standard output; done when the system has it, so that nothing is lost when the process ends. */
export const say = (text: string): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (!process.stdout.listeners("error").includes(leaveWithReader)) process.stdout.on("error", leaveWithReader)
    process.stdout.write(`${text}\n`, () => resume(Effect.void))
  })

/** A line on standard error. */
export const complain = (text: string): Effect.Effect<void> =>
  Effect.sync(() => void process.stderr.write(`anklet: ${text}\n`))

/** Done when the person has seen enough: Ctrl-C, or a polite kill. */
export const interrupted: Effect.Effect<void> = Effect.async((resume) => {
  const end = () => resume(Effect.void)
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end)
  return Effect.sync(() => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, end)
  })
})

/** Text from elsewhere in one line, without what could move a terminal's cursor or colour what follows. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text)
    .trimEnd()
    .replace(/\s*[\r\n]\s*/g, " ")
    .replace(/[^\P{Cc}\t]/gu, "\ufffd")

const COLOURS = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

/** A colour, or a weight. */
export type Colour = keyof typeof COLOURS

/** Columns of a screen that is none. */
const WIDTH = 80

/** What standard output can show. */
export interface Screen {
  /** Whether a person looks at it. */
  readonly isTerminal: boolean
  /** A terminal, and nobody has set `NO_COLOR` (no-color.org). */
  readonly coloured: boolean
  /** In columns; 80 where it is no terminal. */
  readonly width: number
  /** The text in colour, or as it is. */
  readonly paint: (colour: Colour, text: string) => string
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
      paint: (colour, text) => (coloured && text !== "" ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text)
    }
  }
)
