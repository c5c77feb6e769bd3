/**
 * The gate before every request of one credential: it keeps what GitHub says of its rate limit, and who may go on.
 *
 * Polls stop while a tenth of the limit is left; what cleans up or finishes a job that runs may use the rest. After
 * GitHub has refused, nothing is sent before the time it named (docs.github.com, best practices for using the REST API).
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import { GitHubError } from "../GitHub.ts"

/** `poll` looks for work; `essential` registers, watches and removes what is ours. */
export type Kind = "poll" | "essential"

interface State {
  /** Not before: GitHub has refused. Milliseconds since the epoch. */
  readonly refusedUntil: number
  /** Not before for polls: only the reserve is left. */
  readonly reservedUntil: number
  /** Refusals in a row that named no time. */
  readonly strikes: number
  readonly said: boolean
}

/** The part of the limit that polls leave alone. */
const RESERVE = 0.1
/** A refusal for asking too fast that names no time: a minute, then twice as long, up to a quarter of an hour. */
const SECONDARY = 60_000
const SECONDARY_AT_MOST = 900_000
/** GitHub's windows last an hour: a longer wait comes from a clock that was set back. */
const LONGEST = 2 * 3_600_000
/** An essential request waits at the gate at most so long; then its caller hears when to come back. */
const WAIT_AT_MOST = 120_000

export interface Gate {
  /** Wait, or fail with `RateLimited`, until a request of this kind may be sent. */
  readonly enter: (kind: Kind, request: string) => Effect.Effect<void, GitHubError>
  /** Learn from the headers of any answer. */
  readonly learn: (headers: Headers) => Effect.Effect<void>
  /** GitHub refused because of a limit: tells until when. */
  readonly refused: (headers: Headers) => Effect.Effect<number>
}

type Headers = Readonly<Record<string, string | number | undefined>>

/** Whether a 403 or 429 is about a rate limit, and not about permissions. */
export const isLimit = (status: number, headers: Headers, message: string): boolean =>
  status === 429 ||
  headers["retry-after"] !== undefined ||
  String(headers["x-ratelimit-remaining"]) === "0" ||
  /rate limit/i.test(message)

const clock = (until: number) => DateTime.formatIso(DateTime.unsafeMake(until)).slice(11, 19)

export const make = Effect.map(
  Ref.make<State>({ refusedUntil: 0, reservedUntil: 0, strikes: 0, said: false }),
  (ref): Gate => ({
    enter: (kind, request) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const state = yield* Ref.get(ref)
        const until = kind === "poll" ? Math.max(state.refusedUntil, state.reservedUntil) : state.refusedUntil
        if (until <= now || until - now > LONGEST) {
          if (kind === "poll" && state.said) {
            yield* Ref.update(ref, (state) => ({ ...state, said: false }))
            yield* Effect.logInfo("GitHub's rate limit has room again: polling goes on")
          }
          return
        }
        if (!state.said) {
          yield* Ref.update(ref, (state) => ({ ...state, said: true }))
          yield* Effect.logWarning(
            `GitHub's rate limit is reached: no polling until ${clock(until)} UTC; running jobs are seen through`
          )
        }
        if (kind === "essential" && until - now <= WAIT_AT_MOST) return yield* Effect.sleep(until - now)
        return yield* new GitHubError({
          reason: "RateLimited",
          request,
          detail: `GitHub's rate limit is reached; the next request goes out at ${clock(until)} UTC`,
          until
        })
      }),
    learn: (headers) =>
      Effect.gen(function* () {
        const limit = Number(headers["x-ratelimit-limit"])
        const remaining = Number(headers["x-ratelimit-remaining"])
        const reset = Number(headers["x-ratelimit-reset"]) * 1000
        // other resources, such as search, have limits of their own
        const resource = headers["x-ratelimit-resource"]
        if (!Number.isFinite(limit + remaining + reset) || (resource !== undefined && resource !== "core")) return
        yield* Ref.update(ref, (state) => ({
          ...state,
          reservedUntil: remaining < limit * RESERVE ? reset : 0
        }))
      }),
    refused: (headers) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const retryAfter = Number(headers["retry-after"])
        const reset = Number(headers["x-ratelimit-reset"]) * 1000
        const { strikes } = yield* Ref.get(ref)
        const until =
          headers["retry-after"] !== undefined && Number.isFinite(retryAfter)
            ? now + retryAfter * 1000
            : String(headers["x-ratelimit-remaining"]) === "0" && Number.isFinite(reset)
              ? Math.max(reset + 1000, now + 1000)
              : now + Math.min(SECONDARY * 2 ** strikes, SECONDARY_AT_MOST)
        yield* Ref.update(ref, (state) => ({
          ...state,
          refusedUntil: Math.max(state.refusedUntil, until),
          strikes: state.strikes + 1
        }))
        return until
      })
  })
)
