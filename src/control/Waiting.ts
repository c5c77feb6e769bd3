/** The jobs that wait: each with the reason why this host does not run it, and how old what is known of them is. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { JobRequest, Template } from "../domain/Job.ts"
import { lateAfter } from "../job/Polling.ts"
import { Activity } from "../services/Activity.ts"
import { Capacity } from "../services/Capacity.ts"
import { templateIn } from "../services/Coordinator/order.ts"
import { classOf, type Listed, type Survey } from "../services/Coordinator.ts"
import { Coordinators } from "../services/Coordinators.ts"
import { type Surveyed, surveys } from "../services/CoordinatorView.ts"
import * as Shared from "../services/Shared.ts"
import { Templates } from "../services/Templates.ts"
import { BlockedReason, type HostSeen, handedBack, type JobSeen, ofHost, ofJob } from "./Blocked.ts"
import { DaemonInfo } from "./DaemonInfo.ts"

/** Maximum number of jobs of a scope that are listed. */
const LISTED = 100

/** A job that waits. Times are in milliseconds since the epoch. */
export const JobWaiting = Schema.Struct({
  key: Schema.String,
  name: Schema.String,
  /** Empty where its CI does not say. */
  workflow: Schema.String,
  repository: Schema.String,
  url: Schema.String,
  template: Schema.String,
  since: Schema.Number,
  /** Why this host does not run it; `none` where it is about to. */
  reason: BlockedReason,
  /** The same for people; empty for `none`. */
  why: Schema.String
})
export type JobWaiting = typeof JobWaiting.Type

/** A reason why this host does not run jobs, and how many it holds up. */
export const ReasonSeen = Schema.Struct({ reason: BlockedReason, why: Schema.String, jobs: Schema.Number })

/** The jobs of one template that wait. */
const ClassWaiting = Schema.Struct({
  template: Schema.String,
  jobs: Schema.Number,
  /** Number of them that come after all new jobs. */
  late: Schema.Number,
  /** Why this host runs none of them, and how many jobs each reason holds up. */
  reasons: Schema.Array(ReasonSeen)
})

/** The queue of a scope. */
export const QueueSeen = Schema.Struct({
  scope: Schema.String,
  store: Schema.String,
  /** Why nothing is known of it; empty where something is. */
  problem: Schema.String,
  /** When it was as it is described here; 0 if it has not been seen yet. */
  seenAt: Schema.Number,
  /** From then on it is older than it should be. */
  lateAt: Schema.Number,
  /** Number of jobs that wait, and of those that hosts have claimed. */
  jobs: Schema.Number,
  claimed: Schema.Number,
  /** The first jobs that wait. */
  waiting: Schema.Array(JobWaiting),
  classes: Schema.Array(ClassWaiting)
})
export type QueueSeen = typeof QueueSeen.Type

/** Timeout of a store that is asked about its queue: the rest of a status does not wait for it. */
const ASKED_WITHIN = "2 seconds"
/** Maximum number of templates that are looked up in `anka`, only during a pull or where a job was handed back. */
const TEMPLATES = 20

/** The template of a job class, as people write it: `<template>:<tag>`. */
export const templateOf = (jobClass: string): string => {
  const [template, tag] = templateIn(jobClass)
  return tag === "" ? `${template} (using latest)` : `${template}:${tag}`
}

const text = (value: unknown) => (typeof value === "string" ? value : "")

const described = ({ key, name, template, createdAt, fields }: JobRequest) => ({
  key,
  name,
  workflow: text(fields.workflowName),
  repository: [fields.owner, fields.repo]
    .map(text)
    .filter((part) => part !== "")
    .join("/"),
  url: text(fields.jobURL),
  template: `${template}`,
  since: createdAt
})

/** What `anka` is asked about templates, once for all jobs of a template. */
const lookUp = Effect.fnUntraced(function* (host: HostSeen, jobs: ReadonlyArray<Listed>) {
  const templates = yield* Templates
  const capacity = yield* Capacity
  const distinct = (of: ReadonlyArray<Listed>) =>
    [...new Map(of.map(({ job }) => [`${job.template}`, job.template]))].slice(0, TEMPLATES)
  const ask = <A>(of: ReadonlyArray<Listed>, about: string, question: (template: Template) => Effect.Effect<A>) =>
    Effect.map(
      Effect.forEach(
        distinct(of),
        ([name, template]) =>
          Effect.map(Shared.ask(`${about} ${name}`, question(template)), (answer) => [name, answer] as const),
        { concurrency: 4 }
      ),
      (answers) => new Map(answers)
    )
  const running = host.vms?.map(({ name }) => name)
  const available =
    host.pulls.length === 0 ? new Map<string, boolean>() : yield* ask(jobs, "template", templates.available)
  const tried = jobs.filter(({ record }) => record.excluded.length > 0)
  const lacks =
    running === undefined ? new Map() : yield* ask(tried, "lack", (template) => capacity.lack(template, running))
  return (template: Template): Pick<JobSeen, "isAvailable" | "lack"> => ({
    isAvailable: available.get(`${template}`) ?? true,
    lack: lacks.get(`${template}`) ?? Option.none()
  })
})

