/**
 * One poll of what is watched: the jobs of all active runs, from every page. Shared by all who ask at about the same
 * time.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { GitHubError, Job, Look, Repository, Trial, Watched } from "../GitHub.ts"
import { unavailable } from "./errors.ts"
import * as parts from "./parts.ts"
import * as repositories from "./repositories.ts"
import type { Requests } from "./requests.ts"
import * as schemas from "./schemas.ts"

/** States of runs that can hold queued jobs; listing `queued` alone would miss the later jobs of a run. */
const ACTIVE = ["queued", "in_progress"] as const
/** States of runs that normally hold no queued jobs, but sometimes do: they are listed less often. */
const DORMANT = ["waiting", "pending", "requested"] as const
const dormantStates: ReadonlySet<string> = new Set(DORMANT)
/** Interval between listings of the dormant states, in milliseconds. */
const DORMANT_EVERY = 60_000
/** Maximum number of concurrent requests within one poll; GitHub recommends few. */
const CONCURRENCY = 4
/**
 * Timeout of a request that failed before: the rest of the poll would wait with it. GitHub itself ends a request after
 * the same time.
 */
const PATIENCE = "10 seconds"

type Run = typeof schemas.Run.Type

/** What the last poll found in a repository. */
interface Seen {
  /** When the dormant states were listed, in milliseconds since the epoch. */
  readonly dormantAt: number
  /** The runs that were listed as not completed. */
  readonly runs: ReadonlyMap<number, Run>
}

/** What one poll found in a repository. */
interface Found {
  readonly jobs: ReadonlyArray<Job>
  readonly outcomes: parts.Outcomes
  /** Whether no requested page is missing, and no item was left out. */
  readonly isWhole: boolean
}

/** Milliseconds since the epoch; 0 for what is not a date, or before it. */
const millis = (text: string): number =>
  Option.match(DateTime.make(text), { onNone: () => 0, onSome: (at) => Math.max(0, DateTime.toEpochMillis(at)) })

/** Identifies a repository whatever its name; by its name if its number is not known. */
const keyOf = (repository: Repository) =>
  repository.id === 0 ? repositories.nameOf(repository) : String(repository.id)

/** Converts a job as GitHub sends it. */
export const toJob = (
  { owner, repo }: Pick<Repository, "owner" | "repo">,
  job: typeof schemas.Job.Type,
  runName = ""
): Job => ({
  id: job.id,
  owner,
  repo,
  runId: job.run_id,
  runAttempt: job.run_attempt,
  name: job.name,
  workflowName: job.workflow_name,
  runName,
  headSha: job.head_sha,
  url: job.html_url,
  status: job.status,
  conclusion: job.conclusion,
  labels: job.labels,
  runnerName: job.runner_name,
  createdAt: millis(job.created_at || job.started_at)
})

/** Requests as little as possible of what a poll requests. */
export const tryOut = (
  requests: Requests,
  watched: Watched,
  installation: boolean
): Effect.Effect<Trial, GitHubError> =>
  Effect.gen(function* () {
    const known = yield* repositories.look(requests, watched, installation)
    const some = known.repositories.slice(0, repositories.QUIET_PER_LOOK)
    const results = yield* Effect.forEach(
      some,
      ({ owner, repo }) =>
        Effect.either(
          requests.get("poll", "GET /repos/{owner}/{repo}/actions/runs", { owner, repo, per_page: 1 }, schemas.Runs)
        ),
      { concurrency: CONCURRENCY }
    )
    const failures = results.flatMap((result) => (Either.isLeft(result) ? [result.left] : []))
    const [first] = failures
    const forAll = failures.find(parts.isForAll)
    // if one repository fails, that concerns it alone; if all do, it concerns the credential or GitHub
    if (first !== undefined && (forAll !== undefined || failures.length === some.length)) return yield* forAll ?? first
    const { nothing, renamed, open, missing } = known
    return { hidden: [...failures, ...Option.toArray(missing)], nothing, renamed, open }
  })

/**
 * Polls one `Watched` with one credential. `installation`: the repositories of an organisation are those of the App's
 * installation.
 */
