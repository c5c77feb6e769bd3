/** What each service does, since when, and the stage of its job: reported by passes, read for operators. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Conclusion, JobKey, type JobRequest, LogFields } from "../domain/Job.ts"
import { Reached, type Stage } from "../domain/Stage.ts"
import { without } from "../secrets/Secrets.ts"
import * as Limits from "../text/Limits.ts"
import * as Metrics from "./Metrics.ts"

/** A job of a service, present or recent. */
export const JobProgress = Schema.Struct({
  key: JobKey,
  name: Schema.String,
  template: Schema.String,
  attempt: Schema.Number,
  /** Left by an earlier daemon, so the times of its first stages are not known. */
  adopted: Schema.Boolean,
  /** The VM that runs it; absent before there is one. */
  vm: Schema.optional(Schema.String),
  /** Its runner, by the name that the CI shows. */
  runner: Schema.optional(Schema.String),
  stages: Schema.Array(Reached),
  fields: LogFields
})
export type JobProgress = typeof JobProgress.Type

/** What the program that got a job in its VM has told of itself. */
export const ProgramVersion = Schema.Struct({
  version: Schema.String,
  /** Whether the CI would give a program of this version no job. */
  isRefused: Schema.Boolean
})
export type ProgramVersion = typeof ProgramVersion.Type

/** What became of a job that a service had. */
export const Ended = Schema.Struct({
  service: Schema.String,
  job: JobProgress,
  /** `finished`, or why it went back to the queue. */
  outcome: Schema.String,
  /** How its CI says that it ended; absent where it did not end here. */
  conclusion: Schema.optional(Conclusion),
  /** What its failure here counts as; absent where there was none. */
  cause: Schema.optional(Schema.String),
  /** Folder of what was kept of it; absent where nothing was. */
  evidence: Schema.optional(Schema.String),
  /** Which program had it in its VM; absent where it did not tell. */
  program: Schema.optional(ProgramVersion)
})
export type Ended = typeof Ended.Type

/** What is known of an end before it is one. */
export type Learned = Pick<Ended, "conclusion" | "cause" | "evidence" | "program">

/** The activity of a service. Times are in milliseconds since the epoch. */
export const Doing = Schema.Union(
  Schema.TaggedStruct("Looking", {}),
  Schema.TaggedStruct("Waiting", { why: Schema.String, until: Schema.Number }),
  Schema.TaggedStruct("Working", { job: JobProgress }),
  Schema.TaggedStruct("Failing", { why: Schema.String, failures: Schema.Number, until: Schema.Number }),
  Schema.TaggedStruct("Drained", {})
)
export type Doing = typeof Doing.Type

/** A service, its activity, and when that began. */
export const ServiceActivity = Schema.Struct({
  name: Schema.String,
  plugin: Schema.String,
  since: Schema.Number,
  doing: Doing,
  /** Why the queue cannot be polled beside its job; absent where it can. */
  trouble: Schema.optional(Schema.String)
})
export type ServiceActivity = typeof ServiceActivity.Type

/** Why this host did not run a job when it last considered it. */
export const Note = Schema.Struct({
  job: JobKey,
  why: Schema.String,
  at: Schema.Number,
  /** This host does not try the job again before this; 0 when nothing is in the way. */
  until: Schema.Number
})
export type Note = typeof Note.Type

/** How a pass reports what it does. */
export interface ProgressReporter {
  readonly state: (doing: Doing) => Effect.Effect<void>
  /** The jobs that the CI called queued in this poll. */
  readonly queued: (jobs: ReadonlyArray<JobRequest>) => Effect.Effect<void>
  /** Why this pass takes no job. */
  readonly idleReason: (why: string) => Effect.Effect<void>
  /** Why the queue cannot be polled beside the job of this service; empty where it can. */
  readonly trouble: (why: string) => Effect.Effect<void>
  /** A job that this host cannot run, or not now; `until` in milliseconds since the epoch. */
  readonly note: (job: JobKey, why: string, until: number) => Effect.Effect<void>
  /** This service has the job, or has it again after a crash. */
  readonly started: (job: JobRequest, attempt: number, adopted: boolean) => Effect.Effect<void>
  /** The runner took another job than planned. */
  readonly swapped: (job: JobRequest) => Effect.Effect<void>
  /** The job has these, and no others any more: a VM, and perhaps a runner. */
  readonly using: (vm: string, runner?: string) => Effect.Effect<void>
  readonly stage: (stage: Stage) => Effect.Effect<void>
  /** The stages of the job that this service has. */
  readonly stages: Effect.Effect<JobProgress["stages"]>
  /** How the job ends; said before `ended`. */
  readonly learned: (how: Learned) => Effect.Effect<void>
  /** This service no longer has the job. */
  readonly ended: (outcome: string) => Effect.Effect<void>
}

