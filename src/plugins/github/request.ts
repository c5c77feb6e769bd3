/** Between GitHub's jobs and ours. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { JobKey, JobRequest, type LogFields, Scope } from "../../domain/Job.ts"
import { classOf, rankOf } from "../../services/Coordinator/order.ts"
import type { Job, Watched } from "../../services/GitHub.ts"
import { type Plan, plan, type Refusal } from "./labels.ts"

/** What the plugin keeps of a job, also in the ledger: how to address it at GitHub. */
export const JobDetail = Schema.Struct({ owner: Schema.String, repo: Schema.String, id: Schema.Number })

/** Where GitHub is when nothing else is said. */
const GITHUB = "api.github.com"

/**
 * The scope of what a service watches: the same for all services and hosts that watch it, in whatever order they name its
 * parts. A server of one's own is named in it.
 */
export const scopeOf = (watched: ReadonlyArray<Watched>, apiUrl: string): Scope => {
  const server = apiUrl.replace(/^\w+:\/\//, "").replace(/\/.*$/, "")
  // no name at GitHub has a + in it
  const what = [...new Set(watched.map(({ fullName }) => fullName.toLowerCase()))].sort().join("+")
  return Scope.make(`github:${server === GITHUB ? "" : `${server}/`}${what}`.toLowerCase())
}

/** The server that a page of GitHub is on; empty for github.com. */
const serverOf = (url: string): string => url.match(/^https?:\/\/(?!github\.com\/)([^/]+)\//)?.[1] ?? ""

/** The job's key: its number, unique at a GitHub server, and the same when its repository or organisation is renamed. */
export const keyOf = ({ id, url }: Pick<Job, "id" | "url">): JobKey => {
  const server = serverOf(url)
  return JobKey.make(`github:${server === "" ? "" : `${server}/`}${id}`.toLowerCase())
}

/** What the log says of any job, under its own keys. */
export const about = (job: Job): LogFields => ({
  repo: job.repo,
  owner: job.owner,
  workflowName: job.workflowName,
  workflowRunName: job.runName,
  workflowRunId: job.runId,
  workflowJobId: job.id,
  workflowJobName: job.name,
  jobURL: job.url
})

/** What the log says of a job that is ours. */
export const fieldsOf = (job: Job, { template, uniqueId }: Plan): LogFields => ({
  ...about(job),
  ...Option.match(uniqueId, {
    onNone: () => ({}),
    onSome: (uniqueId) => ({ uniqueId, uniqueRunKey: `${job.runId}:${uniqueId}` })
  }),
  ankaTemplate: template.id,
  ankaTemplateTag: Option.getOrElse(template.tag, () => "(using latest)")
})

const requestOf = (scope: Scope, job: Job, plan: Plan): JobRequest =>
  JobRequest.make({
    key: keyOf(job),
    scope,
    name: job.name,
    template: plan.template,
    createdAt: job.createdAt,
    ...Option.match(plan.priority, { onNone: () => ({}), onSome: (priority) => ({ priority }) }),
    fields: fieldsOf(job, plan),
    detail: { owner: job.owner, repo: job.repo, id: job.id }
  })

/** The job as a request; none when it is not ours or cannot be satisfied. */
export const toRequest = (scope: Scope, job: Job): Option.Option<JobRequest> =>
  Option.flatMap(plan(job.labels, job.runId), (planned) =>
    Option.map(Either.getRight(planned), (plan) => requestOf(scope, job, plan))
  )

/** The jobs of a look that name a template, or seem to. */
export interface Sorted {
  /** Those that want a VM of ours. */
  readonly requests: ReadonlyArray<JobRequest>
  /** Those whose labels cannot be satisfied, with the reason. */
  readonly refused: ReadonlyArray<readonly [Job, Refusal]>
  /** Those that run, with what is probably not meant as their labels say it. */
  readonly doubted: ReadonlyArray<readonly [Job, string]>
  /** Those that nothing can be made of, and what was thrown: a fault of ours, or of a kind that is not known yet. */
  readonly broken: ReadonlyArray<readonly [Job, string]>
}

/** What becomes of one job. */
const sortOne = (scope: Scope, job: Job): Sorted => {
  const none: Sorted = { requests: [], refused: [], doubted: [], broken: [] }
  return Option.match(plan(job.labels, job.runId), {
    onNone: () => none,
    onSome: Either.match({
      onLeft: (refusal): Sorted => ({ ...none, refused: [[job, refusal]] }),
      onRight: (plan): Sorted => {
        const request = requestOf(scope, job, plan)
        // what the queue sorts by, and what a store is given: it must be possible of each job by itself
        classOf(request)
        rankOf(request)
        return {
          ...none,
          requests: [request],
          doubted: plan.doubts.length > 0 ? [[job, plan.doubts.join("; ")]] : []
        }
      }
    })
  })
}

/** Read the labels of these jobs, each by itself: one that makes this throw takes no other with it. */
export const sort = (scope: Scope, jobs: ReadonlyArray<Job>): Sorted => {
  const sorted = jobs.map((job) =>
    Either.getOrElse(
      Either.try({ try: () => sortOne(scope, job), catch: (error) => `${error}` }),
      (error): Sorted => ({ requests: [], refused: [], doubted: [], broken: [[job, error]] })
    )
  )
  return {
    requests: sorted.flatMap(({ requests }) => requests),
    refused: sorted.flatMap(({ refused }) => refused),
    doubted: sorted.flatMap(({ doubted }) => doubted),
    broken: sorted.flatMap(({ broken }) => broken)
  }
}
