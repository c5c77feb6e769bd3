/** Seeing a job through: what its CI and the VM say, and what follows from it. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import { span } from "../domain/Format.ts"
import { Conclusion, type Scope } from "../domain/Job.ts"
import type { AnkaError } from "../services/Anka.ts"
import {
  type Answer,
  type Ci,
  ifKnown,
  type JobRef,
  type JobState,
  type Runner,
  type RunnerState,
  type Taken
} from "./Ci.ts"
import * as Guest from "./Guest.ts"

/** What is known at one moment. Unknown (a question that failed) decides nothing. */
export interface Observation {
  readonly job: Option.Option<Answer<JobState>>
  /** Our runner at the CI; `gone` when the CI does not know it any more. */
  readonly runner: Option.Option<RunnerState | "gone">
  /** The runner's process in the VM: running, ended, or the VM itself is lost. */
  readonly process: "running" | "ended" | "lost"
  /** Milliseconds since the runner was started, or since it last did something. */
  readonly idleFor: number
  /** Milliseconds since the process ended. */
  readonly endedFor: number
  /** With what it ended. */
  readonly exitCode?: number
}

/** What follows. */
export type Decision =
  | { readonly _tag: "Wait" }
  /** The job is over. */
  | { readonly _tag: "Over"; readonly conclusion: Conclusion }
  /** The CI does not know the job any more, and our runner has none. */
  | { readonly _tag: "Gone" }
  /** Another runner has the job, and ours has nothing: we are done. */
  | { readonly _tag: "Taken"; readonly by: string }
  /** Our runner has, or had, another job than planned. */
  | { readonly _tag: "Swapped" }
  /** The program was the job itself, and has ended: that is ours to report. */
  | { readonly _tag: "Ended"; readonly exitCode: number }
  /** The runner never got its job: another one must try. `inVain` when it was there for it, so that the job is to blame, and no host. */
  | { readonly _tag: "Replace"; readonly reason: string; readonly inVain?: boolean }

/** Timeout for the CI to tell the conclusion after the runner's process has ended, in milliseconds. */
const CONCLUSION_WITHIN = 60_000
/** Longest time, in milliseconds, that a job may still be called queued although our runner has ended: the CI lags, or the runner ran another job. */
const SWAP_WITHIN = 6_000

const wait: Decision = { _tag: "Wait" }
const GONE: Decision = { _tag: "Gone" }
const VM_LOST = "its VM was lost"
const toConclusion = Schema.decodeUnknownOption(Conclusion)

/** How the CI says the job ended; unknown for a word that we do not know. */
export const conclusionOf = (job: JobState): Conclusion =>
  Option.getOrElse(Option.flatMap(job.conclusion, toConclusion), () => "unknown")

/**
 * What follows from what is known: the whole policy of watching, in one place. `isJob` where the program is the job itself,
 * and not a runner that gets one.
 */
