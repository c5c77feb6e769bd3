/**
 * Reads GitHub's limits from an answer, in every form in which GitHub, Enterprise Server and intermediaries send them.
 * Pure. (docs.github.com, "Rate limits for the REST API"; RFC 9110, 10.2.3, for `retry-after`.)
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { Headers } from "./errors.ts"

/** Maximum length of a wait, in milliseconds: GitHub's windows last an hour, whatever an answer says. */
export const LONGEST = 3_600_000

/** A number in decimal notation; NaN for anything else, including an empty text. */
export const numberOf = (value: string | number | undefined): number =>
  /^-?\d+(\.\d+)?$/.test(String(value).trim()) ? Number(value) : Number.NaN

/** A date in HTTP or ISO 8601 format, in milliseconds since the epoch. */
const dateOf = (value: string | number | undefined): Option.Option<number> =>
  /^([A-Z][a-z]{2}, \d|\d{4}-\d\d-\d\dT)/.test(String(value))
    ? // DateTime accepts no name of a zone, and assumes UTC
      Option.map(DateTime.make(String(value).replace(/ GMT$/, "")), DateTime.toEpochMillis)
    : Option.none()

/** GitHub's clock when it answered, in milliseconds since the epoch, accurate to a second. */
export const theirClock = (headers: Headers): Option.Option<number> => dateOf(headers.date)

/** A moment of GitHub's clock by this host's clock, which may differ. */
const here = (at: number, headers: Headers, now: number): number =>
  at + now - Option.getOrElse(theirClock(headers), () => now)

/** A time since the epoch above this is in milliseconds: in seconds, it would be in the year 5138. */
const MILLISECONDS = 1e11

/** When the limit's window ends by this host's clock, in milliseconds since the epoch; NaN if GitHub does not say. */
export const resetAt = (headers: Headers, now: number): number => {
  const reset = numberOf(headers["x-ratelimit-reset"])
  return here(reset > MILLISECONDS ? reset : reset * 1000, headers, now)
}

/** The same, but never later than a window of GitHub's can end. */
export const windowEnds = (headers: Headers, now: number): number => Math.min(resetAt(headers, now), now + LONGEST)

/** When `retry-after` allows the next request; none if it is not a time in the future. */
const retryAt = (headers: Headers, now: number): Option.Option<number> => {
  const seconds = numberOf(headers["retry-after"])
  return Option.filter(
    Number.isNaN(seconds)
      ? Option.map(dateOf(headers["retry-after"]), (at) => here(at, headers, now))
      : Option.some(now + seconds * 1000),
    (at) => at > now
  )
}

/** Nothing is left of the primary limit. */
const isUsedUp = (headers: Headers): boolean => numberOf(headers["x-ratelimit-remaining"]) <= 0

/**
 * When a refusal allows the next request, in milliseconds since the epoch; none if it does not say, or that time is
 * past.
 */
export const untilOf = (headers: Headers, now: number): Option.Option<number> =>
  retryAt(headers, now).pipe(
    Option.orElse(() =>
      // one second more, because GitHub gives whole seconds
      Option.filter(Option.some(resetAt(headers, now) + 1000), (at) => isUsedUp(headers) && at - 1000 > now)
    ),
    Option.map((at) => Math.min(at, now + LONGEST))
  )

/** GitHub's words for its limits, in bodies and in the addresses of their documentation, over the years. */
const WORDS =
  /rate[ -]?limit|abuse (detection|rate)|too many requests|submitted too quickly|temporarily (blocked|throttled)|being throttled|login attempts exceeded|(try|retry your request) again later/i
/** Maximum number of characters of a web page that are searched. */
const PAGE = 10_000

const wordsOf = (data: unknown): string => {
  if (typeof data === "string") return data.slice(0, PAGE)
  const of = (name: "message" | "documentation_url") =>
    Predicate.hasProperty(data, name) && typeof data[name] === "string" ? data[name] : ""
  return `${of("message")} ${of("documentation_url")}`.slice(0, PAGE)
}

/**
 * Whether an answer refuses because of a limit, or asks for a pause: not because of permissions, and not permanently.
 */
export const isLimit = (status: number, headers: Headers, data: unknown, now: number): boolean => {
  if (status === 429) return true
  if (status === 403) return headers["retry-after"] !== undefined || isUsedUp(headers) || WORDS.test(wordsOf(data))
  return status >= 500 && Option.isSome(retryAt(headers, now))
}
