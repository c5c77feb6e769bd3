/** Figures of the jobs that have ended on this Mac, by template: how long they waited and ran, and why they failed. Pure. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Stage } from "../domain/Stage.ts"
import type { Past } from "../services/History.ts"

/** Conclusions of a job that failed, in the words of its CI. */
const FAILED: ReadonlySet<string> = new Set(["failure", "timed_out", "startup_failure", "action_required"])

/** Whether a job failed, at its CI or before it ran. */
export const hasFailed = ({ conclusion, cause }: Pick<Past, "conclusion" | "cause">): boolean =>
  conclusion === undefined ? cause !== undefined : FAILED.has(conclusion)

/** Durations in milliseconds. */
const Took = Schema.Struct({
  /** Number of jobs whose duration is known. */
  jobs: Schema.Number,
  median: Schema.Number,
  /** 95 of 100 took no longer. */
  p95: Schema.Number
})
export type Took = typeof Took.Type

/**
 * The parts of a job's course: from `queued` to its first claim, the template, clone and boot, and the run. Each is null
 * where it is known of no job.
 */
export const PARTS = ["wait", "pull", "boot", "run"] as const

const OfTemplate = Schema.Struct({
  template: Schema.String,
  jobs: Schema.Number,
  succeeded: Schema.Number,
  failed: Schema.Number,
  cancelled: Schema.Number,
  wait: Schema.NullOr(Took),
  pull: Schema.NullOr(Took),
  boot: Schema.NullOr(Took),
  run: Schema.NullOr(Took)
})
export type OfTemplate = typeof OfTemplate.Type

/** The figures. */
export const Stats = Schema.Struct({
  /** When the first of these jobs ended, in milliseconds since the epoch; null where there is none. */
  from: Schema.NullOr(Schema.Number),
  jobs: Schema.Number,
  /** Those with the most jobs first. */
  templates: Schema.Array(OfTemplate),
  /** Why jobs failed: the conclusion of one that ran, the cause of one that did not; the most frequent first. */
  failures: Schema.Array(Schema.Struct({ cause: Schema.String, jobs: Schema.Number }))
})
export type Stats = typeof Stats.Type

type Stages = Past["job"]["stages"]

/** Time from the last `from` before the last `to`; none where one is not known, as of a job that was adopted. */
const between = (stages: Stages, from: Stage, to: Stage): Option.Option<number> => {
  const end = stages.findLastIndex(({ stage }) => stage === to)
  const begin = stages.slice(0, Math.max(0, end)).findLast(({ stage }) => stage === from)
  return Option.map(Option.fromNullable(begin), ({ at }) => Math.max(0, (stages[end]?.at ?? at) - at))
}

/** The duration of each part of a job's course. */
const PART_OF: Readonly<Record<(typeof PARTS)[number], (job: Past["job"]) => Option.Option<number>>> = {
  // a later attempt waited for the earlier one as well
  wait: ({ stages, attempt }) => (attempt > 1 ? Option.none() : between(stages, "queued", "claimed")),
  pull: ({ stages }) => between(stages, "claimed", "pulled"),
  boot: ({ stages }) => between(stages, "pulled", "booted"),
  run: ({ stages }) => between(stages, "started", "done")
}

/** The smallest value that this part of all values does not exceed. */
const quantile = (sorted: ReadonlyArray<number>, part: number): number =>
  sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0

const tookOf = (durations: ReadonlyArray<number>): Took | null => {
  const sorted = durations.toSorted((a, b) => a - b)
  return sorted.length === 0
    ? null
    : { jobs: sorted.length, median: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) }
}

/** Items by a key, in the order of their first appearance. */
const grouped = <A>(
  items: ReadonlyArray<A>,
  keyOf: (item: A) => string
): ReadonlyArray<readonly [string, Array<A>]> => {
  const groups = new Map<string, Array<A>>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups].sort(([, a], [, b]) => b.length - a.length)
}

const ofTemplate = (template: string, jobs: ReadonlyArray<Past>): OfTemplate => {
  const took = (part: (typeof PARTS)[number]) => tookOf(jobs.flatMap(({ job }) => Option.toArray(PART_OF[part](job))))
  const concluded = (word: string) => jobs.filter(({ conclusion }) => conclusion === word).length
  return {
    template,
    jobs: jobs.length,
    succeeded: concluded("success"),
    failed: jobs.filter(hasFailed).length,
    cancelled: concluded("cancelled"),
    ...{ wait: took("wait"), pull: took("pull"), boot: took("boot"), run: took("run") }
  }
}

/** The figures of these jobs, which are listed newest first. */
export const of = (jobs: ReadonlyArray<Past>): Stats => ({
  from: jobs.at(-1)?.at ?? null,
  jobs: jobs.length,
  templates: grouped(jobs, ({ job }) => job.template).map(([template, jobs]) => ofTemplate(template, jobs)),
  failures: grouped(jobs.filter(hasFailed), ({ conclusion, cause }) => conclusion ?? cause ?? "").map(
    ([cause, { length }]) => ({ cause, jobs: length })
  )
})
