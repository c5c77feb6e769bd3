/**
 * The gate before every request of one credential: it keeps what GitHub says of its rate limit, and who may go on.
 *
 * Polls stop while a tenth of the limit is left; what cleans up or finishes a job that runs may use the rest. After
 * GitHub has refused, nothing is sent before the time it named (docs.github.com, best practices for using the REST API).
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import { clock } from "../../domain/Format.ts"
import { LAST_MOMENT } from "../../text/Limits.ts"
import type { GitHubError, Limit } from "../GitHub.ts"
import { type Headers, LIMIT, PAUSE, rateLimited } from "./errors.ts"
import { LONGEST, numberOf, resetAt, untilOf, windowEnds } from "./limits.ts"

/** `poll` looks for work; `essential` registers, watches and removes what is ours. */
export type Kind = "poll" | "essential"

interface State {
  /** Not before: GitHub has refused, or nothing is left. Milliseconds since the epoch. */
  readonly refusedUntil: number
  /** Not before for polls: only the reserve is left. */
  readonly reservedUntil: number
  /** Refusals in a row that named no time. */
  readonly strikes: number
  /** What another host said was believed, and GitHub has not answered since. */
  readonly believes: boolean
  /** What GitHub said when it refused. */
  readonly why: string
  /** Until when the log knows that we wait; 0 when it knows of no wait. */
  readonly said: number
  /** What GitHub said last of the limit itself. */
  readonly told: Omit<Limit, "credential" | "waitsUntil">
}

/** The part of the limit that polls leave alone. */
export const RESERVE = 0.1
/** A refusal for asking too fast that names no time: a minute, then twice as long, up to a quarter of an hour. */
const SECONDARY = 60_000
const SECONDARY_AT_MOST = 900_000
/** No wait that begins is that long: one that is left comes from a clock that was set back. */
const STRANGE = 2 * LONGEST
/**
 * What another host was refused is believed for as long, in milliseconds; then GitHub itself is asked, by one request at
 * least, before another host is believed again: whoever may write in the store could stop all polling otherwise.
 */
export const BELIEVED = 300_000
/** An essential request waits at the gate at most so long; then its caller hears when to come back. */
const WAIT_AT_MOST = 120_000

/** Stands before every request of one credential, and learns from every answer. */
export interface Gate {
  /** Wait, or fail with `RateLimited`, until a request of this kind may be sent. */
  readonly enter: (kind: Kind, request: string) => Effect.Effect<void, GitHubError>
  /** Learn from the headers of an answer that is no refusal. */
  readonly learn: (headers: Headers) => Effect.Effect<void>
  /** GitHub refused with this status because of a limit: tells until when, in milliseconds since the epoch. */
  readonly refused: (headers: Headers, status?: number) => Effect.Effect<number>
  /** What is known of the limit. */
  readonly limit: Effect.Effect<Limit>
  /** GitHub refused another host with this credential, for so many milliseconds from now: believed for `BELIEVED` at most. */
  readonly alsoRefused: (ms: number) => Effect.Effect<void>
}

const UNTOLD = { remaining: null, limit: null, resetAt: null }

const INITIAL: State = {
  refusedUntil: 0,
  reservedUntil: 0,
  strikes: 0,
  believes: false,
  why: LIMIT,
  said: 0,
  told: UNTOLD
}

