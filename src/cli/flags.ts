/** All flags: how they are written, which commands take them, and what is wrong with the given ones. Pure. */
import { nearest } from "../config/Problem.ts"

/** How a flag is written. */
interface Flag {
  readonly short?: string
  /** What its value must be; if absent, the flag takes none. */
  readonly wants?: "a file" | "a whole number" | "text" | ReadonlyArray<string>
  /** The commands that take it, `ANY` for all; "" is `anklet` without a command. */
  readonly of: ReadonlyArray<string>
}

/** Includes commands that have no use for the flag: a config may always be named. */
const ANY: ReadonlyArray<string> = []

const FLAGS: Readonly<Record<string, Flag>> = {
  config: { short: "c", wants: "a file", of: ANY },
  attach: { of: [""] },
  once: { of: [""] },
  signal: { short: "s", wants: ["stop", "drain"], of: [""] },
  "no-wait": { of: [""] },
  json: {
    of: [
      "status",
      "why",
      "jobs",
      "stats",
      "hold",
      "doctor",
      "update",
      "logs",
      "config check",
      "config show",
      "config migrate",
      "service status"
    ]
  },
  watch: { short: "w", of: ["status"] },
  fleet: { of: ["status"] },
  port: { wants: "a whole number", of: ["ui"] },
  fix: { of: ["doctor"] },
  check: { of: ["update"] },
  from: { wants: "text", of: ["update"] },
  write: { of: ["config migrate"] },
  online: { of: ["config migrate"] },
  scripts: { of: ["config migrate"] },
  "token-file": { wants: "a file", of: ["init"] },
  "app-id": { wants: "text", of: ["init"] },
  "private-key": { wants: "a file", of: ["init"] },
  waiting: { of: ["jobs"] },
  failed: { of: ["jobs"] },
  since: { wants: "text", of: ["jobs", "stats"] },
  template: { wants: "text", of: ["jobs", "stats", "hold"] },
  next: { of: ["hold"] },
  for: { wants: "text", of: ["hold"] },
  firm: { of: ["hold"] },
  end: { wants: "text", of: ["hold"] },
  follow: { short: "f", of: ["logs"] },
  service: { wants: "text", of: ["logs"] },
  job: { wants: "text", of: ["logs"] },
  vm: { wants: "text", of: ["logs"] },
  level: { wants: ["debug", "info", "warn", "error"], of: ["logs"] },
  lines: { short: "n", wants: "a whole number", of: ["logs"] },
  help: { short: "h", of: ANY },
  version: { of: ANY }
}

/** A flag on the command line. */
export interface Given {
  /** As typed, without its value. */
  readonly typed: string
  /** Its long name without dashes; undefined for an unknown flag. */
  readonly name: string | undefined
  readonly value: string | undefined
}

const flagOf = (name: string): Flag | undefined => (Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined)

const longOf = (letter: string) => Object.keys(FLAGS).find((name) => FLAGS[name]?.short === letter)

/** The flags in one word, and whether the last of them takes the next word as its value. */
export interface Word {
  readonly given: ReadonlyArray<Given>
  readonly wantsNext: boolean
}

const one = (typed: string, name: string | undefined, value: string | undefined): Word => ({
  given: [{ typed, name, value }],
  wantsNext: name !== undefined && flagOf(name)?.wants !== undefined && value === undefined
})

/**
 * Takes a word apart that begins with a dash: `--flag`, `--flag=value`, `-f`, `-f=value`, `-fvalue`, and `-fg` for `-f
 * -g`.
 */
export const flagsIn = (word: string): Word => {
  const [, typed = word, name = "", value] = word.match(/^(--?([^=]*))(?:=(.*))?$/s) ?? []
  if (word.startsWith("--")) return one(typed, flagOf(name) === undefined ? undefined : name, value)
  const [letter = "", ...rest] = name
  const long = longOf(letter)
  // `-config` is a long flag that lacks a dash, not `-c onfig`
  if (long === undefined || (rest.length > 0 && hint(typed) !== undefined)) return one(typed, undefined, value)
  if (rest.length === 0) return one(typed, long, value)
  if (flagOf(long)?.wants !== undefined) return one(`-${letter}`, long, word.slice(2))
  const others = flagsIn(`-${word.slice(2)}`)
  return others.given.some((each) => each.name === undefined)
    ? one(typed, undefined, value)
    : { given: [{ typed: `-${letter}`, name: long, value: undefined }, ...others.given], wantsNext: others.wantsNext }
}

/** What people type out of habit from other programs. */
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

/** The flags that a command takes. */
const flagsOf = (command: string) => Object.keys(FLAGS).filter((name) => misplaced({ name }, command) === undefined)

/** The message about an unknown flag of a command ("" for none); one that the command takes is the likeliest. */
export const unknown = (typed: string, command: string): string => {
  const name = typed.replace(/^-+/, "")
  const guessed = name.length < 2 ? undefined : (nearest(name, flagsOf(command)) ?? nearest(name, Object.keys(FLAGS)))
  const near = hint(typed) ?? guessed
  const meant = near === undefined || /[ -]/.test(near) ? near : `--${near}`
  return `there is no flag ${typed}: ${meant === undefined ? "--help shows those there are" : `did you mean ${meant}?`}`
}

const wrongValue = ({ typed, name = "", value }: Given): string | undefined => {
  const wants = flagOf(name)?.wants
  if (wants === undefined) return value === undefined ? undefined : `${typed} takes no value`
  const words = typeof wants === "string" ? wants : either(wants)
  if (value === undefined || value === "") return `${typed} expects ${words} after it`
  if (wants === "a whole number") return /^-?\d+$/.test(value) ? undefined : `${typed} expects ${words}`
  if (typeof wants === "string" || wants.includes(value)) return undefined
  const near = nearest(value, wants)
  return `${typed} expects ${words}${near === undefined ? "" : `: did you mean ${near}?`}`
}

/** The message about the flags that start or signal the daemon. */
const STARTING = "--attach, --once, -s and --no-wait start or signal the daemon: they do not go with a command"

const misplaced = ({ typed = "", name = "" }: Partial<Given>, command: string): string | undefined => {
  const of = flagOf(name)?.of ?? ANY
  // the flags of its commands are also accepted by a command that only has commands, which shows its help
  if (of === ANY || of.some((each) => each === command || (command !== "" && each.startsWith(`${command} `))))
    return undefined
  if (of.length === 1 && of[0] === "") return STARTING
  const takers = of.filter((each) => each !== "").map((each) => `"anklet ${each}"`)
  return `${typed} does not go with ${commandOf(command)}, but with ${takers.length === 1 ? takers[0] : either(takers)}`
}

/** What is wrong with these flags for a command ("" for none); undefined if nothing is. */
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