export const decide = (
  name: string,
  seen: Observation,
  limit: number,
  { name: ci, idleHint, isJob = false }: Pick<Ci<JobState, never>, "name" | "idleHint"> & { readonly isJob?: boolean }
): Decision => {
  const job = Option.getOrUndefined(seen.job)
  const runner = Option.getOrUndefined(seen.runner)
  const busy = runner !== undefined && runner !== "gone" && runner.busy
  if (job === "gone") {
    if (seen.process !== "running") return GONE
    return busy ? { _tag: "Swapped" } : runner === undefined ? wait : GONE
  }
  if (job?.status === "completed") {
    const isOver: Decision = { _tag: "Over", conclusion: conclusionOf(job) }
    if (seen.process !== "running" || Option.contains(job.runnerName, name)) return isOver
    // it ended elsewhere, or before it began: our runner may already have another job, and is not to be disturbed then
    return busy ? { _tag: "Swapped" } : runner === undefined ? wait : isOver
  }
  if (seen.process !== "running") {
    if (isJob) {
      return seen.exitCode === undefined
        ? { _tag: "Replace", reason: seen.process === "lost" ? VM_LOST : "its exit code is lost" }
        : { _tag: "Ended", exitCode: seen.exitCode }
    }
    if (job?.status === "queued") {
      // it may have run another job so quickly that we did not see it
      if (seen.endedFor < SWAP_WITHIN) return { _tag: "Swapped" }
      return {
        _tag: "Replace",
        reason:
          seen.process === "lost"
            ? VM_LOST
            : `the runner ended with exit code ${seen.exitCode ?? "unknown"} without taking the job`
      }
    }
    // the runner has gone and its CI does not say how the job ended: our part is over all the same
    return seen.endedFor >= CONCLUSION_WITHIN ? { _tag: "Over", conclusion: "unknown" } : wait
  }
  if (job === undefined || Option.contains(job.runnerName, name)) return wait
  if (busy) return { _tag: "Swapped" }
  if (job.status === "in_progress" && Option.isSome(job.runnerName)) {
    return runner === undefined ? wait : { _tag: "Taken", by: job.runnerName.value }
  }
  if (runner === "gone") return { _tag: "Replace", reason: `${ci} dropped the runner's registration` }
  // one that cannot be asked about may already have a job
  if (seen.idleFor < limit || runner === undefined) return wait
  const within = span(limit)
  return {
    _tag: "Replace",
    inVain: runner.online,
    reason: runner.online
      ? `the runner is online, but ${ci} gave it no job within ${within}${idleHint}`
      : `the runner did not come online within ${within}`
  }
}

/** Longest interval between two questions about a job that we have. */
export const LOOK_EVERY = Duration.seconds(5)
/**
 * While the job runs on our own runner, its CI is asked this many times less often: when the job is cancelled the runner
 * ends, which we see at once. The running jobs of a fleet would otherwise use up what a CI allows one credential.
 */
const SETTLED = 6

/** One question in this many is thorough: a job that does not begin may be one that never will. */
export const THOROUGH_EVERY = 6

/** What the watch of a job came to, and what its runner said before its VM went; empty where that does not matter. */
export interface Outcome {
  /** Why it may be that the job did not end by itself: its VM was lost; absent where it was not. */
  readonly lost?: boolean
  readonly decision: Exclude<Decision, { readonly _tag: "Wait" | "Swapped" | "Ended" }>
  readonly words: string
}

