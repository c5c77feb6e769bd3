import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { type Lab, make } from "../whole/lab.ts"

const HOUR = 3_600_000

let lab: Lab

/** A line of the history: a job that ended this many hours ago, and ran for this many seconds. */
const line = (hours: number, seconds: number, template: string, end: Record<string, string>) => {
  const at = Date.now() - hours * HOUR
  const stages = [
    { stage: "queued", at: at - 100_000 },
    { stage: "claimed", at: at - 95_000 },
    { stage: "started", at: at - seconds * 1000 },
    { stage: "done", at }
  ]
  const job = { key: `${hours}`, name: "job", template, attempt: 1, adopted: false, stages, fields: {} }
  return JSON.stringify({ at, service: "RUNNER1", outcome: "finished", job, ...end })
}

describe("anklet stats", () => {
  beforeEach(async () => {
    lab = await make()
  })
  afterEach(() => lab.close())

  it("shows by template how long jobs took, and why they failed, without a daemon", async () => {
    const none = await lab.anklet("stats")
    assert.deepStrictEqual([none.code, none.stdout], [0, "no job that has ended is recorded\n"], none.stderr)
    const state = join(lab.folder, "daemon", "state")
    mkdirSync(state, { recursive: true, mode: 0o700 })
    const lines = [
      line(50, 70, "old:v1", { conclusion: "success" }),
      line(3, 10, "sequoia:v1", { conclusion: "success" }),
      line(2, 30, "sequoia:v1", { conclusion: "failure" }),
      '{"half a line',
      line(1, 20, "sequoia:v1", { conclusion: "success" }),
      line(0, 1, "\u001b]0;title\u0007", { cause: "template_unknown" })
    ]
    writeFileSync(join(state, "history.jsonl"), `${lines.join("\n")}\n`, { mode: 0o600 })
    const { stdout } = await lab.anklet("stats")
    assert.notInclude(stdout, "\u001b")
    assert.match(stdout, /^5 jobs that ended on this Mac since \d{4}-\d\d-\d\d \d\d:\d\d UTC$/m)
    assert.match(
      stdout,
      /^sequoia:v1\n3 jobs: 2 succeeded, 1 failed, 0 cancelled\n +median +95th percentile +jobs\nwait for a claim +5 s +5 s +3\ntemplate +– +– +0\nclone and boot +– +– +0\nrun +20 s +30 s +3$/m
    )
    assert.match(stdout, /^Failures: 2\ncause +jobs\n/m)
    assert.match(stdout, /^template_unknown +1$/m)

    const json = await lab.anklet("stats", "--json", "--since", "1d", "--template", "SEQ")
    const { jobs, templates, failures } = JSON.parse(json.stdout)
    assert.deepStrictEqual([jobs, failures], [3, [{ cause: "failure", jobs: 1 }]])
    assert.deepStrictEqual(templates[0].run, { jobs: 3, median: 20_000, p95: 30_000 })
    assert.strictEqual((await lab.anklet("stats", "--since", "soon")).code, 2)
  })
})