const nothing = () => Effect.void
const silent: ProgressReporter = {
  state: nothing,
  queued: nothing,
  idleReason: nothing,
  trouble: nothing,
  note: nothing,
  started: nothing,
  swapped: nothing,
  using: nothing,
  stage: nothing,
  stages: Effect.succeed([]),
  learned: nothing,
  ended: nothing
}

/** The reporter of the present pass; by default, one that ignores everything. */
export class Progress extends Context.Reference<Progress>()("anklet/Progress", {
  defaultValue: (): ProgressReporter => silent
}) {}

/** Report that the job of this pass has reached a stage. */
export const reached = (stage: Stage): Effect.Effect<void> =>
  Effect.flatMap(Progress, (progress) => progress.stage(stage))

/** Report which VM, and which runner, the job of this pass has. */
export const using = (vm: string, runner?: string): Effect.Effect<void> =>
  Effect.flatMap(Progress, (progress) => progress.using(vm, runner))

/** The stages of the job of this pass. */
export const stages: Effect.Effect<JobProgress["stages"]> = Effect.flatMap(Progress, ({ stages }) => stages)

/** Report how the job of this pass ends. */
export const learned = (how: Learned): Effect.Effect<void> =>
  Effect.flatMap(Progress, (progress) => progress.learned(how))

/** A reason, cut to the length that is kept: it may quote strangers. */
const whyOf = (why: string): string => Limits.kept(without(why), Limits.REASON)

/** The names of a job, cut to the length that is kept: any of them may come from strangers. */
const calledOf = ({
  key,
  name,
  template,
  fields
}: JobRequest): Pick<JobProgress, "key" | "name" | "template" | "fields"> => ({
  key,
  name: Limits.kept(name, Limits.NAME),
  template: Limits.kept(`${template}`, 2 * Limits.LABEL),
  fields: Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [
      field,
      typeof value === "string" ? Limits.kept(value, Limits.ADDRESS) : value
    ])
  )
})

/** Maximum number of recent jobs kept. */
const RECENT = 50
/** Maximum number of notes kept. */
const NOTED = 500

/** What the services of this daemon do. */
export class Activity extends Context.Tag("anklet/Activity")<
  Activity,
  {
    readonly services: Effect.Effect<ReadonlyArray<ServiceActivity>>
    /** Recent jobs, the newest first. */
    readonly ended: Effect.Effect<ReadonlyArray<Ended>>
    /** Remember jobs of earlier daemons, the newest first, behind those of this one. */
    readonly recall: (jobs: ReadonlyArray<Ended>) => Effect.Effect<void>
    /** When this host first saw a job at its CI; undefined if it did not. */
    readonly seenAt: (job: JobKey) => Effect.Effect<number | undefined>
    readonly noted: (job: JobKey) => Effect.Effect<Note | undefined>
    /** The notes of all jobs that this host handed back; `until` may be over. */
    readonly handedBack: Effect.Effect<ReadonlyArray<Note>>
    /** The reporter of a service. */
    readonly of: (service: { readonly name: string; readonly plugin: string }) => ProgressReporter
    /**
     * Run this with each job that ends, as long as the scope lives. It runs in the service that had the job, before that
     * goes on, so that no job is missed, also not while the daemon stops: it must be quick, and leave the rest to a fiber.
     */
    readonly onEnd: (listener: (ended: Ended) => Effect.Effect<void>) => Effect.Effect<void, never, Scope.Scope>
  }
