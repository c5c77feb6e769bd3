/** What a plugin says of a CI whose jobs are scripts: which there are, how they stand, and who takes their results. */
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { LogFields } from "../domain/Job.ts"
import * as Limits from "../text/Limits.ts"
import type { Script } from "./Script.ts"

const textFor = (isFit: (text: string) => boolean, description: string) =>
  Schema.String.pipe(Schema.filter(isFit, { description }))

const lengthOf = Option.liftThrowable((value: unknown) => (JSON.stringify(value) ?? "").length)

/** Only values that fit into the request of a job. */
const small = <A, I>(schema: Schema.Schema<A, I>) =>
  schema.pipe(
    Schema.filter((value) => Option.exists(lengthOf(value), (length) => length <= Limits.DETAIL), {
      description: `JSON of at most ${Limits.DETAIL} characters`
    })
  )

/** A queued job, as the CI lists it. */
export const DirectJob = Schema.Struct({
  /** Unique in the scope; a re-run has another one. At most 2048 characters. */
  id: textFor((id) => id !== "" && Limits.address(id) === id, "1 to 2048 characters"),
  /** The VM template, and its tag; without one, the newest. */
  template: Schema.Struct({
    id: textFor(Limits.isTemplate, "the name of a template"),
    tag: Schema.optional(textFor(Limits.isTag, "the tag of a template"))
  }),
  /** What people call it; by default, its id. */
  name: Schema.optional(Schema.String),
  /** Milliseconds since the epoch: older jobs go first. By default, when it is polled first. */
  createdAt: Schema.optional(Limits.Moment),
  /** From 0 to 9, lowest first. */
  priority: Schema.optional(Schema.Int.pipe(Schema.between(0, 9))),
  /** What each line of the log about it says beside its name. */
  fields: Schema.optional(LogFields.pipe(small)),
  /** What its plugin needs to find it again, as JSON of at most 16,384 characters; it is kept on disk and in the store. */
  detail: Schema.optional(Schema.Unknown.pipe(small))
})

/** What identifies a job, also after a restart: `id` and `detail` as they were polled. */
export const DirectRef = Schema.Struct({ id: Schema.String, detail: Schema.optional(Schema.Unknown) })
export type DirectRef = typeof DirectRef.Type

/** How a job stands: `queued` as long as nothing has its result, whatever runs it; `gone` where the CI does not know it. */
export const DirectState = Schema.Literal("queued", "completed", "cancelled", "gone")
export type DirectState = typeof DirectState.Type

/** How a script ended. */
export interface Result {
  readonly exitCode: number
  /** What it printed, both streams in one, unchanged; of more than 1 MiB, the end. */
  readonly log: string
}

/** A CI whose jobs are scripts. Its effects may fail with any error, and have a minute each. */
export interface DirectCi<R> {
  /** What is watched; services and hosts that name the same share its queue. */
  readonly scope: string
  /** The queued jobs. One that is missing in a poll is forgotten, unless it runs. */
  readonly poll: Effect.Effect<ReadonlyArray<typeof DirectJob.Encoded>, unknown, R>
  /** How a job stands now: asked before it runs, and from time to time while it does. One that is `cancelled` or `gone` is stopped. */
  readonly state: (job: DirectRef) => Effect.Effect<DirectState, unknown, R>
  /** What its VM has to run. */
  readonly script: (job: DirectRef) => Effect.Effect<Script, unknown, R>
  /**
   * Take the result of a job, which is `completed` from then on. Tried again until it succeeds, for an hour; after that, or
   * where a stop comes first, the job may run again. After a crash, and after a lost answer, it gets the same result twice.
   */
  readonly finish: (job: DirectRef, result: Result) => Effect.Effect<void, unknown, R>
  /** Tell the job's author why no host can run it. */
  readonly tell?: (job: DirectRef, why: string) => Effect.Effect<void, unknown, R>
}
