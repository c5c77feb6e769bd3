/** Seeing a job through: what GitHub and the VM tell, and what follows from it. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import { span } from "../../domain/Format.ts"
import { Conclusion } from "../../domain/Job.ts"
import * as Guest from "../../job/Guest.ts"
import type { AnkaError } from "../../services/Anka.ts"
import type { GitHubClient, GitHubError, Job, Level, Runner as Registered } from "../../services/GitHub.ts"
import { type Answer, ask, askWithRun, ifKnown, type JobAddress } from "./ask.ts"
import { isAtWork, RUNNER } from "./program.ts"
import { type Runner, retire } from "./runner.ts"

/** What is known at one moment. Unknown (a question that failed) decides nothing. */
export interface Observation {
  readonly job: Option.Option<Answer>
  /** Our runner at GitHub; `gone` when GitHub does not know it any more. */
  readonly runner: Option.Option<Registered | "gone">
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
  /** GitHub does not know the job any more, and our runner has none. */
  | { readonly _tag: "Gone" }
  /** Another runner has the job, and ours has nothing: we are done. */
  | { readonly _tag: "Taken"; readonly by: string }
  /** Our runner has, or had, another job than planned. */
  | { readonly _tag: "Swapped" }
  /** The runner never got its job: another one must try. `inVain` when it was there for it, so that the job is to blame, and no host. */
  | { readonly _tag: "Replace"; readonly reason: string; readonly inVain?: boolean }

/** How long GitHub gets to tell the conclusion after the runner's process has ended, in milliseconds. */
const CONCLUSION_WITHIN = 60_000
/** How long a job may still be called queued although our runner has ended: GitHub lags, or the runner ran another job. */
const SWAP_WITHIN = 6_000

const wait: Decision = { _tag: "Wait" }
const GONE: Decision = { _tag: "Gone" }
const VM_LOST = "its VM was lost"
/** What keeps jobs from an organisation's runners in silence: docs.github.com, "Managing access to self-hosted runners using groups". */
const GROUPS =
  ': its runner group must let the job\'s repository in; if that is public, the group must "Allow public repositories"'
const toConclusion = Schema.decodeUnknownOption(Conclusion)

/** How GitHub says the job ended; unknown for a word that we do not know. */
export const conclusionOf = (job: Job): Conclusion =>
  Option.getOrElse(Option.flatMap(job.conclusion, toConclusion), () => "unknown")

/** What follows from what is known: the whole policy of watching, in one place. */
export const decide = (
  name: string,
  seen: Observation,
  limit: number,
  level: "repository" | "organisation" = "repository"
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
    // the runner has gone and GitHub does not say how the job ended: our part is over all the same
    return seen.endedFor >= CONCLUSION_WITHIN ? { _tag: "Over", conclusion: "unknown" } : wait
  }
  if (job === undefined || Option.contains(job.runnerName, name)) return wait
  if (busy) return { _tag: "Swapped" }
  if (job.status === "in_progress" && Option.isSome(job.runnerName)) {
    return runner === undefined ? wait : { _tag: "Taken", by: job.runnerName.value }
  }
  if (runner === "gone") return { _tag: "Replace", reason: "GitHub dropped the runner's registration" }
  // one that cannot be asked about may already have a job
  if (seen.idleFor < limit || runner === undefined) return wait
  const within = span(limit)
  return {
    _tag: "Replace",
    inVain: runner.online,
    reason: runner.online
      ? `the runner is online, but GitHub gave it no job within ${within}${level === "organisation" ? GROUPS : ""}`
      : `the runner did not come online within ${within}`
  }
}

/** How often a held job is looked at. Unchanged answers cost no rate limit. */
export const LOOK_EVERY = Duration.seconds(5)
/**
 * While the job runs on our own runner, GitHub is polled this many times less often: cancellation ends the runner
 * process, which we see at once. A fleet's running jobs would otherwise use up what GitHub allows one credential in a minute (900 points).
 */
const SETTLED = 6

/** Number of polls between two questions about the run of a job that does not begin. */
export const RUN_EVERY = 6

/** What the watch of a job came to, and what its runner said before its VM went; empty where that does not matter. */
export interface Outcome {
  readonly decision: Exclude<Decision, { readonly _tag: "Wait" | "Swapped" }>
  readonly words: string
}

