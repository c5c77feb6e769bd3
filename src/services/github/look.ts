/** One look at what is watched: the jobs of all active runs, every page. Shared by all who ask at about the same time. */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { bounded } from "../../Text.ts"
import type { GitHubError, Job, Look, Watched } from "../GitHub.ts"
import * as repositories from "./repositories.ts"
import type { Requests } from "./requests.ts"
import * as schemas from "./schemas.ts"

/** Runs in these states can hold queued jobs; asking for `queued` alone loses the later jobs of a run. */
const ACTIVE = ["queued", "in_progress"] as const
/** Runs in these states normally hold none, but sometimes do: they are asked for less often. */
const DORMANT = ["waiting", "pending", "requested"] as const
/** How often that is, in milliseconds. */
const DORMANT_EVERY = 60_000
/** Requests under way at once within one look; GitHub asks for few. */
const CONCURRENCY = 4

type Run = (typeof schemas.Runs.Type)["workflow_runs"][number]

/** What the last look saw of a repository. */
interface Seen {
  /** When the dormant states were asked for, in milliseconds since the epoch. */
  readonly dormantAt: number
  /** The runs that were listed as not completed. */
  readonly runs: ReadonlyMap<number, Run>
}

/** UTF-16 units of a name that are kept: strangers choose them, as long as they like. */
const NAME = 250

const millis = (text: string): number =>
  Option.match(DateTime.make(text), { onNone: () => 0, onSome: DateTime.toEpochMillis })

/** A job as GitHub sends it, in our words. */
export const toJob = ({ owner, repo }: repositories.Repository, job: typeof schemas.Job.Type, runName = ""): Job => ({
  id: job.id,
  owner,
  repo,
  runId: job.run_id,
  runAttempt: job.run_attempt,
  name: bounded(job.name, NAME),
  workflowName: bounded(job.workflow_name, NAME),
  runName: bounded(runName, NAME),
  headSha: job.head_sha,
  url: job.html_url,
  status: job.status,
  conclusion: job.conclusion,
  labels: job.labels,
  runnerName: job.runner_name,
  createdAt: millis(job.created_at || job.started_at)
})

const isRefused = ({ reason }: GitHubError) => reason === "NotFound" || reason === "Forbidden"

/** Ask for as little as possible of what a look asks for; tells the repositories that are refused. */
export const tryOut = (requests: Requests, { owner, repo }: Watched, installation: boolean) =>
  Effect.gen(function* () {
    const ask = (repository: repositories.Repository) =>
      requests.get("poll", "GET /repos/{owner}/{repo}/actions/runs", { ...repository, per_page: 1 }, schemas.Runs)
    if (Option.isSome(repo)) {
      yield* ask({ owner, repo: repo.value })
      return []
    }
    const some = yield* repositories.make(requests, owner, installation)(() => false)
    const results = yield* Effect.forEach(some, (repository) => Effect.either(ask(repository)), {
      concurrency: CONCURRENCY
    })
    const failures = results.flatMap((result) => (Either.isLeft(result) ? [result.left] : []))
    yield* Effect.forEach(failures.filter((failure) => !isRefused(failure)).slice(0, 1), Effect.fail)
    return failures
  })

