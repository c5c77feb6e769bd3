/** Seeing a job through: what GitHub and the VM tell, and what follows from it. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import { Conclusion } from "../../Job.ts"
import type { AnkaError } from "../../services/Anka.ts"
import type { GitHubClient, GitHubError, Job, Level, Runner as Registered } from "../../services/GitHub.ts"
import { ended, type Runner, retire } from "./runner.ts"

/** What is known at one moment. Unknown (a question that failed) decides nothing. */
export interface Observation {
  readonly job: Option.Option<Job>
  /** Our runner at GitHub; `gone` when GitHub does not know it any more. */
  readonly runner: Option.Option<Registered | "gone">
  /** The runner's process in the VM: running, ended, or the VM itself is lost. */
  readonly process: "running" | "ended" | "lost"
  /** Milliseconds since the runner was started, or since it last did something. */
  readonly idleFor: number
  /** Milliseconds since the process ended. */
  readonly endedFor: number
}

/** What follows. */
export type Decision =
  | { readonly _tag: "Wait" }
  /** The job is over. */
  | { readonly _tag: "Over"; readonly conclusion: Conclusion }
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
const toConclusion = Schema.decodeUnknownOption(Conclusion)

/** How GitHub says the job ended; unknown for a word that we do not know. */
export const conclusionOf = (job: Job): Conclusion =>
  Option.getOrElse(Option.flatMap(job.conclusion, toConclusion), () => "unknown")

/** What follows from what is known: the whole policy of watching, in one place. */
export const decide = (name: string, seen: Observation, limit: number): Decision => {
  const job = Option.getOrUndefined(seen.job)
  const runner = Option.getOrUndefined(seen.runner)
  const busy = runner !== undefined && runner !== "gone" && runner.busy
  if (job?.status === "completed") {
    const isOver: Decision = { _tag: "Over", conclusion: conclusionOf(job) }
    if (seen.process !== "running" || Option.contains(job.runnerName, name)) return isOver
    // it ended elsewhere, or before it began: our runner may have another job by now, and is not to be disturbed then
    return busy ? { _tag: "Swapped" } : runner === undefined ? wait : isOver
  }
  if (seen.process !== "running") {
    if (job?.status === "queued") {
      // it may have run another job so quickly that we did not see it
      if (seen.endedFor < SWAP_WITHIN) return { _tag: "Swapped" }
      return {
        _tag: "Replace",
        reason: seen.process === "lost" ? "its VM was lost" : "the runner ended without taking the job"
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
  // one that cannot be asked after may have a job by now
  if (seen.idleFor < limit || runner === undefined) return wait
  const within = Duration.format(Duration.millis(limit))
  return {
    _tag: "Replace",
    inVain: runner.online,
    reason: runner.online
      ? `the runner is online, but GitHub gave it no job within ${within}`
      : `the runner did not come online within ${within}; look at ~/actions-runner/runner.log in a VM of this template`
  }
}

/** How often a held job is looked at. Unchanged answers cost no rate limit. */
export const LOOK_EVERY = Duration.seconds(5)
/**
 * So many times less often while the job runs on our runner: that ends by itself when the job is cancelled, and its end is
 * seen at once. A fleet's running jobs would otherwise use up what GitHub allows one credential in a minute (900 points).
 */
const SETTLED = 6

/** A question that failed is an unknown answer; the outage is reported by the service's own look. */
const asked = <A>(question: Effect.Effect<A, GitHubError>) =>
  question.pipe(
    Effect.tapError((error) => Effect.logDebug(`not known for now: ${error.message}`)),
    Effect.option
  )

/** A job by its address at GitHub. */
export interface JobAddress {
  readonly owner: string
  readonly repo: string
  readonly id: number
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
  yield* ended(runner.vm).pipe(
    Effect.onExit(() => Effect.flatMap(Clock.currentTimeMillis, (now) => Ref.set(endedAt, Option.some(now)))),
    Effect.intoDeferred(process),
    Effect.forkScoped,
    Effect.interruptible
  )
  const startedAt = yield* Clock.currentTimeMillis
  const askRunner = asked(client.runner(level, runner.id))
  const unasked: typeof askRunner = Effect.succeedNone
  const runs = ({ status, runnerName }: Job): boolean =>
    status === "in_progress" && Option.contains(runnerName, runner.name)
  const ask = (isSettled: boolean) =>
    Effect.all(
      { job: asked(client.job(job.owner, job.repo, job.id)), runner: isSettled ? unasked : askRunner },
      { concurrency: 2 }
    )
  let isSettled = false
  while (true) {
    const answer: Effect.Effect.Success<ReturnType<typeof ask>> = yield* ask(isSettled)
    isSettled = Option.exists(answer.job, runs)
    const now = yield* Clock.currentTimeMillis
    const end = yield* Ref.get(endedAt)
    const decision = decide(
      runner.name,
      {
        job: answer.job,
        runner: Option.map(answer.runner, (runner) => Option.getOrElse(runner, () => "gone" as const)),
        process: Option.isNone(end) ? "running" : yield* outcomeOf(process),
        idleFor: now - startedAt,
        endedFor: Option.match(end, { onNone: () => 0, onSome: (end) => now - end })
      },
      Duration.toMillis(options.limit)
    )
    if (decision._tag === "Swapped") {
      const taken = Option.flatten(yield* asked(options.taken))
      if (Option.isSome(taken) && taken.value.id !== job.id) {
        job = taken.value
        yield* options.swapped(taken.value)
      }
    } else if (decision._tag !== "Wait") {
      const hadIt = Option.exists(answer.job, ({ runnerName }) => Option.contains(runnerName, runner.name))
      // a runner that waits may get a job at any moment, until GitHub says that it is removed
      if (Option.isSome(end) || hadIt || (yield* retire(client, level, runner.name))) return decision
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
  Effect.map(Effect.exit(Deferred.await(process)), (exit): "ended" | "lost" =>
    Exit.isSuccess(exit) ? "ended" : "lost"
  )
