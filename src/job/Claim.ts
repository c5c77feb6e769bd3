/** The claim as a scoped resource: closing the scope finishes the job or gives it back. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type { JobRequest, Scope } from "../domain/Job.ts"
import * as Finalizer from "../interruption/Finalizer.ts"
import { Progress } from "../services/Activity.ts"
import { type Claim, Coordinator, type JobClass } from "../services/Coordinator.ts"
import * as Metrics from "../services/Metrics.ts"

/** What becomes of the job when the scope closes. */
export type Verdict =
  /** It is over, or somebody else's: never ours again. */
  | { readonly _tag: "Finished" }
  /** It goes back to the queue; not before `after` has passed does this host take it again. */
  | {
      readonly _tag: "HandedBack"
      readonly reason: string
      readonly after: Duration.DurationInput
      readonly charged: boolean
      /** The job gets nowhere wherever it is tried: it comes after all that is fresh. */
      readonly inVain?: boolean
      /** This host keeps it, and takes nothing else before it: it fits here, but not beside what runs now. */
      readonly kept?: boolean
    }

/** A claim that a scope holds. */
export interface ClaimHandle {
  readonly claim: Effect.Effect<Claim>
  /** Decide what becomes of the job; undecided, it goes back. The last word counts. */
  readonly decide: (verdict: Verdict) => Effect.Effect<void>
  /** Our runner took this job instead of the planned one; false if somebody else holds it. */
  readonly swap: (taken: JobRequest) => Effect.Effect<boolean>
}

/** A pass that is interrupted or fails without a word gives the job back at once. */
const UNDECIDED: Verdict = { _tag: "HandedBack", reason: "the pass ended before the job did", after: 0, charged: false }

const hold = Effect.fnUntraced(function* (first: Claim, adopted: boolean) {
  const coordinator = yield* Coordinator
  const progress = yield* Progress
  const claim = yield* Ref.make(first)
  const verdict = yield* Ref.make<Verdict>(UNDECIDED)
  yield* Finalizer.add(
    Effect.gen(function* () {
      const held = yield* Ref.get(claim)
      const how = yield* Ref.get(verdict)
      if (how._tag === "Finished") {
        yield* coordinator.finish(held)
        yield* progress.stage("clean")
        yield* Metrics.jobEnded({ outcome: "finished" })
        return yield* progress.ended("finished")
      }
      yield* Effect.logDebug(`job goes back: ${how.reason}`)
      yield* Metrics.jobEnded({ outcome: how.charged ? "failed" : "handed_back" })
      yield* progress.ended(how.reason)
      const after = Duration.toMillis(how.after)
      yield* progress.note(held.job.key, how.reason, after === 0 ? 0 : (yield* Clock.currentTimeMillis) + after)
      yield* coordinator.release(held, {
        reason: how.reason,
        after,
        charged: how.charged,
        inVain: how.inVain === true
      })
      if (how.kept !== true) return
      const kept = yield* coordinator.reserve(held.job).pipe(Effect.orElseSucceed(() => false))
      if (kept) yield* Effect.logInfo("job needs more room than is free: this host takes nothing else before it")
    })
  )
  const held: ClaimHandle = {
    claim: Ref.get(claim),
    decide: (next) => Ref.set(verdict, next),
    swap: (taken) =>
      Ref.get(claim).pipe(
        Effect.flatMap((current) => coordinator.swap(current, taken)),
        Effect.flatMap(
          Option.match({
            onNone: () => Effect.succeed(false),
            onSome: (swapped) =>
              Effect.as(Effect.zipRight(Ref.set(claim, swapped), progress.swapped(swapped.job)), true)
          })
        ),
        Effect.catchAll((error) => Effect.as(Effect.logError(error.message), false)),
        Effect.uninterruptible
      )
  }
  yield* progress.started(first.job, first.attempt, adopted)
  return held
})

/** Claim the first waiting job of the offered classes, for as long as the scope lives. */
export const take = Effect.fn("Claim.take")(function* (
  scope: Scope,
  service: string,
  classes: ReadonlyArray<JobClass>
) {
  const coordinator = yield* Coordinator
  const claim = yield* coordinator.claim(scope, service, classes)
  return Option.isSome(claim) ? Option.some(yield* hold(claim.value, false)) : Option.none<ClaimHandle>()
}, Effect.uninterruptible)

/** Hold again the claim that a crash left behind. */
export const resume = (claim: Claim) => Effect.uninterruptible(hold(claim, true))
