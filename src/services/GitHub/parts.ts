/**
 * The parts of a poll that fail while others succeed: each failure is logged once, and the part is requested less often
 * until it recovers.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { GitHubError } from "../GitHub.ts"

/**
 * Time in milliseconds after which a failing part rests: it is then requested again after as long as it has been
 * failing.
 */
const REST_AFTER = 5_000
/** Maximum length of a rest, in milliseconds. */
const REST_AT_MOST = 60_000
/** A repository, or one thing in it. */
export interface Part {
  readonly repository: string
  /** Empty for the repository as a whole. */
  readonly what: string
}

/** The outcome of a part in one poll. */
type Outcome =
  | { readonly _tag: "Fine" }
  /** It was not requested, and is as before. */
  | { readonly _tag: "Same" }
  /** `isHad` if most of it was read, so that it need not rest. */
  | { readonly _tag: "Fails"; readonly error: GitHubError; readonly isHad: boolean }

/** The outcomes of the parts in one poll. */
export type Outcomes = Map<string, { readonly part: Part; readonly outcome: Outcome }>

interface Trouble {
  readonly part: Part
  readonly error: GitHubError
  /** Milliseconds since the epoch, as is `until`. */
  readonly since: number
  /** Not requested before this. */
  readonly until: number
}

/** Whether a failure concerns the credential or its limit, and so every request: then the poll ends. */
export const isForAll = ({ reason }: GitHubError): boolean => reason === "Unauthorized" || reason === "RateLimited"

/**
 * Whether GitHub refuses, rather than failing to answer: to us, what is refused does not exist. 410: gone, 451: taken
 * down for legal reasons.
 */
export const isRefused = ({ reason, status = 0 }: GitHubError): boolean =>
  reason === "NotFound" || reason === "Forbidden" || reason === "Invalid" || status === 410 || status === 451

const nameOf = ({ repository, what }: Part) => (what === "" ? repository : `${repository} (${what})`)

/** Starts with all parts working. */
export const make = () => {
  const troubles = new Map<string, Trouble>()

  /**
   * Requests a part, unless it rests; the request may depend on whether the part failed before. Fails only with what
   * concerns all parts.
   */
  const ask = <A>(
    outcomes: Outcomes,
    part: Part,
    question: (failed: boolean) => Effect.Effect<A, GitHubError>
  ): Effect.Effect<Either.Either<A, GitHubError>, GitHubError> =>
    Effect.gen(function* () {
      const key = nameOf(part)
      const trouble = troubles.get(key)
      const now = yield* Clock.currentTimeMillis
      // a rest from the future began before the clock was set back
      if (trouble !== undefined && trouble.since <= now && now < trouble.until) {
        outcomes.set(key, { part, outcome: { _tag: "Same" } })
        return Either.left(trouble.error)
      }
      const answer = yield* Effect.either(question(trouble !== undefined))
      if (Either.isLeft(answer) && isForAll(answer.left)) return yield* answer.left
      const outcome: Outcome = Either.isRight(answer)
        ? { _tag: "Fine" }
        : { _tag: "Fails", error: answer.left, isHad: false }
      outcomes.set(key, { part, outcome })
      return answer
    })

  /** Records that something is missing from a part that was read. */
  const lacks = (outcomes: Outcomes, part: Part, error: GitHubError): void => {
    outcomes.set(nameOf(part), { part, outcome: { _tag: "Fails", error, isHad: true } })
  }

  /** Records that all of a part was read. */
  const works = (outcomes: Outcomes, part: Part): void => {
    outcomes.set(nameOf(part), { part, outcome: { _tag: "Fine" } })
  }

  /** Records that a part is not requested this time. */
  const passOver = (outcomes: Outcomes, part: Part): void => {
    outcomes.set(nameOf(part), { part, outcome: { _tag: "Same" } })
  }

  /**
   * Learns from a poll: logs one line for each repository in which something begins to fail, and one when all of it has
   * recovered.
   */
  const learn = Effect.fnUntraced(function* (outcomes: Outcomes, isKnown: (repository: string) => boolean) {
    const now = yield* Clock.currentTimeMillis
    const asked = new Set([...outcomes.values()].map(({ part }) => part.repository))
    const before = new Set([...troubles.values()].map(({ part }) => part.repository))
    const fresh = new Map<string, Array<Trouble>>()
    for (const [key, { part, error, since }] of [...troubles]) {
      // removes a failing part that no longer exists, such as a run, or whose repository is no longer watched
      if (!isKnown(part.repository) || (asked.has(part.repository) && !outcomes.has(key))) troubles.delete(key)
      else if (since > now) troubles.set(key, { part, error, since: now, until: now })
    }
    for (const [key, { part, outcome }] of outcomes) {
      if (outcome._tag === "Fine") troubles.delete(key)
      if (outcome._tag !== "Fails") continue
      const known = troubles.get(key)
      const since = known?.since ?? now
      const rest = outcome.isHad || now - since < REST_AFTER ? 0 : Math.min(now - since, REST_AT_MOST)
      const trouble: Trouble = { part, error: outcome.error, since, until: now + rest }
      troubles.set(key, trouble)
      if (known === undefined) fresh.set(part.repository, [...(fresh.get(part.repository) ?? []), trouble])
    }
    for (const [first, ...others] of fresh.values()) {
      if (first === undefined) continue
      const more = others.length === 0 ? "" : `; and ${others.length} more of its parts`
      yield* Effect.logWarning(
        `${nameOf(first.part)} is left out until it recovers, the rest is polled: ${first.error.message}${more}`
      )
    }
    const after = new Set([...troubles.values()].map(({ part }) => part.repository))
    for (const repository of before) {
      if (isKnown(repository) && !after.has(repository)) yield* Effect.logInfo(`${repository} has recovered`)
    }
  })

  return {
    ask,
    lacks,
    works,
    passOver,
    learn,
    /** Whether everything is known; what GitHub refuses is known not to concern us. */
    isWhole: (): boolean => [...troubles.values()].every(({ error }) => isRefused(error))
  }
}

export type Parts = ReturnType<typeof make>
