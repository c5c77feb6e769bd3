/** The words of a command line, as far as they must be told apart before it is parsed. Pure. */
import * as Either from "effect/Either"
import { nearest } from "../config/Problem.ts"

/** The commands there are; those with commands of their own have them in them. */
export interface Commands {
  readonly [name: string]: Commands
}

const LONG: Readonly<Record<string, string>> = {
  "-c": "--config",
  "--config": "--config",
  "-s": "--signal",
  "--signal": "--signal",
  "--completions": "--completions",
  "--log-level": "--log-level"
}

/** Every flag that wants a value, in one word with it, so that no value is taken for a command of the same name (`-s drain`, `-c status`). */
const unmistakable = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const words: Array<string> = []
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ""
    const value = args[index + 1]
    if (word === "--") return [...words, ...args.slice(index)]
    const long = LONG[word]
    if (long !== undefined && value !== undefined && !value.startsWith("-")) {
      words.push(`${long}=${value}`)
      index++
    } else words.push(word)
  }
  return words
}

const isFlag = (word: string) => word.startsWith("-")

/** What to say of a command that there is none of. */
const unknown = (word: string, before: string, known: Commands): string => {
  const names = Object.keys(known)
  const near = nearest(word, names)
  return `there is no command "${before}${word}": ${near === undefined ? `known are ${names.join(", ")}` : `did you mean "${near}"?`}`
}

/**
 * A command line ready for the parser, and the words of its command, if it has one; else what to say of the one that is not known.
 *
 * `-c FILE` may stand before a command, behind it, and in between: it goes to the front.
 */
export const ready = (
  args: ReadonlyArray<string>,
  commands: Commands
): Either.Either<{ readonly args: ReadonlyArray<string>; readonly command: ReadonlyArray<string> }, string> => {
  const words = unmistakable(args)
  const path: Array<string> = []
  let known = commands
  for (const word of words) {
    if (word === "--" || Object.keys(known).length === 0) break
    if (isFlag(word)) continue
    const next = known[word]
    if (next === undefined) return Either.left(unknown(word, path.map((name) => `${name} `).join(""), known))
    path.push(word)
    known = next
  }
  if (path.length === 0) return Either.right({ args: words, command: [] })
  const [others, files] = [words.filter((word) => !isFile(word)), words.filter(isFile)]
  return Either.right({ args: [...files.slice(-1), ...others], command: path })
}

const isFile = (word: string) => word.startsWith("--config=")
