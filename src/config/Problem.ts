/** What is wrong with a config, for the person who wrote it: where, what was expected, and what was probably meant. */

import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { distance } from "fastest-levenshtein"
import { hiding } from "../secrets/Secrets.ts"
import { misfits, pathOf } from "../text/Expected.ts"
import { visible } from "../text/Text.ts"

export { pathOf } from "../text/Expected.ts"

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
export class ConfigError extends hiding(
  Schema.TaggedError<ConfigError>()("ConfigError", {
    file: Schema.String,
    problems: Schema.Array(Problem)
  })
) {
  override get message() {
    return [`${visible(this.file)} cannot be used:`, ...this.problems.map((problem) => `  ${problem}`)].join("\n")
  }
}

/** Each problem once: keys that several services share are wrong in each of them. */
export const distinct = (problems: ReadonlyArray<Problem>): ReadonlyArray<Problem> => {
  const told = new Set<string>()
  return problems.filter(({ path, line, message }) => {
    const problem = JSON.stringify([path.replace(/^services\[\d+\]/, "services"), line, message])
    if (line !== undefined && told.has(problem)) return false
    told.add(problem)
    return true
  })
}

/** The known word nearest to a mistyped one, if any is close enough. */
export const nearest = (word: string, known: ReadonlyArray<string>): string | undefined =>
  known
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, far }) => far <= Math.max(2, Math.ceil(candidate.length / 3)))
    .sort((a, b) => a.far - b.far)[0]?.candidate

/** A word without digits, of at most 31 characters. */
const WORD = /^[a-z][a-z_-]{0,30}$/i

/**
 * Whether a key, or another word of the file, may be shown. Other text in its place may be a misplaced value, and a
 * secret.
 */
export const isTellable = (key: string, known: ReadonlyArray<string>): boolean =>
  WORD.test(key) || nearest(key, known) !== undefined

/** The message about an unknown key. */
const unknownKey = (key: string, known: ReadonlyArray<string>, isTop: boolean): string => {
  if (key === "disabled" && known.includes("enabled")) {
    return "`disabled` is not a key: write `enabled: false` to do without a database, `enabled: true` to use one"
  }
  const near = nearest(key, known)
  if (near !== undefined) return `\`${key}\`: did you mean \`${near}\`?`
  const anchors = isTop ? "; one that only holds anchors begins with `x-`" : ""
  return `${isTellable(key, known) ? `\`${key}\`` : "this"} is not a key here; known keys: ${known.join(", ")}${anchors}`
}

/**
 * The problems of a failed decoding. `keys` returns the known keys at a path, and `isReported` whether the problem of the
 * value at a path is reported already.
 *
 * Values never appear: a misplaced value may be a secret.
 */
export const ofParseError = (
  error: ParseResult.ParseError,
  at: ReadonlyArray<PropertyKey>,
  keys: (path: ReadonlyArray<PropertyKey>) => ReadonlyArray<string>,
  lineOf: (path: ReadonlyArray<PropertyKey>) => number | undefined,
  isReported: (path: ReadonlyArray<PropertyKey>) => boolean = () => false
): ReadonlyArray<Problem> =>
  misfits(error).flatMap(({ kind, path, message }) => {
    const whole = [...at, ...path]
    if (isReported(whole)) return []
    const line = lineOf(whole)
    const problem = (path: ReadonlyArray<PropertyKey>, message: string) =>
      Problem.make({ path: pathOf(path), ...(line === undefined ? {} : { line }), message })
    if (kind !== "Unexpected") return problem(whole, message)
    const above = whole.slice(0, -1)
    const key = String(whole.at(-1) ?? "")
    const known = keys(above)
    return problem(isTellable(key, known) ? whole : above, unknownKey(key, known, above.length === 0))
  })
