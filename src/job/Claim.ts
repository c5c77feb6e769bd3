/** The right to run a job, for as long as the work on it takes: how the work ends decides what becomes of the job. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type { JobRequest, Scope } from "../domain/Job.ts"
import * as Finalizer from "../interruption/Finalizer.ts"
import { Progress, type ProgressReporter } from "../services/Activity.ts"
import { type Claim, Coordinator, type JobClass } from "../services/Coordinator.ts"
import * as Metrics from "../services/Metrics.ts"

/** What becomes of a job when the work on it has ended. */
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

/** A claim while its job is worked on. */
export interface ClaimHandle {
  /** The claim as it is now: `swap` puts another one in its place. */
  readonly claim: Effect.Effect<Claim>
  /** Our runner took this job instead of the planned one; false if somebody else holds it. */
  readonly swap: (taken: JobRequest) => Effect.Effect<boolean>
}

/** A claim that is ours, and whether a crash left it. */
interface Acquired {
  readonly claim: Claim
  readonly adopted: boolean
}

/** Work that is interrupted, or fails without a verdict, gives the job back at once. */
const UNDECIDED: Verdict = { _tag: "HandedBack", reason: "the pass ended before the job did", after: 0, charged: false }

/** The first waiting job of the offered classes; none while there is none, or while draining. */
export const take = (scope: Scope, service: string, classes: ReadonlyArray<JobClass>) =>
  Effect.flatMap(Coordinator, (coordinator) => coordinator.claim(scope, service, classes)).pipe(
    Effect.map(Option.map((claim): Acquired => ({ claim, adopted: false }))),
    Effect.withSpan("Claim.take")
  )

/** The claim that a crash left behind. */
export const resume = (claim: Claim): Effect.Effect<Option.Option<Acquired>> =>
  Effect.succeedSome({ claim, adopted: true })

const handleOf = (
  claim: Ref.Ref<Claim>,
  coordinator: Coordinator["Type"],
  progress: ProgressReporter
): ClaimHandle => ({
  claim: Ref.get(claim),
  swap: (taken) =>
    Ref.get(claim).pipe(
      Effect.flatMap((current) => coordinator.swap(current, taken)),
      Effect.flatMap(
        Option.match({
          onNone: () => Effect.succeed(false),
          onSome: (swapped) => Effect.as(Effect.zipRight(Ref.set(claim, swapped), progress.swapped(swapped.job)), true)
        })
      ),
      Effect.catchAll((error) => Effect.as(Effect.logError(error.message), false)),
      Effect.uninterruptible
    )
})

/** Finish a claim or give it back, and report it. */
const close = Effect.fnUntraced(function* (claim: Claim, verdict: Verdict) {
  const coordinator = yield* Coordinator
  const progress = yield* Progress
  if (verdict._tag === "Finished") {
    yield* coordinator.finish(claim)
    yield* progress.stage("clean")
    yield* Metrics.jobEnded({ outcome: "finished" })
    return yield* progress.ended("finished")
  }
  const { reason, charged } = verdict
  yield* Effect.logDebug(`job goes back: ${reason}`)
  yield* Metrics.jobEnded({ outcome: charged ? "failed" : "handed_back" })
  yield* progress.ended(reason)
  const after = Duration.toMillis(verdict.after)
  yield* progress.note(claim.job.key, reason, after === 0 ? 0 : (yield* Clock.currentTimeMillis) + after)
  yield* coordinator.release(claim, { reason, after, charged, inVain: verdict.inVain === true })
  if (verdict.kept !== true) return
  const kept = yield* coordinator.reserve(claim.job).pipe(Effect.orElseSucceed(() => false))
  if (kept) yield* Effect.logInfo("job needs more room than is free: this host takes nothing else before it")
})

/**
 * Work on a job as long as its claim is ours: the verdict that the work returns decides what becomes of the job, and
 * work that fails or is interrupted gives it back. What the work acquires must be in scopes of its own, which are closed
 * before the claim. False, and no work, where there is nothing to claim.
 */
export const use = <E, R, E2, R2>(
  acquire: Effect.Effect<Option.Option<Acquired>, E, R>,
  work: (handle: ClaimHandle) => Effect.Effect<Verdict, E2, R2>
) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const acquired = yield* acquire
      if (Option.isNone(acquired)) return false
      const { claim: first, adopted } = acquired.value
      const progress = yield* Progress
      const claim = yield* Ref.make(first)
      yield* progress.started(first.job, first.attempt, adopted)
      const exit = yield* Effect.exit(restore(work(handleOf(claim, yield* Coordinator, progress))))
      const verdict = Exit.getOrElse(exit, () => UNDECIDED)
      yield* Finalizer.unlessHandedOver(Effect.flatMap(Ref.get(claim), (claim) => close(claim, verdict)))
      yield* exit
      return true
    })
  )
