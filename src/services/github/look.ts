/** One look at what is watched: the jobs of all active runs, every page. Shared by all who ask at about the same time. */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { GitHubError, Job, Look, Watched } from "../GitHub.ts"
import type { Requests } from "./requests.ts"
import * as schemas from "./schemas.ts"

/** Runs in these states can hold queued jobs; asking for `queued` alone loses the later jobs of a run. */
const ACTIVE = ["queued", "in_progress"] as const
/** Runs in these states normally hold none, but sometimes do: they are asked for less often. */
const DORMANT = ["waiting", "pending", "requested"] as const
const DORMANT_EVERY = 60_000
/** Requests under way at once within one look; GitHub asks for few. */
const CONCURRENCY = 4
/** An organisation's list of repositories is asked for so often, in milliseconds. */
const REPOSITORIES_EVERY = 60_000
/** Of an organisation's quiet repositories so many are looked at in one look, in turn; those with active runs always. */
const QUIET_PER_LOOK = 20

type Run = (typeof schemas.Runs.Type)["workflow_runs"][number]

interface Repository {
  readonly owner: string
  readonly repo: string
}

const millis = (text: string): number =>
  Option.match(DateTime.make(text), { onNone: () => 0, onSome: DateTime.toEpochMillis })

/** A job as GitHub sends it, in our words. */
export const toJob = ({ owner, repo }: Repository, job: typeof schemas.Job.Type, runName = ""): Job => ({
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

/** Looks at one `Watched` over one credential. `installation`: the repositories of an organisation are those of the App's installation. */
export const make = (requests: Requests, watched: Watched, installation: boolean) => {
  const dormantAt = new Map<string, number>()
  const active = new Set<string>()
  let repositories: { readonly at: number; readonly list: ReadonlyArray<Repository> } | undefined
  let turn = 0
  let last: { readonly at: number; readonly exit: Exit.Exit<Look, GitHubError> } | undefined
  const lock = Effect.unsafeMakeSemaphore(1)

  const runsIn = ({ owner, repo }: Repository, status: string) =>
    Effect.map(
      requests.all(
        "poll",
        "GET /repos/{owner}/{repo}/actions/runs",
        { owner, repo, status, exclude_pull_requests: true },
        schemas.Runs
      ),
      (pages) => pages.flatMap(({ workflow_runs }) => workflow_runs)
    )

  const jobsOf = (repository: Repository, run: Run) =>
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

  const lookAt = Effect.fnUntraced(function* (repository: Repository) {
    const key = `${repository.owner}/${repository.repo}`
    const now = yield* Clock.currentTimeMillis
    const dormant = now - (dormantAt.get(key) ?? 0) >= DORMANT_EVERY
    const states = dormant ? [...ACTIVE, ...DORMANT] : ACTIVE
    const found = yield* Effect.forEach(states, (status) => runsIn(repository, status))
    if (dormant) dormantAt.set(key, now)
    // the filter is answered from an index that lags: the run's own state counts
    const runs = new Map(
      found
        .flat()
        .filter(({ status }) => status !== "completed")
        .map((run) => [run.id, run])
    )
    if (runs.size > 0) active.add(key)
    else active.delete(key)
    const jobs = yield* Effect.forEach(runs.values(), (run) => jobsOf(repository, run), { concurrency: CONCURRENCY })
    return jobs.flat()
  })

  const listed = Effect.fnUntraced(function* (owner: string) {
    const now = yield* Clock.currentTimeMillis
    if (repositories !== undefined && now - repositories.at < REPOSITORIES_EVERY) return repositories.list
    const found = installation
      ? (yield* requests.all("poll", "GET /installation/repositories", {}, schemas.InstallationRepositories)).flatMap(
          ({ repositories }) => repositories
        )
      : (yield* requests.all(
          "poll",
          "GET /orgs/{org}/repos",
          { org: owner, sort: "pushed" },
          schemas.Repositories
        )).flat()
    const list = found
      .filter(
        ({ archived, disabled, owner: { login } }) =>
          !archived && !disabled && login.toLowerCase() === owner.toLowerCase()
      )
      .map(({ name }) => ({ owner, repo: name }))
    repositories = { at: now, list }
    return list
  })

  /** Those with active runs, and the next few of the others. */
  const inTurn = (list: ReadonlyArray<Repository>) => {
    const isActive = ({ owner, repo }: Repository) => active.has(`${owner}/${repo}`)
    const quiet = list.filter((repository) => !isActive(repository))
    const start = quiet.length === 0 ? 0 : turn % quiet.length
    turn = start + QUIET_PER_LOOK
    return [...list.filter(isActive), ...[...quiet.slice(start), ...quiet.slice(0, start)].slice(0, QUIET_PER_LOOK)]
  }

  const ofOrganisation = Effect.fnUntraced(function* (owner: string) {
    const jobs = yield* Effect.forEach(
      inTurn(yield* listed(owner)),
      (repository) =>
        Effect.catchIf(
          lookAt(repository),
          // Actions is off there, or the repository went away
          ({ reason }) => reason === "NotFound",
          () => Effect.succeed<ReadonlyArray<Job>>([])
        ),
      { concurrency: CONCURRENCY }
    )
    return jobs.flat()
  })

  const look = Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const jobs = yield* Option.match(watched.repo, {
      onNone: () => ofOrganisation(watched.owner),
      onSome: (repo) => lookAt({ owner: watched.owner, repo })
    })
    return { jobs, at }
  })

  /** A look that is not older than `maxAge`. A look that failed while we waited for it failed for us too. */
  return (maxAge: Duration.DurationInput): Effect.Effect<Look, GitHubError> =>
    Effect.flatMap(Clock.currentTimeMillis, (asked) =>
      lock.withPermits(1)(
        Effect.gen(function* () {
          const at = yield* Clock.currentTimeMillis
          const oldest = asked - (last !== undefined && Exit.isSuccess(last.exit) ? Duration.toMillis(maxAge) - 1 : 0)
          // a look from the future was made before the clock was set back
          if (last !== undefined && last.at >= oldest && last.at <= at) return yield* last.exit
          return yield* look.pipe(
            Effect.onExit((exit) =>
              Effect.sync(() => {
                if (!Exit.isInterrupted(exit)) last = { at, exit }
              })
            )
          )
        })
      )
    )
}