/** Watch the job and its runner until something follows from it. A job that our runner took instead is watched in its place. */
export const watch = Effect.fn("watch")(function* (
  client: GitHubClient,
  level: Level,
  runner: Runner,
  planned: JobAddress,
  options: {
    /** Between two looks. */
    readonly every: Duration.Duration
    /** For the runner to get its job. */
    readonly limit: Duration.Duration
    /** The job that runs or ran on our runner, as GitHub tells it. */
    readonly taken: Effect.Effect<Option.Option<Job>, GitHubError>
    /** Told when our runner has another job than planned. */
    readonly swapped: (job: Job) => Effect.Effect<void>
  }
) {
  let job = planned
  const process = yield* Deferred.make<number, AnkaError>()
  const endedAt = yield* Ref.make(Option.none<number>())
  yield* Guest.ended(runner.vm, RUNNER).pipe(
    Effect.onExit(() => Effect.flatMap(Clock.currentTimeMillis, (now) => Ref.set(endedAt, Option.some(now)))),
    Effect.intoDeferred(process),
    Effect.forkScoped,
    Effect.interruptible
  )
  const startedAt = yield* Clock.currentTimeMillis
  const askRunner = ifKnown(client.runner(level, runner.id))
  const unasked: typeof askRunner = Effect.succeedNone
  const isOurs = (answer: Answer): answer is Job => answer !== "gone" && Option.contains(answer.runnerName, runner.name)
  const askAll = (isSettled: boolean, withRun: boolean) =>
    Effect.all(
      { job: ifKnown((withRun ? askWithRun : ask)(client, job)), runner: isSettled ? unasked : askRunner },
      { concurrency: 2 }
    )
  const lookAround = Effect.fnUntraced(function* (isSettled: boolean, withRun: boolean) {
    const answer = yield* askAll(isSettled, withRun)
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
      Duration.toMillis(options.limit),
      Option.isNone(level.repo) ? "organisation" : "repository"
    )
    return { job: answer.job, end, decision }
  })
  let isSettled = false
  for (let looks = 1; ; looks++) {
    const isRunAsked = looks % RUN_EVERY === 0
    const first: Effect.Effect.Success<ReturnType<typeof lookAround>> = yield* lookAround(isSettled, isRunAsked)
    // a job that was not given to its runner may be one whose run is over
    const mayBeOver = first.decision._tag === "Replace" && !isRunAsked
    const { job: answer, end, decision }: typeof first = mayBeOver ? yield* lookAround(false, true) : first
    isSettled = Option.exists(answer, (job) => isOurs(job) && job.status === "in_progress")
    if (decision._tag === "Swapped") {
      const taken = Option.flatten(yield* ifKnown(options.taken))
      if (Option.isSome(taken) && taken.value.id !== job.id) {
        job = taken.value
        yield* options.swapped(taken.value)
      }
    } else if (decision._tag !== "Wait") {
      const mayGo =
        Option.isSome(end) ||
        Option.exists(answer, isOurs) ||
        // what GitHub denies, the runner may know better
        ((decision._tag !== "Gone" || !(yield* isAtWork(runner.vm))) &&
          // a runner that waits may get a job at any moment, until GitHub says that it is removed
          (yield* retire(client, level, runner.name)))
      const hasWords = decision._tag === "Replace" && decision.reason !== VM_LOST
      if (mayGo) return { decision, words: hasWords ? yield* Guest.lastWords(runner.vm, RUNNER) : "" } satisfies Outcome
    }
    // the end of the process cuts a wait short, once; after it GitHub is asked every second
    yield* Option.isSome(end)
      ? Effect.sleep("1 second")
      : Effect.raceFirst(
          Effect.sleep(Duration.times(options.every, isSettled ? SETTLED : 1)),
          Effect.exit(Deferred.await(process))
        )
  }
}, Effect.scoped)

const outcomeOf = (process: Deferred.Deferred<number, AnkaError>) =>
  Effect.map(
    Effect.exit(Deferred.await(process)),
    (exit): Pick<Observation, "process" | "exitCode"> =>
      Exit.isSuccess(exit) ? { process: "ended", exitCode: exit.value } : { process: "lost" }
  )