/** A gate; `whose` names the credential in the log. */
export const make = (whose: string): Effect.Effect<Gate> =>
  Effect.map(Ref.make(INITIAL), (ref) => {
    const holds = (until: number, now: number) => until > now && until - now <= STRANGE
    const pollsFrom = ({ refusedUntil, reservedUntil }: State) => Math.max(refusedUntil, reservedUntil)

    /** Tell a person of a wait when it begins, when another one follows on it, and when it is over. */
    const announce = Effect.flatten(
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Ref.modify(ref, (state): readonly [Effect.Effect<void>, State] => {
          const until = pollsFrom(state)
          if (holds(until, now)) {
            if (holds(state.said, now)) return [Effect.void, state]
            return [
              Effect.logWarning(
                `${state.why}: no polling until ${clock(until)} with ${whose}; running jobs are seen through`
              ),
              { ...state, said: until }
            ]
          }
          if (state.said === 0) return [Effect.void, state]
          return [
            Effect.logInfo(
              state.refusedUntil >= state.reservedUntil
                ? `the wait for GitHub is over: polling goes on with ${whose}`
                : `GitHub's rate limit has room again: polling goes on with ${whose}`
            ),
            { ...state, said: 0 }
          ]
        })
      )
    )

    const enter: Gate["enter"] = Effect.fnUntraced(function* (kind, request) {
      const patience = (yield* Clock.currentTimeMillis) + WAIT_AT_MOST
      while (true) {
        const now = yield* Clock.currentTimeMillis
        yield* announce
        const state = yield* Ref.get(ref)
        const { refusedUntil, why } = state
        const polls = pollsFrom(state)
        if (!holds(polls, now)) return
        if (kind === "poll") return yield* rateLimited(request, polls, { why })
        if (!holds(refusedUntil, now)) return
        if (refusedUntil > patience) return yield* rateLimited(request, refusedUntil, { why })
        yield* Effect.sleep(refusedUntil - now)
      }
    })

    const learn: Gate["learn"] = Effect.fnUntraced(function* (headers) {
      const now = yield* Clock.currentTimeMillis
      const remaining = numberOf(headers["x-ratelimit-remaining"])
      const limit = numberOf(headers["x-ratelimit-limit"])
      const reserve = limit * RESERVE
      const reset = windowEnds(headers, now)
      const told = resetAt(headers, now)
      // other resources, such as search, have limits of their own
      const tells =
        Number.isFinite(remaining + reserve + reset) && (headers["x-ratelimit-resource"] ?? "core") === "core"
      yield* Ref.update(ref, (state) => ({
        ...state,
        believes: state.believes && state.refusedUntil > now,
        // an answer to a request that was under way when another one was refused is no sign of peace
        strikes: state.refusedUntil > now ? state.strikes : 0,
        told: tells
          ? { remaining, limit, resetAt: told >= 0 && told <= LAST_MOMENT ? Math.round(told) : null }
          : state.told,
        reservedUntil: tells ? (remaining < reserve ? reset : 0) : state.reservedUntil,
        refusedUntil: tells && remaining <= 0 ? Math.max(state.refusedUntil, reset) : state.refusedUntil
      }))
    })

    const refused: Gate["refused"] = Effect.fnUntraced(function* (headers, status = 0) {
      const now = yield* Clock.currentTimeMillis
      const until = yield* Ref.modify(ref, (state) => {
        // requests that were under way together are refused together: that is one refusal
        const again = state.refusedUntil > now
        const named = untilOf(headers, now)
        const strikes = Option.isNone(named) && !again ? state.strikes + 1 : state.strikes
        const wait = Math.min(SECONDARY * 2 ** Math.max(0, strikes - 1), SECONDARY_AT_MOST)
        const until = Math.max(
          Option.getOrElse(named, () => (again ? 0 : now + wait)),
          again ? state.refusedUntil : now + 1000
        )
        return [until, { ...state, strikes, believes: false, refusedUntil: until, why: status >= 500 ? PAUSE : LIMIT }]
      })
      yield* announce
      return until
    })

    const alsoRefused: Gate["alsoRefused"] = Effect.fnUntraced(function* (ms) {
      if (!(ms > 0)) return
      const now = yield* Clock.currentTimeMillis
      yield* Ref.update(ref, (state) =>
        state.believes
          ? state
          : { ...state, believes: true, refusedUntil: Math.max(state.refusedUntil, now + Math.min(ms, BELIEVED)) }
      )
    })

    const limit = Effect.zipWith(Clock.currentTimeMillis, Ref.get(ref), (now, state) => {
      const until = pollsFrom(state)
      return { credential: whose, ...state.told, waitsUntil: holds(until, now) ? until : 0 }
    })

    return { enter, learn, refused, alsoRefused, limit }
  })