/** The waiting jobs of a scope, and why this host runs none of them. */
const listed = Effect.fnUntraced(function* (
  host: HostSeen,
  { view }: Surveyed,
  survey: Survey,
  jobs: ReadonlyArray<Listed>
) {
  const activity = yield* Activity
  const about = yield* lookUp(host, jobs)
  const nameOf = (id: string) => view.nameOf(survey.hosts.find((host) => host.id === id)?.info ?? "")
  return yield* Effect.forEach(jobs, (waiting) =>
    Effect.map(activity.noted(waiting.job.key), (note) => {
      const {
        job,
        record: { excluded, reserver }
      } = waiting
      const [block] = ofJob(host, {
        handedBack: handedBack({ self: view.self, hosts: survey.hosts, excluded, note, now: host.now }),
        reserver: reserver === "" || reserver === view.self ? "" : nameOf(reserver),
        ...about(job.template)
      })
      return {
        ofClass: classOf(job),
        ...described(job),
        reason: block?.reason ?? ("none" as const),
        why: block?.what ?? ""
      }
    })
  )
})

/** The reasons of a class: those of its listed jobs, and for the others what keeps this host from every job. */
const reasonsOf = (host: HostSeen, jobs: number, of: ReadonlyArray<JobWaiting>) => {
  const counts = new Map<BlockedReason, { readonly why: string; readonly jobs: number }>()
  const count = (reason: BlockedReason, why: string, more: number) =>
    counts.set(reason, { why: counts.get(reason)?.why ?? why, jobs: (counts.get(reason)?.jobs ?? 0) + more })
  for (const { reason, why } of of) count(reason, why, 1)
  const [common] = ofHost(host)
  if (jobs > of.length) count(common?.reason ?? "none", common?.what ?? "", jobs - of.length)
  return [...counts].map(([reason, rest]) => ({ reason, ...rest })).sort((a, b) => b.jobs - a.jobs)
}

/** The queue of every scope that services of this host watch. */
export const read = Effect.fn("Waiting.read")(function* (host: HostSeen) {
  const { views } = yield* Coordinators
  const { services, startedAt } = yield* DaemonInfo
  const now = yield* Clock.currentTimeMillis
  const slowest = services.map(({ sleepInterval }) => sleepInterval).reduce(Duration.max, Duration.zero)
  const late = Duration.toMillis(lateAfter(slowest))
  const found = yield* surveys(views, ASKED_WITHIN)
  return yield* Effect.forEach(found, (surveyed) =>
    Effect.gen(function* () {
      const { view, scope, store, survey } = surveyed
      const of = { scope, store }
      const jobs = Either.isLeft(survey)
        ? Either.left(survey.left)
        : yield* Effect.either(Shared.ask(`list ${store} ${scope}`, view.queue(scope, LISTED)))
      if (Either.isLeft(survey) || Either.isLeft(jobs)) {
        const problem =
          (Either.isLeft(survey) ? survey.left : Either.isLeft(jobs) ? jobs.left : undefined)?.message ?? ""
        const nothing: QueueSeen = {
          ...of,
          problem,
          seenAt: 0,
          lateAt: now,
          jobs: 0,
          claimed: 0,
          waiting: [],
          classes: []
        }
        return nothing
      }
      const { classes, owned, seenAt } = survey.right
      const waiting = yield* listed(host, surveyed, survey.right, jobs.right)
      const queue: QueueSeen = {
        ...of,
        problem: "",
        seenAt,
        lateAt: (seenAt === 0 ? startedAt : seenAt) + late,
        jobs: classes.reduce((sum, { jobs }) => sum + jobs, 0),
        claimed: owned,
        waiting: waiting.map(({ ofClass: _, ...job }) => job),
        classes: classes.map(({ name, jobs, late }) => ({
          template: templateOf(name),
          jobs,
          late,
          reasons: reasonsOf(
            host,
            jobs,
            waiting.filter(({ ofClass }) => ofClass === name)
          )
        }))
      }
      return queue
    })
  )
})
