/** The jobs that wait, each with the reason, and those that run, here and on the Macs of the fleet: for `anklet jobs`. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { JobRequest, LogFields, Template } from "../domain/Job.ts"
import { Stage } from "../domain/Stage.ts"
import type { Found } from "../plugins/Plugin.ts"
import { Activity } from "../services/Activity.ts"
import type { Survey } from "../services/Coordinator.ts"
import { Coordinators } from "../services/Coordinators.ts"
import { type CoordinatorView, surveys } from "../services/CoordinatorView.ts"
import * as HostStatus from "../services/HostStatus.ts"
import { DaemonInfo, type ServiceInfo } from "./DaemonInfo.ts"
import * as Status from "./Status.ts"
import { explain } from "./why/explain.ts"
import { factsFrom, templateFacts } from "./why/facts.ts"

/** Maximum number of waiting jobs that are named. */
const NAMED = 500
/** Maximum number of jobs, and so of templates, that are asked about at a time. */
const AT_ONCE = 8

/** What a job is, as people know it. */
const About = {
  name: Schema.String,
  /** Empty where its CI has none. */
  workflow: Schema.String,
  /** `owner/name`, or the scope of the job. */
  repository: Schema.String,
  /** Empty for a job of another Mac, which does not publish it. */
  template: Schema.String,
  url: Schema.String
}

/** A job that waits. Times are in milliseconds since the epoch. */
const WaitingJob = Schema.Struct({ ...About, since: Schema.Number, attempt: Schema.Number, reason: Schema.String })

/** A job that a Mac has. */
const RunningJob = Schema.Struct({
  ...About,
  host: Schema.String,
  service: Schema.String,
  stage: Stage,
  /** When it reached this stage. */
  since: Schema.Number,
  /** Empty where it has none, or its host does not say. */
  vm: Schema.String,
  runner: Schema.String
})

/** The answer. */
export const Jobs = Schema.Struct({
  now: Schema.Number,
  /** In the order of the queue; of a longer one, the first 500 of each scope. */
  waiting: Schema.Array(WaitingJob),
  running: Schema.Array(RunningJob),
  /** Number of all jobs that wait. */
  queued: Schema.Number,
  /** Stores that did not answer: what waits there, and what other Macs run, is not known. */
  problems: Schema.Array(Schema.String)
})
export type Jobs = typeof Jobs.Type

/** The repository of a job, by what its plugin says of it; the scope without the plugin's name where it says nothing. */
export const repositoryOf = ({ owner, repo }: LogFields, scope: string): string =>
  owner !== undefined && repo !== undefined ? `${owner}/${repo}` : scope.replace(/^[^:]*:/, "")

const textOf = (value: string | number | undefined): string => `${value ?? ""}`

const aboutOf = ({ name, template, fields, scope }: JobRequest) => ({
  name,
  workflow: textOf(fields.workflowName),
  repository: repositoryOf(fields, scope),
  template: `${template}`,
  url: textOf(fields.jobURL)
})

/** What the CI would say of a job of the queue, without asking it. */
const foundOf = (job: JobRequest): Found => ({
  key: job.key,
  scope: job.scope,
  name: job.name,
  url: textOf(job.fields.jobURL),
  state: "queued",
  detail: "",
  request: Either.right(job)
})

/** A service that watches a scope: one of its plugin, which uses this coordinator. */
const watcherOf = (services: ReadonlyArray<ServiceInfo>, viewOf: (service: string) => CoordinatorView) => {
  return (scope: string, view: CoordinatorView): ServiceInfo | undefined => {
    const users = services.filter(({ name }) => viewOf(name) === view)
    return users.find(({ plugin }) => scope.startsWith(`${plugin}:`)) ?? users[0]
  }
}

/** The jobs of other Macs, by what these publish. */
const elsewhere = (view: CoordinatorView, hosts: Survey["hosts"], now: number) =>
  hosts
    .filter(({ id, until }) => id !== view.self && until > now)
    .flatMap(({ info, status }) =>
      Option.toArray(HostStatus.decode(status)).flatMap(({ services }) =>
        services.flatMap(({ name: service, since, job }) =>
          job === undefined
            ? []
            : [
                {
                  ...{ name: job.name, workflow: "", repository: "", template: "", url: job.url },
                  ...{ host: view.nameOf(info), service, stage: job.stage, since, vm: job.vm ?? "", runner: "" }
                }
              ]
        )
      )
    )

/** Ask this host and the store of every scope. */
export const read = Effect.fn("Jobs.read")(function* () {
  const { services } = yield* DaemonInfo
  const { views, viewOf } = yield* Coordinators
  const status = yield* Status.read()
  const watcher = watcherOf(services, viewOf)
  // `anka` is asked once for each template, not for each job
  const ofTemplate = yield* Effect.cachedFunction((template: Template) => templateFacts(template, status))
  const here = (yield* (yield* Activity).services).flatMap(({ name, since, doing }) =>
    doing._tag === "Working"
      ? [
          {
            name: doing.job.name,
            workflow: textOf(doing.job.fields.workflowName),
            repository: repositoryOf(doing.job.fields, ""),
            template: doing.job.template,
            url: textOf(doing.job.fields.jobURL),
            host: "this host",
            service: name,
            stage: doing.job.stages.at(-1)?.stage ?? "queued",
            since,
            vm: doing.job.vm ?? "",
            runner: doing.job.runner ?? ""
          }
        ]
      : []
  )
  const scopes = yield* Effect.forEach(yield* surveys(views), ({ view, scope, survey }) =>
    Effect.gen(function* () {
      const known = yield* survey
      const service = watcher(scope, view)
      if (service === undefined) return { waiting: [], running: [], queued: 0, problems: [] }
      const listed = yield* view.queue(scope, NAMED)
      const waiting = yield* Effect.forEach(
        listed,
        ({ job, record }) =>
          Effect.map(factsFrom(service, foundOf(job), { record, survey: known, status }, ofTemplate), (facts) => ({
            ...aboutOf(job),
            since: job.createdAt,
            attempt: record.attempt,
            reason: explain({ _tag: "Facts", facts }).answer.replace(/^it waits: /, "")
          })),
        { concurrency: AT_ONCE }
      )
      const queued = known.classes.reduce((sum, { jobs }) => sum + jobs, 0)
      return { waiting, queued, running: elsewhere(view, known.hosts, status.now), problems: [] }
    }).pipe(
      Effect.catchAll(({ message }) => Effect.succeed({ waiting: [], running: [], queued: 0, problems: [message] }))
    )
  )
  // a Mac is in each scope that it takes part in
  const others = new Map(
    scopes.flatMap(({ running }) => running.map((job) => [`${job.host} ${job.service}`, job] as const))
  )
  const jobs: Jobs = {
    now: status.now,
    waiting: scopes.flatMap(({ waiting }) => waiting),
    running: [...here, ...others.values()],
    queued: scopes.reduce((sum, { queued }) => sum + queued, 0),
    problems: [...new Set(scopes.flatMap(({ problems }) => problems))]
  }
  return jobs
})
