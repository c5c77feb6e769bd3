import { assert, it } from "vitest"
import { run } from "./kills.ts"

it("kill -9 at random instants, ten of them: each job runs once, and nothing is left", async () => {
  const report = await run({ kills: 10, seed: 7, batch: 5 })
  assert.deepStrictEqual(report.violations, [])
  assert.isAbove(report.jobs, 4)
  assert.isAbove(report.withVm, 0)
})
