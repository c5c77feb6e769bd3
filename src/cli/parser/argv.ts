/**
 * Takes a command line apart before it is parsed, because the parser accepts flags only directly after their command,
 * and reads an unknown word as an argument. Pure.
 */
import * as Either from "effect/Either"
import { nearest } from "../../config/Problem.ts"
import { flagsIn, type Given, unknown as unknownFlag } from "../flags.ts"

/** The known commands, each with its own commands. */
export interface Commands {
  readonly [name: string]: Commands
}

/** A command line, taken apart. */
interface Parts {
  readonly flags: ReadonlyArray<Given>
  /** The words that are neither a flag nor its value: commands and their arguments. */
  readonly words: ReadonlyArray<string>
  /** `--` and everything after it. */
  readonly rest: ReadonlyArray<string>
}

/** A command line ready for the parser. */
export interface Line {
  readonly args: ReadonlyArray<string>
  /** The words of its command; empty without one. */
  readonly command: ReadonlyArray<string>
  readonly flags: ReadonlyArray<Given>
  /** Whether it only asks for help, or for the version. */
  readonly asks: "help" | "version" | undefined
}

const partsOf = (args: ReadonlyArray<string>): Parts => {
  const flags: Array<Given> = []
  const words: Array<string> = []
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ""
    const value = args[index + 1]
    if (word === "--") return { flags, words, rest: args.slice(index) }
    if (!word.startsWith("-") || word === "-") {
      words.push(word)
      continue
    }
    const { given, wantsNext } = flagsIn(word)
    const last = given.at(-1)
    // `-1` is a number, and `-` standard input: neither is a flag
    if (wantsNext && last !== undefined && value !== undefined && !/^-(?!\d|$)/.test(value)) {
      flags.push(...given.slice(0, -1), { ...last, value })
      index++
    } else flags.push(...given)
  }
  return { flags, words, rest: [] }
}

/** Words of other programs that are understood here: the command that each stands for. */
const SYNONYMS: Readonly<Record<string, ReadonlyArray<string>>> = {
  start: [],
  stop: ["--signal=stop"],
  reload: ["restart"],
  validate: ["config", "check"],
  version: ["--version"]
}

/** Other things that people type out of habit from other programs, and what to type here. */
const HABITS: Readonly<Record<string, string>> = {
  run: 'did you mean "anklet --attach"?',
  daemon: 'did you mean "anklet --attach"?',
  kill: 'did you mean "anklet -s stop"?',
  list: 'did you mean "anklet status"?',
  ls: 'did you mean "anklet status"?',
  ps: 'did you mean "anklet status"?',
  upgrade: 'did you mean "anklet update"?'
}

/** The message about an unknown command. */
const unknown = (word: string, path: ReadonlyArray<string>, known: Commands): string => {
  const names = Object.keys(known)
  const isTop = path.length === 0
  const group = isTop ? names.find((name) => Object.hasOwn(known[name] ?? {}, word)) : undefined
  const habit = isTop && Object.hasOwn(HABITS, word) ? HABITS[word] : undefined
  const near = group === undefined ? nearest(word, names) : `anklet ${group} ${word}`
  const hint = habit ?? (near === undefined ? `known commands: ${names.join(", ")}` : `did you mean "${near}"?`)
  return `there is no command "${[...path, word].join(" ")}": ${hint}`
}

const written = ({ typed, name, value }: Given) =>
  name === undefined || value === undefined ? typed : `--${name}=${value}`

/** A command line with the command that its first word stands for, in place of that word. */
const understood = ({ flags, words, rest }: Parts, commands: Commands): Parts => {
  const at = words[0] === "help" ? 1 : 0
  const word = words[at] ?? ""
  if (Object.hasOwn(commands, word) || !Object.hasOwn(SYNONYMS, word)) return { flags, words, rest }
  const meant = partsOf(SYNONYMS[word] ?? [])
  return { flags: [...meant.flags, ...flags], words: words.toSpliced(at, 1, ...meant.words), rest }
}

/** Without repetitions: a flag given twice with one value means the same as once. */
const once = (words: ReadonlyArray<string>) => [...new Set(words)]

/**
 * A command line ready for the parser, or the message about an unknown command or flag.
 *
 * Flags may stand before, after or between the words of a command. They are moved to where the parser expects them: `-c
 * FILE` to the front, all others after the command.
 */
export const ready = (args: ReadonlyArray<string>, commands: Commands): Either.Either<Line, string> => {
  const { flags, words, rest } = understood(partsOf(args), commands)
  const none = flags.find(({ name }) => name === undefined)
  if (none !== undefined) return Either.left(unknownFlag(none.typed, words.join(" ")))
  const command: Array<string> = []
  let known = commands
  let isHelp = flags.some(({ name }) => name === "help")
  let at = 0
  for (; at < words.length && Object.keys(known).length > 0; at++) {
    const word = words[at] ?? ""
    const next = Object.hasOwn(known, word) ? known[word] : undefined
    if (next !== undefined) {
      command.push(word)
      known = next
    } else if (word === "help") isHelp = true
    else return Either.left(unknown(word, command, known))
  }
  const line = { command, flags }
  if (isHelp) return Either.right({ ...line, args: [...command, "--help"], asks: "help" })
  if (flags.some(({ name }) => name === "version"))
    return Either.right({ ...line, args: ["--version"], asks: "version" })
  const isConfig = ({ name, value }: Given) => name === "config" && value !== undefined
  const behind = [
    ...once(flags.filter((flag) => command.length === 0 || !isConfig(flag)).map(written)),
    ...words.slice(at),
    ...rest
  ]
  const files = command.length === 0 ? [] : flags.filter(isConfig).slice(-1).map(written)
  return Either.right({ ...line, args: [...files, ...command, ...behind], asks: undefined })
}
