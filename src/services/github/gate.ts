/**
 * The gate before every request of one credential: it keeps what GitHub says of its rate limit, and who may go on.
 *
 * Polls stop while a tenth of the limit is left; what cleans up or finishes a job that runs may use the rest. After
 * GitHub has refused, nothing is sent before the time it named (docs.github.com, best practices for using the REST API).
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type { GitHubError, Limit } from "../GitHub.ts"
import { clock, type Headers, rateLimited } from "./errors.ts"

/** `poll` looks for work; `essential` registers, watches and removes what is ours. */
export type Kind = "poll" | "essential"

interface State {
  /** Not before: GitHub has refused, or nothing is left. Milliseconds since the epoch. */
  readonly refusedUntil: number
  /** Not before for polls: only the reserve is left. */
  readonly reservedUntil: number
  /** Refusals in a row that named no time. */
  readonly strikes: number
  /** Whether the log knows that we wait. */
  readonly said: boolean
  /** What GitHub said last of the limit itself. */
  readonly told: Omit<Limit, "credential" | "waitsUntil">
}

/** The part of the limit that polls leave alone. */
export const RESERVE = 0.1
/** A refusal for asking too fast that names no time: a minute, then twice as long, up to a quarter of an hour. */
const SECONDARY = 60_000
const SECONDARY_AT_MOST = 900_000
/** GitHub's windows last an hour: a longer wait comes from a clock that was set back. */
const LONGEST = 2 * 3_600_000
/** An essential request waits at the gate at most so long; then its caller hears when to come back. */
const WAIT_AT_MOST = 120_000

/** Stands before every request of one credential, and learns from every answer. */
export interface Gate {
  /** Wait, or fail with `RateLimited`, until a request of this kind may be sent. */
  readonly enter: (kind: Kind, request: string) => Effect.Effect<void, GitHubError>
  /** Learn from the headers of an answer that is no refusal. */
  readonly learn: (headers: Headers) => Effect.Effect<void>
  /** GitHub refused because of a limit: tells until when, in milliseconds since the epoch. */
  readonly refused: (headers: Headers) => Effect.Effect<number>
  /** What is known of the limit. */
  readonly limit: Effect.Effect<Limit>
  /** GitHub refused another host with this credential, for so many milliseconds from now. */
  readonly alsoRefused: (ms: number) => Effect.Effect<void>
}

/** Whether a 403 or 429 is about a rate limit, and not about permissions. */
export const isLimit = (status: number, headers: Headers, message: string): boolean =>
  status === 429 ||
  headers["retry-after"] !== undefined ||
  Number(headers["x-ratelimit-remaining"] ?? Number.NaN) === 0 ||
  /rate limit/i.test(message)

/** GitHub's clock when it answered, in milliseconds since the epoch and to the second. */
export const theirClock = (headers: Headers): Option.Option<number> =>
  // DateTime takes no zone's name, and UTC for granted
  Option.map(DateTime.make(String(headers.date).replace(/ GMT$/, "")), DateTime.toEpochMillis)

/** When the limit's window ends by this host's clock, which may differ from GitHub's; NaN when GitHub does not say. */
export const resetAt = (headers: Headers, now: number): number =>
  Number(headers["x-ratelimit-reset"]) * 1000 + now - Option.getOrElse(theirClock(headers), () => now)

const UNTOLD = { remaining: null, limit: null, resetAt: null }

/** A gate; `whose` names the credential in the log. */
export const make = (whose: string): Effect.Effect<Gate> =>
  Effect.map(Ref.make<State>({ refusedUntil: 0, reservedUntil: 0, strikes: 0, said: false, told: UNTOLD }), (ref) => {
    /** Whether the log is to be told something that it does not know yet. */
    const news = (said: boolean) => Ref.modify(ref, (state) => [state.said !== said, { ...state, said }])

    const enter: Gate["enter"] = Effect.fnUntraced(function* (kind, request) {
      const patience = (yield* Clock.currentTimeMillis) + WAIT_AT_MOST
      while (true) {
        const now = yield* Clock.currentTimeMillis
        const { refusedUntil, reservedUntil } = yield* Ref.get(ref)
        const holds = (until: number) => until > now && until - now <= LONGEST
        const polls = Math.max(refusedUntil, reservedUntil)
        if (!holds(polls)) {
          if (yield* news(false)) {
            yield* Effect.logInfo(`GitHub's rate limit has room again: polling goes on with ${whose}`)
          }
          return
        }
        if (yield* news(true)) {
          yield* Effect.logWarning(
            `GitHub's rate limit is reached: no polling until ${clock(polls)} with ${whose}; running jobs are seen through`
          )
        }
        if (kind === "poll") return yield* rateLimited(request, polls)
        if (!holds(refusedUntil)) return
        if (refusedUntil > patience) return yield* rateLimited(request, refusedUntil)
        yield* Effect.sleep(refusedUntil - now)
      }
    })

    const learn: Gate["learn"] = Effect.fnUntraced(function* (headers) {
      const now = yield* Clock.currentTimeMillis
      const remaining = Number(headers["x-ratelimit-remaining"])
      const reserve = Number(headers["x-ratelimit-limit"]) * RESERVE
      const reset = resetAt(headers, now)
      // other resources, such as search, have limits of their own
      const tells =
        Number.isFinite(remaining + reserve + reset) && (headers["x-ratelimit-resource"] ?? "core") === "core"
      yield* Ref.update(ref, (state) => ({
        ...state,
        // an answer to a request that was under way when another one was refused is no sign of peace
        strikes: state.refusedUntil > now ? state.strikes : 0,
        told: tells
          ? { remaining, limit: Number(headers["x-ratelimit-limit"]), resetAt: Math.round(reset) }
          : state.told,
        reservedUntil: tells ? (remaining < reserve ? reset : 0) : state.reservedUntil,
        refusedUntil: tells && remaining === 0 ? Math.max(state.refusedUntil, reset) : state.refusedUntil
      }))
    })

    const refused: Gate["refused"] = Effect.fnUntraced(function* (headers) {
      const now = yield* Clock.currentTimeMillis
      const after = Number(headers["retry-after"])
      const reset = Number(headers["x-ratelimit-remaining"]) === 0 ? resetAt(headers, now) : Number.NaN
      return yield* Ref.modify(ref, (state) => {
        // requests that were under way together are refused together: that is one refusal
        const again = state.refusedUntil > now
        const named = Number.isFinite(after) ? now + after * 1000 : Number.isFinite(reset) ? reset + 1000 : undefined
        const strikes = named === undefined && !again ? state.strikes + 1 : state.strikes
        const wait = Math.min(SECONDARY * 2 ** Math.max(0, strikes - 1), SECONDARY_AT_MOST)
        const until = Math.max(named ?? (again ? 0 : now + wait), again ? state.refusedUntil : now + 1000)
        return [until, { ...state, strikes, refusedUntil: until }]
      })
    })

    const alsoRefused: Gate["alsoRefused"] = Effect.fnUntraced(function* (ms) {
      const until = (yield* Clock.currentTimeMillis) + Math.min(ms, LONGEST)
      yield* Ref.update(ref, (state) => ({ ...state, refusedUntil: Math.max(state.refusedUntil, until) }))
    })

    const limit = Effect.zipWith(
      Clock.currentTimeMillis,
      Ref.get(ref),
      (now, { told, refusedUntil, reservedUntil }) => {
        const until = Math.max(refusedUntil, reservedUntil)
        return { credential: whose, ...told, waitsUntil: until > now && until - now <= LONGEST ? until : 0 }
      }
    )

    return { enter, learn, refused, alsoRefused, limit }
  })
