/** The words behind a command of the simulator, and what a person hears about a wrong one. */
import { type ParseArgsConfig, parseArgs } from "node:util"

/** A mistake that a person can fix; it is printed without a stack. */
export class Mistake extends Error {}

/** The flags of a command, as `parseArgs` describes them. */
export type Flags = NonNullable<ParseArgsConfig["options"]>

const codeOf = (error: unknown) =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : ""

/** Takes the words of a command apart; fails with a `Mistake`. */
export const read = <F extends Flags>(command: string, argv: ReadonlyArray<string>, options: F) => {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (error) {
    const [, flag = "a flag"] = String(error).match(/'(-[^',\s]*)/) ?? []
    const help = `"anklet simulate ${command} --help" shows the flags`
    throw new Mistake(
      codeOf(error) === "ERR_PARSE_ARGS_UNKNOWN_OPTION"
        ? `there is no flag ${flag} of "simulate ${command}": ${help}`
        : `the value of ${flag} is missing, or it takes none: ${help}`
    )
  }
}

/** A whole number from `least` on. */
export const wholeNumber = (flag: string, text: string, least: number): number => {
  if (!/^\d{1,6}$/.test(text) || Number(text) < least)
    throw new Mistake(`${flag} expects a whole number from ${least} on`)
  return Number(text)
}

/** The one word that a command takes besides its flags. */
export const only = (command: string, words: ReadonlyArray<string>, what: string): string => {
  const [first, ...more] = words
  if (first === undefined || more.length > 0)
    throw new Mistake(`"simulate ${command}" takes one ${what}: "anklet simulate ${command} --help" shows how`)
  return first
}