/** Looks at one `Watched` over one credential. `installation`: the repositories of an organisation are those of the App's installation. */
export const make = (requests: Requests, watched: Watched, installation: boolean) => {
  const seen = new Map<string, Seen>()
  const chosen = repositories.make(requests, watched.owner, installation)
  const refused = new Set<string>()
  let last: { readonly at: number; readonly exit: Exit.Exit<Look, GitHubError> } | undefined
  let ended = 0
  const lock = Effect.unsafeMakeSemaphore(1)

  const runsIn = ({ owner, repo }: repositories.Repository, status: string) =>
    Effect.map(
      requests.all(
        "poll",
        "GET /repos/{owner}/{repo}/actions/runs",
        { owner, repo, status, exclude_pull_requests: true },
        schemas.Runs
      ),
      (pages) => pages.flatMap(({ workflow_runs }) => workflow_runs)
    )

  const jobsOf = (repository: repositories.Repository, run: Run) =>
    requests
      .all(
        "poll",
        "GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs",
        { ...repository, run_id: run.id, filter: "latest" },
        schemas.Jobs
      )
      .pipe(
        Effect.map((pages) =>
          pages.flatMap(({ jobs }) => jobs.map((job) => toJob(repository, job, run.display_title || run.name)))
        ),
        // a run that was deleted since it was listed has no jobs
        Effect.catchIf(
          ({ reason }) => reason === "NotFound",
          () => Effect.succeed<ReadonlyArray<Job>>([])
        )
      )

  const lookAt = Effect.fnUntraced(function* (repository: repositories.Repository) {
    const key = repositories.nameOf(repository)
    const now = yield* Clock.currentTimeMillis
    const before = seen.get(key)
    const dormant = before === undefined || now < before.dormantAt || now - before.dormantAt >= DORMANT_EVERY
    const states = dormant ? [...ACTIVE, ...DORMANT] : ACTIVE
    const found = yield* Effect.forEach(states, (status) => runsIn(repository, status))
    // the filter is answered from an index that lags: the run's own state counts
    const runs = new Map(
      found
        .flat()
        .filter(({ status }) => status !== "completed")
        .map((run) => [run.id, run])
    )
    // a run that left the lists is asked once more: it may have changed its state, or its page, between two requests
    const asked = new Map([...(before?.runs ?? []), ...runs])
    const jobs = yield* Effect.forEach(asked.values(), (run) => jobsOf(repository, run), { concurrency: CONCURRENCY })
    seen.set(key, { runs, dormantAt: dormant ? now : before.dormantAt })
    // a page that shifted while the list was walked names a job twice
    return [...new Map(jobs.flat().map((job) => [job.id, job])).values()]
  })

  /** A repository that the credential may not see, or where Actions is off, does not hide the others. */
  const unlessRefused = Effect.fnUntraced(function* (repository: repositories.Repository) {
    const key = repositories.nameOf(repository)
    const result = yield* Effect.either(lookAt(repository))
    if (Either.isRight(result)) {
      refused.delete(key)
      return result
    }
    if (!isRefused(result.left)) return yield* result.left
    seen.delete(key)
    if (!refused.has(key)) yield* Effect.logWarning(`${key} is left out: ${result.left.message}`)
    refused.add(key)
    return result
  })

  const ofOrganisation = Effect.gen(function* () {
    const some = yield* chosen((repository) => (seen.get(repositories.nameOf(repository))?.runs.size ?? 0) > 0)
    const results = yield* Effect.forEach(some, unlessRefused, { concurrency: CONCURRENCY })
    const [first] = results
    // refused everywhere: it is the credential
    if (first !== undefined && results.every(Either.isLeft)) yield* first
    return results.flatMap((result) => (Either.isRight(result) ? result.right : []))
  })

  const look = Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const jobs = yield* Option.match(watched.repo, {
      onNone: () => ofOrganisation,
      onSome: (repo) => lookAt({ owner: watched.owner, repo })
    })
    return { jobs, at }
  })

  /** A look that is not older than `maxAge`. A look that failed while we waited for it failed for us too. */
  return (maxAge: Duration.DurationInput): Effect.Effect<Look, GitHubError> =>
    Effect.gen(function* () {
      const asked = yield* Clock.currentTimeMillis
      const endedBefore = ended
      return yield* lock.withPermits(1)(
        Effect.gen(function* () {
          const at = yield* Clock.currentTimeMillis
          if (last !== undefined && Exit.isFailure(last.exit) && ended > endedBefore) return yield* last.exit
          // a look from the future was made before the clock was set back
          const fresh = last !== undefined && last.at > asked - Duration.toMillis(maxAge) && last.at <= at
          if (last !== undefined && fresh && Exit.isSuccess(last.exit)) return yield* last.exit
          return yield* Effect.onExit(look, (exit) =>
            Effect.sync(() => {
              // who left did not find anything out
              if (Exit.isInterrupted(exit)) return
              last = { at, exit }
              ended += 1
            })
          )
        })
      )
    })
}
