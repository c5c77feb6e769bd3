/** What is counted and timed, under the names that Prometheus sees. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import type { Reached } from "./Stage.ts"

/** From a tenth of a second to half a day. */
const SECONDS = MetricBoundaries.fromIterable([
  0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400, 43_200
])

const stages = Metric.histogram(
  "anklet_job_stage_seconds",
  SECONDS,
  "Time from the stage before to this stage of a job"
)

/** Time what lies between each of these stages and the one before it. */
export const observe = (reached: ReadonlyArray<Reached>): Effect.Effect<void> =>
  Effect.forEach(
    reached.slice(1),
    ({ stage, at }, n) =>
      Metric.update(Metric.tagged(stages, "stage", stage), Math.max(0, at - (reached[n]?.at ?? at)) / 1000),
    { discard: true }
  )
