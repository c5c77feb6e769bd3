/** All flags there are: how they are written, which command takes them, and what is wrong with those that were given. Pure. */
import { nearest } from "../config/Problem.ts"

/** How one flag is written. */
interface Flag {
  readonly short?: string
  /** What its value must be; without it the flag takes none. */
  readonly wants?: "a file" | "a whole number" | "text" | ReadonlyArray<string>
  /** The commands that take it, `ANY` for all; "" is `anklet` without one. */
  readonly of: ReadonlyArray<string>
}

/** Also those that need it for nothing: a person may always name a config. */
const ANY: ReadonlyArray<string> = []

const FLAGS: Readonly<Record<string, Flag>> = {
  config: { short: "c", wants: "a file", of: ANY },
  attach: { of: [""] },
  once: { of: [""] },
  signal: { short: "s", wants: ["stop", "drain"], of: [""] },
  "no-wait": { of: [""] },
  json: { of: ["status", "why", "doctor", "logs", "config check", "config show", "service status"] },
  watch: { short: "w", of: ["status"] },
  fleet: { of: ["status"] },
  port: { wants: "a whole number", of: ["ui"] },
  fix: { of: ["doctor"] },
  "token-file": { wants: "a file", of: ["init"] },
  "app-id": { wants: "text", of: ["init"] },
  "private-key": { wants: "a file", of: ["init"] },
  follow: { short: "f", of: ["logs"] },
  service: { wants: "text", of: ["logs"] },
  job: { wants: "text", of: ["logs"] },
  level: { wants: ["debug", "info", "warn", "error"], of: ["logs"] },
  lines: { short: "n", wants: "a whole number", of: ["logs"] },
  help: { short: "h", of: ANY },
  version: { of: ANY }
}

/** A flag as it was given. */
export interface Given {
  /** As it was typed, without its value. */
  readonly typed: string
  /** Its long name without dashes; undefined for one that there is none of. */
  readonly name: string | undefined
  readonly value: string | undefined
}

const flagOf = (name: string): Flag | undefined => (Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined)

const longOf = (letter: string) => Object.keys(FLAGS).find((name) => FLAGS[name]?.short === letter)

/** Flags of one word, and whether the last of them takes the next word for its value. */
export interface Word {
  readonly given: ReadonlyArray<Given>
  readonly wantsNext: boolean
}

const one = (typed: string, name: string | undefined, value: string | undefined): Word => ({
  given: [{ typed, name, value }],
  wantsNext: name !== undefined && flagOf(name)?.wants !== undefined && value === undefined
})

/** A word that begins with a dash, taken apart: `--flag`, `--flag=value`, `-f`, `-f=value`, `-fvalue`, and `-fg` for `-f -g`. */
export const flagsIn = (word: string): Word => {
  const [, typed = word, name = "", value] = word.match(/^(--?([^=]*))(?:=(.*))?$/s) ?? []
  if (word.startsWith("--")) return one(typed, flagOf(name) === undefined ? undefined : name, value)
  const [letter = "", ...rest] = name
  const long = longOf(letter)
  // `-config` is a long flag with a dash too few, and no `-c onfig`
  if (long === undefined || (rest.length > 0 && hint(typed) !== undefined)) return one(typed, undefined, value)
  if (rest.length === 0) return one(typed, long, value)
  if (flagOf(long)?.wants !== undefined) return one(`-${letter}`, long, word.slice(2))
  const others = flagsIn(`-${word.slice(2)}`)
  return others.given.some((each) => each.name === undefined)
    ? one(typed, undefined, value)
    : { given: [{ typed: `-${letter}`, name: long, value: undefined }, ...others.given], wantsNext: others.wantsNext }
}

/** What people type who know other programs. */
const HABITS: Readonly<Record<string, string>> = {
  v: "--version",
  stop: "-s stop",
  drain: "-s drain",
  foreground: "--attach",
  verbose: "LOG_LEVEL=DEBUG anklet",
  debug: "LOG_LEVEL=DEBUG anklet",
  "log-level": "LOG_LEVEL=DEBUG anklet"
}

const hint = (typed: string): string | undefined => {
  const name = typed.replace(/^-+/, "").toLowerCase()
  return HABITS[name] ?? (name.length > 1 && flagOf(name) !== undefined ? `--${name}` : undefined)
}

const commandOf = (command: string) => (command === "" ? '"anklet" without a command' : `"anklet ${command}"`)

const either = (words: ReadonlyArray<string>) => `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`

/** What to say of a flag that there is none of. */
export const unknown = (typed: string): string => {
  const name = typed.replace(/^-+/, "")
  const near = hint(typed) ?? (name.length < 2 ? undefined : nearest(name, Object.keys(FLAGS)))
  const meant = near === undefined || /[ -]/.test(near) ? near : `--${near}`
  return `there is no flag ${typed}: ${meant === undefined ? "--help shows those there are" : `did you mean ${meant}?`}`
}

const wrongValue = ({ typed, name = "", value }: Given): string | undefined => {
  const wants = flagOf(name)?.wants
  if (wants === undefined) return value === undefined ? undefined : `${typed} takes no value`
  const words = typeof wants === "string" ? wants : either(wants)
  if (value === undefined || value === "") return `${typed} wants ${words} behind it`
  if (wants === "a whole number") return /^-?\d+$/.test(value) ? undefined : `${typed} wants ${words}`
  if (typeof wants === "string" || wants.includes(value)) return undefined
  const near = nearest(value, wants)
  return `${typed} wants ${words}${near === undefined ? "" : `: did you mean ${near}?`}`
}

/** The flags that start or signal the daemon. */
const STARTING = "--attach, --once, -s and --no-wait start or signal the daemon: they do not go with a command"

const misplaced = ({ typed, name = "" }: Given, command: string): string | undefined => {
  const of = flagOf(name)?.of ?? ANY
  // a command that has commands of its own shows its help
  if (of === ANY || of.some((each) => each === command || (command !== "" && each.startsWith(`${command} `))))
    return undefined
  if (of.length === 1 && of[0] === "") return STARTING
  const takers = of.filter((each) => each !== "").map((each) => `"anklet ${each}"`)
  return `${typed} does not go with ${commandOf(command)}, but with ${takers.length === 1 ? takers[0] : either(takers)}`
}

/** What keeps these flags of a command ("" for none) from being followed; undefined where nothing does. */
export const wrong = (given: ReadonlyArray<Given>, command: string): string | undefined => {
  const values = new Map<string, string | undefined>()
  for (const flag of given) {
    const { typed, name = "", value } = flag
    const found = misplaced(flag, command) ?? wrongValue(flag)
    if (found !== undefined) return found
    if (values.has(name) && values.get(name) !== value) return `${typed} is given twice, with two values`
    values.set(name, value)
  }
  if (values.has("signal") && (values.has("attach") || values.has("once")))
    return "-s signals a daemon that runs: --attach and --once do not go with it"
  if (values.has("no-wait") && !values.has("signal")) return "--no-wait goes with -s stop or -s drain"
  return undefined
}