export const make = (requests: Requests, watched: Watched, installation: boolean) => {
  const seen = new Map<string, Seen>()
  const chosen = repositories.make(requests, watched, installation)
  const troubles = parts.make()
  let last: { readonly at: number; readonly exit: Exit.Exit<Look, GitHubError> } | undefined
  let ended = 0
  const lock = Effect.unsafeMakeSemaphore(1)

  const runsIn = ({ owner, repo }: Repository, status: string) =>
    requests.some(
      "poll",
      "GET /repos/{owner}/{repo}/actions/runs",
      { owner, repo, status, exclude_pull_requests: true },
      schemas.Runs
    )

  const jobsOf = ({ owner, repo }: Repository, run: Run) =>
    requests
      .some(
        "poll",
        "GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs",
        { owner, repo, run_id: run.id, filter: "latest" },
        schemas.Jobs
      )
      .pipe(
        // a run that was deleted since it was listed has no jobs
        Effect.catchIf(
          ({ reason }) => reason === "NotFound",
          () => Effect.succeed({ items: [], missing: Option.none<GitHubError>(), isWhole: true })
        )
      )

  const impatiently = <A>(question: Effect.Effect<A, GitHubError>, failed: boolean, request: string) =>
    failed
      ? Effect.timeoutFail(question, {
          duration: PATIENCE,
          onTimeout: () => unavailable(request, `no answer within ${PATIENCE}`)
        })
      : question

  /**
   * Polls one repository; reports the parts that cannot be read. Fails if none can. `failed`: it could not be read last
   * time.
   */
  const lookAt = Effect.fnUntraced(function* (repository: Repository, failed: boolean) {
    const name = repositories.nameOf(repository)
    const outcomes: parts.Outcomes = new Map()
    const now = yield* Clock.currentTimeMillis
    const before = seen.get(keyOf(repository))
    const dormant = before === undefined || now < before.dormantAt || now - before.dormantAt >= DORMANT_EVERY
    const listOf = (status: string): parts.Part => ({ repository: name, what: `runs that are ${status}` })
    const errors: Array<GitHubError> = []
    const listed: Array<Run> = []
    let isWhole = true
    for (const status of dormant ? [...ACTIVE, ...DORMANT] : ACTIVE) {
      const request = `GET /repos/${name}/actions/runs?status=${status}`
      const answer = yield* troubles.ask(outcomes, listOf(status), (failedBefore) =>
        impatiently(runsIn(repository, status), failed || failedBefore, request)
      )
      if (Either.isLeft(answer)) {
        errors.push(answer.left)
        // without these there is nothing: the other states hardly ever hold a job
        const isLast = status === ACTIVE[ACTIVE.length - 1] && errors.length === ACTIVE.length
        const isSilent = failed && answer.left.status === undefined && !dormantStates.has(status)
        if (isLast || isSilent) return yield* errors[0] ?? answer.left
        continue
      }
      listed.push(...answer.right.items)
      isWhole &&= answer.right.isWhole
      if (Option.isSome(answer.right.missing)) troubles.lacks(outcomes, listOf(status), answer.right.missing.value)
    }
    if (!dormant) for (const status of DORMANT) troubles.passOver(outcomes, listOf(status))
    // GitHub answers the filter from an index that lags: the run's own state counts
    const runs = new Map(listed.filter(({ status }) => status !== "completed").map((run) => [run.id, run]))
    // a run that left the lists is requested once more: its state, or its page, may have changed between two requests
    const asked = new Map([...(before?.runs ?? []), ...runs])
    const results = yield* Effect.forEach(
      asked.values(),
      (run) => {
        const part = { repository: name, what: `jobs of run ${run.id}` }
        return Effect.map(
          troubles.ask(outcomes, part, (failedBefore) =>
            impatiently(jobsOf(repository, run), failedBefore, `GET /repos/${name}/actions/runs/${run.id}/jobs`)
          ),
          (answer) => ({ run, part, answer })
        )
      },
      { concurrency: CONCURRENCY }
    )
    const jobs = new Map<number, Job>()
    /** Runs with jobs that are not completed, or not known. */
    const open = new Set<number>()
    for (const { run, part, answer } of results) {
      if (Either.isLeft(answer)) {
        open.add(run.id)
        continue
      }
      const { items, missing } = answer.right
      isWhole &&= answer.right.isWhole
      if (Option.isSome(missing)) troubles.lacks(outcomes, part, missing.value)
      for (const job of items) {
        // a page that shifted while the list was read contains a job twice
        jobs.set(job.id, toJob(repository, job, run.display_title || run.name))
        if (job.status !== "completed") open.add(run.id)
      }
    }
    const failures = results.flatMap(({ answer }) => (Either.isLeft(answer) ? [answer.left] : []))
    const [first] = failures
    if (first !== undefined && failures.length > 1 && failures.length === results.length) return yield* first
    // while a list cannot be read, an open run is kept, because it may be on that list
    const kept =
      errors.length > 0 || !isWhole ? new Map([...asked].filter(([id]) => runs.has(id) || open.has(id))) : runs
    seen.set(keyOf(repository), { runs: kept, dormantAt: dormant ? now : before.dormantAt })
    const found: Found = { jobs: [...jobs.values()], outcomes, isWhole }
    return found
  })

  /** The jobs of these repositories. One that cannot be read does not hide the others; fails if none can be. */
  const lookAtAll = Effect.fnUntraced(function* (
    some: ReadonlyArray<Repository>,
    outcomes: parts.Outcomes,
    answered: boolean
  ) {
    let works = answered
    let failing = 0
    const results = yield* Effect.forEach(
      some,
      (repository) =>
        Effect.gen(function* () {
          const part = { repository: repositories.nameOf(repository), what: "" }
          const result = yield* troubles.ask(outcomes, part, (failed) => lookAt(repository, failed))
          if (Either.isRight(result)) {
            works = true
            for (const [key, outcome] of result.right.outcomes) outcomes.set(key, outcome)
          } else {
            failing += 1
            if (parts.isRefused(result.left)) seen.delete(keyOf(repository))
            // if GitHub does not answer, the remaining repositories are not requested
            else if (!works && failing >= CONCURRENCY) return yield* result.left
          }
          return result
        }),
      { concurrency: CONCURRENCY }
    )
    const [first] = results
    if (first !== undefined && results.every(Either.isLeft)) yield* first
    return results.flatMap((result) => (Either.isRight(result) ? [result.right] : []))
  })

  const look = Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const outcomes: parts.Outcomes = new Map()
    const {
      repositories: some,
      answered,
      missing,
      nothing
    } = yield* chosen.choose((repository) => (seen.get(keyOf(repository))?.runs.size ?? 0) > 0)
    const list = { repository: watched.owner, what: "the list of its repositories" }
    if (Option.isSome(missing)) troubles.lacks(outcomes, list, missing.value)
    else troubles.works(outcomes, list)
    const found = yield* lookAtAll(some, outcomes, answered)
    yield* troubles.learn(outcomes, (name) => name === watched.owner || chosen.isWatched(name))
    return {
      jobs: found.flatMap(({ jobs }) => jobs),
      at,
      isWhole: troubles.isWhole() && found.every(({ isWhole }) => isWhole),
      nothing
    }
  })

  /** A poll not older than `maxAge`. A poll that failed while the caller waited for it also fails for the caller. */
  const shared = (maxAge: Duration.DurationInput): Effect.Effect<Look, GitHubError> =>
    Effect.gen(function* () {
      const asked = yield* Clock.currentTimeMillis
      const endedBefore = ended
      return yield* lock.withPermits(1)(
        Effect.gen(function* () {
          const at = yield* Clock.currentTimeMillis
          if (last !== undefined && Exit.isFailure(last.exit) && ended > endedBefore) return yield* last.exit
          // a poll from the future dates from before the clock was set back
          const fresh = last !== undefined && last.at > asked - Duration.toMillis(maxAge) && last.at <= at
          if (last !== undefined && fresh && Exit.isSuccess(last.exit)) return yield* last.exit
          return yield* Effect.onExit(look, (exit) =>
            Effect.sync(() => {
              // an interrupted poll has no result
              if (Exit.isInterrupted(exit)) return
              last = { at, exit }
              ended += 1
            })
          )
        })
      )
    })

  return { look: shared, named: chosen.named }
}
