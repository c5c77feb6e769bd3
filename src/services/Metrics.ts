/**
 * What is counted and timed, under the names that Prometheus sees. Values that can be read at any moment are in
 * `Gauges.ts`.
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricKey from "effect/MetricKey"
import * as MetricLabel from "effect/MetricLabel"
import { Conclusion } from "../domain/Job.ts"
import { type Reached, STAGES } from "../domain/Stage.ts"

/**
 * A metric as known before anything was counted: labels with their possible values, which are empty if the config
 * decides them.
 */
export interface Family {
  readonly name: string
  readonly type: "counter" | "histogram"
  readonly help: string
  readonly labels: Readonly<Record<string, ReadonlyArray<string>>>
}

/** All metrics, as defined below. */
export const FAMILIES: Array<Family> = []

type Given<L extends Family["labels"]> = {
  readonly [K in keyof L]: L[K] extends readonly [] ? string : L[K][number]
}

/**
 * Returns the series for a combination of labels, with exactly these labels: any additional one would make another
 * series. Series are kept, because looking one up by its labels costs more than counting.
 */
const series = <Type, In, Out>(
  { labels }: Family,
  make: (labels: ReadonlyArray<MetricLabel.MetricLabel>) => Metric.Metric<Type, In, Out>
) => {
  const names = Object.keys(labels)
  const known = new Map<string, Metric.Metric<Type, In, Out>>()
  return (given: Readonly<Record<string, string>>) => {
    const values = names.map((name) => given[name] ?? "")
    const id = JSON.stringify(values)
    const metric = known.get(id) ?? make(names.map((name, n) => MetricLabel.make(name, values[n] ?? "")))
    known.set(id, metric)
    return metric
  }
}

const counter = <const L extends Family["labels"]>(name: string, help: string, labels: L) => {
  const family: Family = { name, type: "counter", help, labels }
  FAMILIES.push(family)
  const key = MetricKey.counter(name, { description: help, incremental: true })
  const of = series(family, (labels) => Metric.fromMetricKey(MetricKey.taggedWithLabels(key, labels)))
  return (given: Given<L>): Effect.Effect<void> => Effect.suspend(() => Metric.increment(of(given)))
}

const histogram = <const L extends Family["labels"]>(name: string, help: string, labels: L) => {
  const family: Family = { name, type: "histogram", help, labels }
  FAMILIES.push(family)
  const key = MetricKey.histogram(name, SECONDS, help)
  const of = series(family, (labels) => Metric.fromMetricKey(MetricKey.taggedWithLabels(key, labels)))
  return (given: Given<L>, ms: number): Effect.Effect<void> =>
    Effect.suspend(() => Metric.update(of(given), Math.max(0, ms) / 1000))
}

/** From a tenth of a second to half a day. */
const SECONDS = MetricBoundaries.fromIterable([
  0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400, 43_200
])

const stageTook = histogram(
  "anklet_job_stage_seconds",
  "Time from the stage before to this stage of a job; queued is its begin.",
  { stage: STAGES.slice(1) }
)

/** Records the time between each of these stages and the one before it. */
export const observe = (reached: ReadonlyArray<Reached>): Effect.Effect<void> =>
  Effect.forEach(reached.slice(1), ({ stage, at }, n) => stageTook({ stage }, at - (reached[n]?.at ?? at)), {
    discard: true
  })

/** A claim was closed. */
export const jobEnded = counter(
  "anklet_jobs_ended_total",
  "Jobs that left this host: finished (the CI knows how), failed (a try that counts), handed_back (nobody's fault, such as a full host or a stop).",
  { outcome: ["finished", "failed", "handed_back"] }
)

/** Why an attempt at a job failed; `job/Outcome.ts` decides which. */
export const CAUSES = [
  "anka_missing",
  "anka_not_found",
  "anka_name_exists",
  "anka_capacity_exceeded",
  "anka_registry_unavailable",
  "anka_tag_unknown",
  "anka_no_space",
  "anka_license_invalid",
  "anka_vm_failed",
  "anka_guest_unreachable",
  "anka_protocol",
  "anka_timeout",
  "anka_failed",
  "ci_failed",
  "github_unauthorized",
  "github_forbidden",
  "github_not_found",
  "github_conflict",
  "github_busy",
  "github_invalid",
  "github_rate_limited",
  "github_unavailable",
  "github_protocol",
  "template_pull_busy",
  "template_unknown",
  "template_registry_unavailable",
  "template_no_space",
  "template_failed",
  "registration_elsewhere",
  "registration_failed",
  "registration_unfit",
  "registration_refused",
  "runner_without_job",
  "script",
  "host_lock",
  "journal",
  "timeout"
] as const

/** A cause of a failure. */
export type Cause = (typeof CAUSES)[number]

/** An attempt at a job failed. */
export const jobFailed = counter("anklet_job_failures_total", "Tries at a job that ended before it ran, by cause.", {
  cause: CAUSES
})

/** A job that ran has ended. */
export const jobConcluded = counter("anklet_jobs_concluded_total", "Jobs that the CI calls ended, by its conclusion.", {
  service: [],
  conclusion: Conclusion.literals
})

/** A pull has ended, or was not started. */
export const pullEnded = counter(
  "anklet_pulls_total",
  "Pulls of templates, by how they ended; busy means that another pull was under way.",
  { result: ["pulled", "busy", "unknown", "registry_unavailable", "no_space", "failed", "interrupted"] }
)

/** Duration of a pull that got its template, in milliseconds. */
export const pullTook = histogram("anklet_pull_seconds", "Time that pulls took which got their template.", {})

/** Something that a crash or a failed clean-up left behind was removed. */
export const orphanRemoved = counter(
  "anklet_orphans_removed_total",
  "VMs and runners that a crash or a failed clean-up left behind, and that were removed later.",
  { kind: ["vm", "runner"] }
)

/** A VM or runner could not be removed, after all attempts. */
export const removalFailed = counter(
  "anklet_removals_failed_total",
  "VMs and runners that could not be removed when their job ended; they are tried again.",
  { kind: ["vm", "runner"] }
)

/** A pass has ended. */
export const passEnded = counter("anklet_passes_total", "Passes of a service, by how they ended.", {
  service: [],
  result: ["ok", "waiting", "failed"]
})

/** A heartbeat to the store, with its result. */
export const beaten = counter("anklet_store_beats_total", "Heartbeats to a shared store.", {
  result: ["heard", "failed"]
})

/** A shared store did not answer. */
export const storeSilent = counter(
  "anklet_store_questions_unanswered_total",
  "Questions that a shared store did not answer.",
  {}
)

/** GitHub answered, or did not. */
export const githubAnswered = counter(
  "anklet_github_requests_total",
  "Requests to GitHub by kind (poll looks for work) and by answer; 304 is not charged, limited is a refusal for too many, none is no answer.",
  { kind: ["poll", "essential"], status: ["2xx", "304", "3xx", "4xx", "5xx", "limited", "none"] }
)
