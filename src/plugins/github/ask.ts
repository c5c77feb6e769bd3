/** What GitHub says of a job: also that there is none, or that its run is over and takes it along. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { GitHubClient, GitHubError, Job, Run } from "../../services/GitHub.ts"

/** A job by its address at GitHub. */
export interface JobAddress {
  readonly owner: string
  readonly repo: string
  readonly id: number
}

/** A job as GitHub tells it, or `gone`: GitHub does not know it, its run, or its repository. */
export type Answer = Job | "gone"

/** A 404 counts when it is said again after this: GitHub's copies do not always agree at once. */
const AGAIN_AFTER = "2 seconds"

const orGone = <A>(question: Effect.Effect<A, GitHubError>) => {
  const once = Effect.catchIf(
    question,
    ({ reason }) => reason === "NotFound",
    () => Effect.succeed("gone" as const)
  )
  return Effect.flatMap(once, (answer) =>
    answer === "gone" ? Effect.zipRight(Effect.sleep(AGAIN_AFTER), once) : Effect.succeed(answer)
  )
}

/** Whether a run will never start this job any more. A run that is behind the job's attempt was reported before the re-run. */
const isOver = (run: Run, { runAttempt }: Job): boolean =>
  run.attempt > runAttempt || (run.attempt === runAttempt && run.status === "completed")

const hasBegun = ({ status }: Job): boolean => status === "in_progress" || status === "completed"

/** Ask after a job. One answer of 404 is no answer: it takes two. */
export const ask = (client: GitHubClient, { owner, repo, id }: JobAddress): Effect.Effect<Answer, GitHubError> =>
  orGone(client.job(owner, repo, id))

/**
 * Ask after a job, and after its run where the job has not begun: GitHub goes on forever calling a job queued whose run
 * failed to start or was cancelled. Such a job counts as completed, with its run's conclusion.
 */
export const askWithRun = (client: GitHubClient, address: JobAddress): Effect.Effect<Answer, GitHubError> =>
  Effect.flatMap(ask(client, address), (job) =>
    job === "gone" || hasBegun(job)
      ? Effect.succeed(job)
      : Effect.map(orGone(client.run(address.owner, address.repo, job.runId)), (run): Answer => {
          if (run === "gone") return run
          const conclusion = Option.orElseSome(run.conclusion, () => "cancelled")
          return isOver(run, job) ? { ...job, status: "completed", conclusion } : job
        })
  )