/** Watch the job and its runner until something follows from it. A job that our runner took instead is watched in its place. */
export const watch = Effect.fn("watch")(function* <J extends JobState, R>(
  ci: Ci<J, R>,
  runner: Runner,
  planned: JobRef & { readonly scope: Scope },
  options: {
    /** Interval between two questions. */
    readonly every: Duration.Duration
    /** Called once when our runner has another job than planned. */
    readonly took: (taken: Taken) => Effect.Effect<void>
    /**
     * Claim that job in place of the planned one. False where another service holds it, which may give it up: it is asked
     * for again at each look, because until then the planned job is ours and waits, although a VM slot may be free.
     */
    readonly claim: (taken: Taken) => Effect.Effect<boolean>
  }
) {
  let job: JobRef = planned
  const process = yield* Deferred.make<number, AnkaError>()
  const endedAt = yield* Ref.make(Option.none<number>())
  yield* Guest.ended(runner.vm, ci.program).pipe(
    Effect.onExit(() => Effect.flatMap(Clock.currentTimeMillis, (now) => Ref.set(endedAt, Option.some(now)))),
    Effect.intoDeferred(process),
    Effect.forkScoped,
    Effect.interruptible
  )
  const startedAt = yield* Clock.currentTimeMillis
  const askRunner = ifKnown(ci.registry.state(runner))
  const unasked: typeof askRunner = Effect.succeedNone
  const isOurs = (answer: Answer<J>): answer is J =>
    answer !== "gone" && Option.contains(answer.runnerName, runner.name)
  const askAll = (isSettled: boolean, thorough: boolean) =>
    Effect.all({ job: ifKnown(ci.state(job, thorough)), runner: isSettled ? unasked : askRunner }, { concurrency: 2 })
  const lookAround = Effect.fnUntraced(function* (isSettled: boolean, thorough: boolean) {
    const answer = yield* askAll(isSettled, thorough)
    const now = yield* Clock.currentTimeMillis
    const end = yield* Ref.get(endedAt)
    const decision = decide(
      runner.name,
      {
        job: answer.job,
        runner: Option.map(answer.runner, (runner) => Option.getOrElse(runner, () => "gone" as const)),
        idleFor: now - startedAt,
        endedFor: Option.match(end, { onNone: () => 0, onSome: (end) => now - end }),
        ...(Option.isNone(end) ? { process: "running" as const } : yield* outcomeOf(process))
      },
      Duration.toMillis(ci.registrationTimeout),
      { ...ci, isJob: ci.report !== undefined }
    )
    return { job: answer.job, end, decision }
  })
  let isSettled = false
  /** The job that our runner has, as long as it could not be claimed. */
  let foreign = Option.none<Taken>()
  const claim = (taken: Taken) =>
    Effect.map(options.claim(taken), (claimed) => {
      foreign = claimed ? Option.none() : Option.some(taken)
    })
  for (let looks = 1; ; looks++) {
    const isThorough = looks % THOROUGH_EVERY === 0
    const first: Effect.Effect.Success<ReturnType<typeof lookAround>> = yield* lookAround(isSettled, isThorough)
    // a job that was not given to its runner may be one whose run is over
    const mayBeOver = first.decision._tag === "Replace" && !isThorough
    const { job: answer, end, decision }: typeof first = mayBeOver ? yield* lookAround(false, true) : first
    isSettled = Option.exists(answer, (job) => isOurs(job) && job.status === "in_progress")
    if (decision._tag === "Swapped") {
      const taken = Option.flatten(yield* ifKnown(ci.taken(runner.name, planned.scope)))
      if (Option.isSome(taken) && taken.value.key !== job.key) {
        job = taken.value
        yield* options.took(taken.value)
        yield* claim(taken.value)
      }
    } else if (decision._tag === "Ended") {
      const conclusion = yield* ci.report?.(job, runner, decision.exitCode) ?? Effect.succeed("unknown" as const)
      return { decision: { _tag: "Over", conclusion }, words: "" } satisfies Outcome
    } else if (decision._tag === "Wait") {
      if (isSettled && Option.isSome(foreign)) yield* claim(foreign.value)
    } else {
      const mayGo =
        Option.isSome(end) ||
        Option.exists(answer, isOurs) ||
        // what the CI denies, the runner may know better
        ((decision._tag !== "Gone" || !(yield* ci.isAtWork(runner.vm))) &&
          // a runner that waits may get a job at any moment, until the CI says that it is removed
          (yield* ci.registry.retire(runner.name)))
      const hasWords = decision._tag === "Replace" && decision.reason !== VM_LOST
      if (mayGo) {
        const words = hasWords ? yield* Guest.lastWords(runner.vm, ci.program) : ""
        const lost = Option.isSome(end) && (yield* outcomeOf(process)).process === "lost"
        return { decision, words, lost } satisfies Outcome
      }
    }
    // the end of the process cuts a wait short, once; after it the CI is asked every second
    yield* Option.isSome(end)
      ? Effect.sleep("1 second")
      : Effect.raceFirst(
          Effect.sleep(Duration.times(options.every, isSettled && Option.isNone(foreign) ? SETTLED : 1)),
          Effect.exit(Deferred.await(process))
        )
  }
}, Effect.scoped)

const outcomeOf = (process: Deferred.Deferred<number, AnkaError>) =>
  Effect.map(
    Effect.exit(Deferred.await(process)),
    (exit): Pick<Observation, "process" | "exitCode"> =>
      Exit.isFailure(exit)
        ? { process: "lost" }
        : { process: "ended", ...(Number.isNaN(exit.value) ? {} : { exitCode: exit.value }) }
  )
