import { assert, describe, it } from "vitest"
import { of } from "../../src/control/Stats.ts"
import type { Stage } from "../../src/domain/Stage.ts"
import type { Past } from "../../src/services/History.ts"

/** A job by the seconds at which it reached its stages; a stage may occur again. */
const past = (
  stages: ReadonlyArray<readonly [Stage, number]>,
  more: Partial<Pick<Past, "conclusion" | "cause">> & { readonly template?: string; readonly attempt?: number } = {}
): Past => {
  const { template = "sequoia:v1", attempt = 1, ...end } = more
  return {
    ...{ at: 1000, service: "RUNNER1", outcome: "finished", ...end },
    job: {
      ...{ name: "job", template, attempt, adopted: false, fields: {} },
      key: "job" as Past["job"]["key"],
      stages: stages.map(([stage, at]) => ({ stage, at: at * 1000 }))
    }
  }
}

/** A job that waited, fetched its template, booted and ran for this many seconds. */
const course = (wait: number, pull: number, boot: number, run: number, more: Parameters<typeof past>[1] = {}) =>
  past(
    [
      ["queued", 0],
      ["seen", wait / 2],
      ["claimed", wait],
      ["pulled", wait + pull],
      ["cloned", wait + pull + boot / 2],
      ["booted", wait + pull + boot],
      ["started", 100],
      ["done", 100 + run],
      ["clean", 200 + run]
    ],
    { conclusion: "success", ...more }
  )

describe("the figures of ended jobs", () => {
  it("are the median and the 95th percentile of each part, for each template", () => {
    const many = Array.from({ length: 100 }, (_, n) => course(n + 1, 0, 4, 10 * (n + 1)))
    const { jobs, templates, failures } = of([...many.toReversed(), course(1, 2, 3, 4, { template: "other" })])
    assert.strictEqual(jobs, 101)
    assert.deepStrictEqual(failures, [])
    const [first, second] = templates
    assert.deepInclude(first, { template: "sequoia:v1", jobs: 100, succeeded: 100, failed: 0, cancelled: 0 })
    assert.deepStrictEqual(first?.wait, { jobs: 100, median: 50_000, p95: 95_000 })
    assert.deepStrictEqual(first?.pull, { jobs: 100, median: 0, p95: 0 })
    assert.deepStrictEqual(first?.boot, { jobs: 100, median: 4000, p95: 4000 })
    assert.deepStrictEqual(first?.run, { jobs: 100, median: 500_000, p95: 950_000 })
    assert.deepInclude(second, { template: "other", wait: { jobs: 1, median: 1000, p95: 1000 } })
  })

  it("count only what is known: not the earlier stages of an adopted job, nor the first attempt as a wait for the next", () => {
    const adopted = past([
      ["queued", 0],
      ["done", 90]
    ])
    const again = course(50, 1, 2, 3, { attempt: 2 })
    const replaced = past([
      ["queued", 0],
      ["claimed", 5],
      ["pulled", 6],
      ["booted", 10],
      ["pulled", 60],
      ["booted", 67]
    ])
    const [all] = of([adopted, again, replaced]).templates
    assert.deepStrictEqual(all?.wait, { jobs: 1, median: 5000, p95: 5000 })
    assert.deepStrictEqual(all?.boot, { jobs: 2, median: 2000, p95: 7000 })
    assert.deepStrictEqual(all?.run, { jobs: 1, median: 3000, p95: 3000 })
    assert.deepInclude(of([adopted]).templates[0], { wait: null, pull: null, boot: null, run: null })
    assert.deepStrictEqual(of([]), { from: null, jobs: 0, templates: [], failures: [] })
  })

  it("say why jobs failed, the most frequent cause first", () => {
    const { templates, failures } = of([
      course(1, 1, 1, 1, { conclusion: "failure" }),
      past([], { cause: "template_unknown" }),
      past([], { cause: "template_unknown" }),
      past([]),
      course(1, 1, 1, 1, { conclusion: "cancelled" })
    ])
    assert.deepStrictEqual(failures, [
      { cause: "template_unknown", jobs: 2 },
      { cause: "failure", jobs: 1 }
    ])
    assert.deepInclude(templates[0], { jobs: 5, succeeded: 0, failed: 3, cancelled: 1 })
  })
})
