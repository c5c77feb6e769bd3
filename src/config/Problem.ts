/** What is wrong with a config, for the person who wrote it: where, what was expected, and what was probably meant. */

import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { distance } from "fastest-levenshtein"
import { visible } from "../Text.ts"

/** One problem. */
export class Problem extends Schema.Class<Problem>("anklet/Problem")({
  /** E.g. `services[0].token`; empty for the file as a whole. */
  path: Schema.String,
  line: Schema.optional(Schema.Number),
  message: Schema.String
}) {
  override toString() {
    const where = [this.line === undefined ? "" : `line ${this.line}`, this.path].filter((part) => part !== "")
    return visible(`${where.join(", ")}${where.length > 0 ? ": " : ""}${this.message}`)
  }
}

/** All that is wrong with a config file. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  file: Schema.String,
  problems: Schema.Array(Problem)
}) {
  override get message() {
    return [`${visible(this.file)} cannot be used:`, ...this.problems.map((problem) => `  ${problem}`)].join("\n")
  }
}

/** `services[0].token` for `["services", 0, "token"]`. */
export const pathOf = (path: ReadonlyArray<PropertyKey>): string =>
  path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : text === "" ? String(key) : `${text}.${String(key)}`),
    ""
  )

/** The known word that is nearest to a mistyped one, if any is near. */
export const nearest = (word: string, known: ReadonlyArray<string>): string | undefined =>
  known
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, far }) => far <= Math.max(2, Math.ceil(candidate.length / 3)))
    .sort((a, b) => a.far - b.far)[0]?.candidate

/** A word without digits, and no longer than that. */
const WORD = /^[a-z][a-z_-]{0,30}$/i

/** Whether a key may be shown: another text in its place may be a value that slid there, and a secret. */
const isTellable = (key: string, known: ReadonlyArray<string>): boolean =>
  WORD.test(key) || nearest(key, known) !== undefined

/** What to say of a key that is not known. */
const unknownKey = (key: string, known: ReadonlyArray<string>): string => {
  if (key === "disabled" && known.includes("enabled")) {
    return "`disabled` is not a key: write `enabled: false` to do without a database, `enabled: true` to use one"
  }
  const near = nearest(key, known)
  return near === undefined
    ? `${isTellable(key, known) ? `\`${key}\`` : "this"} is not a key here; known are ${known.join(", ")}`
    : `\`${key}\`: did you mean \`${near}\`?`
}

/** A choice that fails is told once for each of its members: here they become one issue. */
const alternatives = (
  issues: ReadonlyArray<ParseResult.ArrayFormatterIssue>
): ReadonlyArray<ParseResult.ArrayFormatterIssue> => {
  const merged = new Map<string, ParseResult.ArrayFormatterIssue>()
  for (const issue of issues) {
    const key = `${issue._tag === "Unexpected"} ${pathOf(issue.path)}`
    const before = merged.get(key)
    const message = issue.message.replace(ACTUAL, "").replace(/^Expected /, "expected ")
    merged.set(key, {
      ...issue,
      message: before === undefined ? message : `${before.message} or ${message.replace(/^expected /, "")}`
    })
  }
  return [...merged.values()]
}

/** Where a message begins to quote the value. */
const ACTUAL = /, actual [\s\S]*$/

/**
 * The problems of a failed decoding. `keys` tells the known keys at a path.
 *
 * Values never appear: a value in the wrong place may well be a secret.
 */
export const ofParseError = (
  error: ParseResult.ParseError,
  at: ReadonlyArray<PropertyKey>,
  keys: (path: ReadonlyArray<PropertyKey>) => ReadonlyArray<string>,
  lineOf: (path: ReadonlyArray<PropertyKey>) => number | undefined
): ReadonlyArray<Problem> =>
  alternatives(ParseResult.ArrayFormatter.formatErrorSync(error)).map(({ _tag, path, message }) => {
    const whole = [...at, ...path]
    const line = lineOf(whole)
    const problem = (path: ReadonlyArray<PropertyKey>, message: string) =>
      Problem.make({ path: pathOf(path), ...(line === undefined ? {} : { line }), message })
    if (_tag !== "Unexpected") return problem(whole, _tag === "Missing" ? "is missing" : message)
    const above = whole.slice(0, -1)
    const key = String(whole.at(-1) ?? "")
    const known = keys(above)
    return problem(isTellable(key, known) ? whole : above, unknownKey(key, known))
  })