>() {
  static readonly layer = Layer.sync(Activity, () => {
    const services = new Map<string, ServiceActivity>()
    const ended: Array<Ended> = []
    const seen = new Map<string, Map<JobKey, number>>()
    const notes = new Map<JobKey, Note>()
    const listeners = new Set<{ readonly hear: (ended: Ended) => Effect.Effect<void> }>()
    const timed = <A>(act: (now: number) => A) => Effect.map(Clock.currentTimeMillis, act)
    const seenAt = (job: JobKey) => {
      for (const jobs of seen.values()) {
        const at = jobs.get(job)
        if (at !== undefined) return at
      }
      return undefined
    }

    const of = ({ name, plugin }: { readonly name: string; readonly plugin: string }): ProgressReporter => {
      const set = (doing: Doing, now: number) => void services.set(name, { name, plugin, since: now, doing })
      services.set(name, { name, plugin, since: 0, doing: { _tag: "Looking" } })
      let found = ""
      let end: Learned = {}
      const present = () => {
        const doing = services.get(name)?.doing
        return doing?._tag === "Working" ? doing.job : undefined
      }
      const begin = (job: JobRequest, attempt: number, adopted: boolean, now: number) => {
        const at = seenAt(job.key)
        const progress: JobProgress = {
          ...calledOf(job),
          attempt,
          adopted,
          stages: [
            { stage: "queued", at: job.createdAt },
            ...(at === undefined ? [] : [{ stage: "seen" as const, at }]),
            ...(adopted ? [] : [{ stage: "claimed" as const, at: now }])
          ]
        }
        end = {}
        set({ _tag: "Working", job: progress }, now)
        return progress
      }
      return {
        state: (doing) =>
          timed((now) => {
            if (doing._tag === "Looking") found = ""
            set(
              "why" in doing
                ? { ...doing, why: whyOf(doing._tag === "Waiting" && found !== "" ? found : doing.why) }
                : doing,
              now
            )
          }),
        queued: (jobs) =>
          timed((now) => {
            const [first] = jobs
            if (first === undefined) return seen.delete(name)
            const before = seen.get(name)
            return seen.set(name, new Map(jobs.map(({ key }) => [key, before?.get(key) ?? now])))
          }),
        idleReason: (why) =>
          Effect.sync(() => {
            found = why
          }),
        trouble: (why) =>
          Effect.sync(() => {
            const service = services.get(name)
            // its job may have ended during the poll
            if (service?.doing._tag !== "Working") return
            const { trouble: _, ...rest } = service
            services.set(name, why === "" ? rest : { ...rest, trouble: whyOf(why) })
          }),
        note: (job, why, until) =>
          timed((at) => {
            notes.delete(job)
            notes.set(job, { job, why: whyOf(why), at, until })
            for (const oldest of notes.keys()) if (notes.size > NOTED) notes.delete(oldest)
          }),
        started: (job, attempt, adopted) =>
          Effect.flatMap(
            timed((now) => begin(job, attempt, adopted, now)),
            ({ stages }) => (adopted ? Effect.void : Metrics.observe(stages))
          ),
        swapped: (job) =>
          timed((now) => {
            const before = present()
            if (before === undefined) return
            set({ _tag: "Working", job: { ...before, ...calledOf(job) } }, now)
          }),
        using: (vm, runner) =>
          Effect.sync(() => {
            const service = services.get(name)
            if (service?.doing._tag !== "Working") return
            const { runner: _, ...job } = service.doing.job
            const using = { ...job, vm, ...(runner === undefined ? {} : { runner }) }
            services.set(name, { ...service, doing: { _tag: "Working", job: using } })
          }),
        stage: (stage) =>
          Effect.flatMap(
            timed((at) => {
              const job = present()
              const service = services.get(name)
              if (job === undefined || service === undefined) return []
              const stages = [...job.stages, { stage, at }]
              services.set(name, { ...service, since: at, doing: { _tag: "Working", job: { ...job, stages } } })
              // the times of the earlier stages of an adopted job are not known
              return job.adopted && stage !== "clean" ? [] : stages
            }),
            (stages) => Metrics.observe(stages.slice(-2))
          ),
        stages: Effect.sync(() => present()?.stages ?? []),
        learned: (how) =>
          Effect.sync(() => {
            end = { ...end, ...how }
          }),
        ended: (outcome) =>
          Effect.suspend(() => {
            const job = present()
            if (job === undefined) return Effect.void
            const last: Ended = { service: name, job, outcome: whyOf(outcome), ...end }
            ended.unshift(last)
            ended.length = Math.min(ended.length, RECENT)
            return Effect.forEach(listeners, ({ hear }) => hear(last), { discard: true })
          })
      }
    }

    return Activity.of({
      services: Effect.sync(() => [...services.values()]),
      ended: Effect.sync(() => [...ended]),
      recall: (jobs) =>
        Effect.sync(() => {
          ended.push(...jobs)
          ended.length = Math.min(ended.length, RECENT)
        }),
      seenAt: (job) => Effect.sync(() => seenAt(job)),
      noted: (job) => Effect.sync(() => notes.get(job)),
      handedBack: Effect.sync(() => [...notes.values()].filter(({ until }) => until > 0)),
      of,
      onEnd: (hear) =>
        Effect.suspend(() => {
          const listener = { hear }
          return Effect.acquireRelease(
            Effect.sync(() => void listeners.add(listener)),
            () => Effect.sync(() => listeners.delete(listener))
          )
        })
    })
  })
}
