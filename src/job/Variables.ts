/** Variables of the environment, written one on each line as `NAME=VALUE`. Pure. */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"

/** A variable of the environment. */
export type Variable = readonly [name: string, value: string]

/** A name as the shells know it. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** What bash lets nobody set. */
const READ_ONLY: ReadonlySet<string> = new Set(["BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"])

/** Maximum number of characters of a line: what a process may get as one string on Linux and macOS is larger. */
const LONGEST = 32_768

/** What is wrong with a line, without its value, which may be a secret. */
const doubtOf = (line: string): string | undefined => {
  const at = line.indexOf("=")
  const name = line.slice(0, at)
  const value = line.slice(at + 1)
  if (line.endsWith("\r")) return "it ends as lines of Windows do (CR LF); write LF alone"
  if (line.length > LONGEST) return `it has more than ${LONGEST} characters`
  if (at < 0) return "it is no NAME=VALUE"
  if (/^\s*export\s/.test(line)) return "write NAME=VALUE without `export`"
  if (!NAME.test(name)) return "what precedes `=` is no name of a variable: letters, digits and _, no space"
  if (READ_ONLY.has(name)) return `bash lets nobody set ${name}`
  if (/^(["']).*\1$/.test(value.trim())) return `the value of ${name} is taken as it stands: write it without quotes`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(value)) return `the value of ${name} has a control character`
  return undefined
}

/**
 * The variables in a text. Empty lines and those that begin with `#` are left out, and a value is taken as it stands up to
 * the end of its line. Fails with what is wrong, line by line, in words without values.
 */
export const parse = (text: string): Either.Either<ReadonlyArray<Variable>, Arr.NonEmptyReadonlyArray<string>> => {
  const found = new Map<string, readonly [value: string, line: number]>()
  const doubts: Array<string> = []
  for (const [index, line] of text.split("\n").entries()) {
    const number = index + 1
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue
    const doubt = doubtOf(line)
    const name = line.slice(0, line.indexOf("="))
    const before = found.get(name)
    if (doubt !== undefined) doubts.push(`line ${number}: ${doubt}`)
    else if (before !== undefined) doubts.push(`line ${number}: ${name} is set in line ${before[1]} already`)
    else found.set(name, [line.slice(name.length + 1), number])
  }
  return Arr.isNonEmptyReadonlyArray(doubts)
    ? Either.left(doubts)
    : Either.right([...found].map(([name, [value]]) => [name, value]))
}
