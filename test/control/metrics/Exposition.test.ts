import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import { counted, render } from "../../../src/control/metrics/Exposition.ts"
import type { Family } from "../../../src/services/Metrics.ts"
import { promtool } from "../../whole/prometheus.ts"

const gauge = (label: string, help = "Help.") =>
  render([{ name: "anklet_x", type: "gauge", help, samples: [{ labels: { label }, value: 1 }] }])

describe("the text for Prometheus", () => {
  it("escapes what would end a label or a line", () => {
    assert.strictEqual(
      gauge('a "b" \\ c\nd', "one\\two\nthree"),
      '# HELP anklet_x one\\\\two\\nthree\n# TYPE anklet_x gauge\nanklet_x{label="a \\"b\\" \\\\ c\\nd"} 1\n'
    )
  })

  it("is understood whatever a label holds", () => {
    const labels = FastCheck.sample(FastCheck.string({ unit: "grapheme" }), { numRuns: 200, seed: 1 })
    const samples = [...new Set(labels)].map((label) => ({ labels: { label }, value: 1 }))
    const text = render([{ name: "anklet_x", type: "gauge", help: "Help.", samples }])
    assert.deepStrictEqual(promtool(["check", "metrics"], text), { status: 0, said: "" })
  })

  it("has every counter from the start, also those at 0, and histograms with all their parts", () =>
    Effect.gen(function* () {
      const families: ReadonlyArray<Family> = [
        { name: "test_total", type: "counter", help: "Counts.", labels: { who: [], how: ["well", "badly"] } },
        { name: "test_seconds", type: "histogram", help: "Times.", labels: {} }
      ]
      const tally = Metric.tagged(Metric.counter("test_total", { incremental: true }), "who", "me")
      yield* Metric.increment(Metric.tagged(tally, "how", "well"))
      const times = Metric.histogram("test_seconds", MetricBoundaries.fromIterable([1, 5]))
      yield* Effect.forEach([0.5, 3, 70], (seconds) => Metric.update(times, seconds))
      const text = render(counted(families, yield* Metric.snapshot))
      assert.strictEqual(
        text,
        [
          "# HELP test_total Counts.",
          "# TYPE test_total counter",
          'test_total{who="me",how="well"} 1',
          'test_total{who="me",how="badly"} 0',
          "# HELP test_seconds Times.",
          "# TYPE test_seconds histogram",
          'test_seconds_bucket{le="1"} 1',
          'test_seconds_bucket{le="5"} 2',
          'test_seconds_bucket{le="+Inf"} 3',
          "test_seconds_sum 73.5",
          "test_seconds_count 3",
          ""
        ].join("\n")
      )
      assert.deepStrictEqual(promtool(["check", "metrics"], text), { status: 0, said: "" })
    }).pipe(Effect.runPromise))
})
