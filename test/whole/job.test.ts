import { afterEach, assert, describe, it } from "vitest"
import { type Lab, make, until } from "./lab.ts"

let lab: Lab

afterEach(() => lab.close())

describe("the built program", () => {
  it("starts, sees a queued job through real scripts in a simulated VM, and drains", async () => {
    lab = await make()
    const { jobs } = lab.queue({ steps: ["echo hello > greeting", "test -s greeting"] })
    const started = await lab.anklet()
    assert.strictEqual(started.code, 0, started.stderr)
    assert.include(started.stdout, `pid ${lab.pid()}`)
    await until("the job has ended", () => lab.world.job(jobs[0]?.id ?? 0).status === "completed")
    assert.strictEqual(lab.world.job(jobs[0]?.id ?? 0).conclusion, "success")
    const drained = await lab.anklet("-s", "drain")
    assert.strictEqual(drained.code, 0, drained.stderr)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    assert.deepStrictEqual(lab.errors(), [])
    assert.deepStrictEqual(lab.github.violations, [])
  })
})
