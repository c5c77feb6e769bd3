/** What a CI refused, and would refuse again: remembered between passes, so that no VM is made for it again. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type { JobKey } from "../domain/Job.ts"

/** A refusal to a service. */
export interface Refusal {
  readonly why: string
  /** The service that was refused first, which reports it. */
  readonly service: string
  /** Number of refusals in a row. */
  readonly times: number
  /** Not tried again before this, in milliseconds since the epoch. */
  readonly until: number
}

/**
 * The memory of refusals, by terms: everything that decides whether the CI accepts a runner of a service. Terms are
 * compared by value.
 */
interface Remembers {
  /** The CI refused runners of these terms for any job. */
  readonly refused: (terms: unknown, service: string, why: string) => Effect.Effect<void>
  /** The CI refused a runner for this job. */
  readonly refusedJob: (terms: unknown, job: JobKey) => Effect.Effect<void>
  readonly accepted: (terms: unknown) => Effect.Effect<void>
  /** The refusal in force; none if the last runner was accepted. */
  readonly current: (terms: unknown) => Effect.Effect<Option.Option<Refusal>>
  /** Whether the last runner of these terms was refused, or ever one for this job. */
  readonly isDoubted: (terms: unknown, job: JobKey) => Effect.Effect<boolean>
  /** Whether nothing has been refused or accepted yet. */
  readonly isUntried: (terms: unknown) => Effect.Effect<boolean>
}

/**
 * Pauses after the first, second, … refusal: someone may have fixed its cause, or an outage may have looked like one.
 */
const PAUSES = [Duration.minutes(2), Duration.minutes(10)] as const
const PAUSE_AT_MOST = Duration.hours(1)
/** Maximum number of jobs that are remembered; beyond it, all are forgotten. */
const CAPACITY = 10_000

const nothing: Remembers = {
  refused: () => Effect.void,
  refusedJob: () => Effect.void,
  accepted: () => Effect.void,
  current: () => Effect.succeedNone,
  isDoubted: () => Effect.succeed(false),
  isUntried: () => Effect.succeed(false)
}

/** The last answer: a refusal of all jobs, of one job, or an acceptance. */
type Last =
  | { readonly _tag: "Refused"; readonly refusal: Refusal }
  | { readonly _tag: "Job" }
  | { readonly _tag: "Accepted" }

const refusalOf = (last: Option.Option<Last>): Option.Option<Refusal> =>
  Option.flatMap(last, (last) => (last._tag === "Refused" ? Option.some(last.refusal) : Option.none()))

const make = Effect.map(
  Effect.all([Ref.make(HashMap.empty<unknown, Last>()), Ref.make(HashSet.empty<JobKey>())]),
  ([known, jobs]): Remembers => {
    const lastOf = (terms: unknown) => Effect.map(Ref.get(known), HashMap.get(terms))
    const set = (terms: unknown, last: Last) => Ref.update(known, HashMap.set(terms, last))
    return {
      refused: (terms, service, why) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          const before = refusalOf(yield* lastOf(terms))
          // attempts that were under way together are refused together, which counts as one refusal
          if (Option.exists(before, ({ until }) => until > now)) return
          const { times, service: first } = Option.getOrElse(before, () => ({ times: 0, service }))
          const until = now + Duration.toMillis(PAUSES[times] ?? PAUSE_AT_MOST)
          yield* set(terms, { _tag: "Refused", refusal: { why, service: first, times: times + 1, until } })
        }),
      refusedJob: (terms, job) =>
        Effect.zipRight(
          set(terms, { _tag: "Job" }),
          Ref.update(jobs, (set) => HashSet.add(HashSet.size(set) < CAPACITY ? set : HashSet.empty<JobKey>(), job))
        ),
      accepted: (terms) => set(terms, { _tag: "Accepted" }),
      current: (terms) => Effect.map(lastOf(terms), refusalOf),
      isDoubted: (terms, job) =>
        Effect.zipWith(
          lastOf(terms),
          Ref.get(jobs),
          (last, jobs) => Option.exists(last, ({ _tag }) => _tag !== "Accepted") || HashSet.has(jobs, job)
        ),
      isUntried: (terms) => Effect.map(lastOf(terms), Option.isNone)
    }
  }
)

/** Without a provided one, nothing is remembered. */
export class Refusals extends Context.Reference<Refusals>()("anklet/Refusals", {
  defaultValue: (): Remembers => nothing
}) {
  static readonly layer = Layer.effect(Refusals, make)
}
