/**
 * The gate that every request of one credential passes: it tracks GitHub's rate limit, and decides which requests may
 * be sent.
 *
 * Polls stop while only a tenth of the limit is left; requests that clean up, or finish a running job, may use the
 * rest. After a refusal, nothing is sent before the time that GitHub named (docs.github.com, best practices for using
 * the REST API).
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

/** `poll` is for finding jobs; `essential` registers, watches and removes our own runners. */
export type Kind = "poll" | "essential"

interface State {
  /** No request before this, because GitHub refused or nothing is left. Milliseconds since the epoch. */
  readonly refusedUntil: number
  /** No polls before this, because only the reserve is left. */
  readonly reservedUntil: number
  /** Number of consecutive refusals that named no time. */
  readonly strikes: number
  /** A report of another host was believed, and GitHub has not answered since. */
  readonly believes: boolean
  /** Why GitHub refused. */
  readonly why: string
  /** Until when the log says that we wait; 0 if it reports no wait. */
  readonly said: number
  /** GitHub's last report of the limit itself. */
  readonly told: Omit<Limit, "credential" | "waitsUntil">
}

/** The part of the limit that polls do not use. */
export const RESERVE = 0.1
/**
 * Wait after a refusal for asking too fast that names no time: a minute, then doubled, up to a quarter of an hour. In
 * milliseconds.
 */
const SECONDARY = 60_000
const SECONDARY_AT_MOST = 900_000
/** No wait is ever this long when it begins: a longer one comes from a clock that was set back. */
const STRANGE = 2 * LONGEST
/**
 * Maximum time, in milliseconds, for which a refusal reported by another host is believed. Then at least one request
 * must reach GitHub itself before another host is believed again: otherwise anyone who can write to the store could
 * stop all polling.
 */
export const BELIEVED = 300_000
/** Timeout of an essential request at the gate, in milliseconds; its caller then learns when to try again. */
const WAIT_AT_MOST = 120_000

/** Passed by every request of one credential; learns from every answer. */
export interface Gate {
  /** Waits until a request of this kind may be sent, or fails with `RateLimited`. */
  readonly enter: (kind: Kind, request: string) => Effect.Effect<void, GitHubError>
  /** Learns from the headers of an answer that is not a refusal. */
  readonly learn: (headers: Headers) => Effect.Effect<void>
  /**
   * Records that GitHub refused with this status because of a limit; returns until when, in milliseconds since the
   * epoch.
   */
  readonly refused: (headers: Headers, status?: number) => Effect.Effect<number>
  /** The limit as known. */
  readonly limit: Effect.Effect<Limit>
  /**
   * Records that GitHub refused another host with this credential for `ms` more milliseconds, of which at most
   * `BELIEVED` count.
   */
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

/** Makes a gate; `whose` names the credential in the log. */
export const make = (whose: string): Effect.Effect<Gate> =>
  Effect.map(Ref.make(INITIAL), (ref) => {
    const holds = (until: number, now: number) => until > now && until - now <= STRANGE
    const pollsFrom = ({ refusedUntil, reservedUntil }: State) => Math.max(refusedUntil, reservedUntil)

    /** Logs when a wait begins, when another one follows it, and when it is over. */
    const announce = Effect.flatten(
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Ref.modify(ref, (state): readonly [Effect.Effect<void>, State] => {
          const until = pollsFrom(state)
          if (holds(until, now)) {
            if (holds(state.said, now)) return [Effect.void, state]
            return [
              Effect.logWarning(`${state.why}: no polling until ${clock(until)} with ${whose}; running jobs continue`),
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
        // an answer to a request that was under way when another was refused does not end the series
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
        // requests that were under way together are refused together, which counts as one refusal
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
