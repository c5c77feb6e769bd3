/** What each service does, since when, and how far its job has come: told by whoever does it, read by whoever asks. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { JobKey, type JobRequest, LogFields } from "../domain/Job.ts"
import { Reached, type Stage } from "../domain/Stage.ts"
import { without } from "../secrets/Secrets.ts"
import * as Limits from "../text/Limits.ts"
import * as Metrics from "./Metrics.ts"

/** A job that a service has in hand, or had lately. */
export const JobProgress = Schema.Struct({
  key: JobKey,
  name: Schema.String,
  template: Schema.String,
  attempt: Schema.Number,
  /** A crash of an earlier daemon left it, so nobody knows when its first stages were reached. */
  adopted: Schema.Boolean,
  stages: Schema.Array(Reached),
  fields: LogFields
})
export type JobProgress = typeof JobProgress.Type

/** What became of a job that a service had. */
export const Ended = Schema.Struct({
  service: Schema.String,
  job: JobProgress,
  /** `finished`, or why it went back to the queue. */
  outcome: Schema.String
})
export type Ended = typeof Ended.Type

/** What a service does now. Times are in milliseconds since the epoch. */
export const Doing = Schema.Union(
  Schema.TaggedStruct("Looking", {}),
  Schema.TaggedStruct("Waiting", { why: Schema.String, until: Schema.Number }),
  Schema.TaggedStruct("Working", { job: JobProgress }),
  Schema.TaggedStruct("Failing", { why: Schema.String, failures: Schema.Number, until: Schema.Number }),
  Schema.TaggedStruct("Drained", {})
)
export type Doing = typeof Doing.Type

/** A service, and since when it does what it does. */
export const ServiceActivity = Schema.Struct({
  name: Schema.String,
  plugin: Schema.String,
  since: Schema.Number,
  doing: Doing
})
export type ServiceActivity = typeof ServiceActivity.Type

/** Why a job was not run on this host the last time that it was looked at. */
export const Note = Schema.Struct({
  job: JobKey,
  why: Schema.String,
  at: Schema.Number,
  /** Not before this does this host try it again; 0 when nothing is in the way. */
  until: Schema.Number
})
export type Note = typeof Note.Type

/** What a pass tells of itself. */
export interface ProgressReporter {
  readonly state: (doing: Doing) => Effect.Effect<void>
  /** Jobs that the CI calls queued at this look. */
  readonly queued: (jobs: ReadonlyArray<JobRequest>) => Effect.Effect<void>
  /** Why nothing is taken in this pass. */
  readonly idleReason: (why: string) => Effect.Effect<void>
  /** A job that this host cannot run, or not now; `until` in milliseconds since the epoch. */
  readonly note: (job: JobKey, why: string, until: number) => Effect.Effect<void>
  /** A job is ours, or is ours again after a crash. */
  readonly started: (job: JobRequest, attempt: number, adopted: boolean) => Effect.Effect<void>
  /** Our runner took another job than planned. */
  readonly swapped: (job: JobRequest) => Effect.Effect<void>
  readonly stage: (stage: Stage) => Effect.Effect<void>
  /** The job is ours no more. */
  readonly ended: (outcome: string) => Effect.Effect<void>
}

const nothing = () => Effect.void
const silent: ProgressReporter = {
  state: nothing,
  queued: nothing,
  idleReason: nothing,
  note: nothing,
  started: nothing,
  swapped: nothing,
  stage: nothing,
  ended: nothing
}

/** Where the pass that runs now tells what it does; nobody listens where nothing is provided. */
export class Progress extends Context.Reference<Progress>()("anklet/Progress", {
  defaultValue: (): ProgressReporter => silent
}) {}

/** The job of this pass came so far. */
export const reached = (stage: Stage): Effect.Effect<void> =>
  Effect.flatMap(Progress, (progress) => progress.stage(stage))

/** A reason as it is remembered: it may quote what strangers wrote. */
const whyOf = (why: string): string => Limits.kept(without(why), Limits.REASON)

/** What a job is called, as it is remembered: a plugin, an older ledger or another host may have taken any of it from strangers. */
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

/** So many ended jobs, and notes about jobs, are remembered. */
const REMEMBERED = 50
const NOTED = 500

export class Activity extends Context.Tag("anklet/Activity")<
  Activity,
  {
    readonly services: Effect.Effect<ReadonlyArray<ServiceActivity>>
    /** Jobs that ended lately, the newest first. */
    readonly ended: Effect.Effect<ReadonlyArray<Ended>>
    /** When a job was first seen at the CI by this host; undefined if it was not. */
    readonly seenAt: (job: JobKey) => Effect.Effect<number | undefined>
    readonly noted: (job: JobKey) => Effect.Effect<Note | undefined>
    /** Every job that this host does not try again before a time that may have come by now. */
    readonly handedBack: Effect.Effect<ReadonlyArray<Note>>
    /** Where a service tells what it does. `ended` is run with each job that it had. */
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
        stage: (stage) =>
          Effect.flatMap(
            timed((at) => {
              const job = present()
              const service = services.get(name)
              if (job === undefined || service === undefined) return []
              const stages = [...job.stages, { stage, at }]
              services.set(name, { ...service, since: at, doing: { _tag: "Working", job: { ...job, stages } } })
              // nobody knows when a job that was adopted came as far as it was then
              return job.adopted && stage !== "clean" ? [] : stages
            }),
            (stages) => Metrics.observe(stages.slice(-2))
          ),
        ended: (outcome) =>
          Effect.suspend(() => {
            const job = present()
            if (job === undefined) return Effect.void
            const end: Ended = { service: name, job, outcome: whyOf(outcome) }
            ended.unshift(end)
            ended.length = Math.min(ended.length, REMEMBERED)
            return Effect.forEach(listeners, ({ hear }) => hear(end), { discard: true })
          })
      }
    }

    return Activity.of({
      services: Effect.sync(() => [...services.values()]),
      ended: Effect.sync(() => [...ended]),
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
