/** The words of a command line, as far as they must be told apart before it is parsed. Pure. */
import * as Option from "effect/Option"
import { nearest } from "../config/Problem.ts"

/** Flags in front of a command whose next word is their value. */
const VALUED = ["-c", "--config", "-s", "--signal", "--completions", "--log-level"]

/** The command that is meant: the first word that is neither a flag nor the value of one. */
export const commandOf = (args: ReadonlyArray<string>): Option.Option<string> => {
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ""
    if (VALUED.includes(word)) index++
    else if (word === "--") return Option.none()
    else if (!word.startsWith("-")) return Option.some(word)
  }
  return Option.none()
}

/** A flag and its value in one word, so that no value is taken for a command of the same name (`-s drain`, `-c status`). */
export const unmistakable = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const words: Array<string> = []
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ""
    const value = args[index + 1]
    if (word === "--") return [...words, ...args.slice(index)]
    if (VALUED.includes(word) && value !== undefined && !value.startsWith("-")) {
      words.push(`${LONG[word] ?? word}=${value}`)
      index++
    } else words.push(word)
  }
  return words
}

const LONG: Readonly<Record<string, string>> = { "-c": "--config", "-s": "--signal" }

/** What to say of a command that there is none of. */
export const unknownCommand = (word: string, known: ReadonlyArray<string>): string => {
  const near = nearest(word, known)
  return `there is no command "${word}": ${near === undefined ? `known are ${known.join(", ")}` : `did you mean "${near}"?`}`
}
