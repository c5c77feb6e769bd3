import { stripVTControlCharacters } from "node:util"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { LABELS, type Lab, make, OTHER, until } from "../whole/lab.ts"

const WAITS = ["while [ ! -e ../../go ]; do sleep 0.05; done"]

let lab: Lab

const jobsOf = async (...args: ReadonlyArray<string>) => {
  const { code, stdout, stderr } = await lab.anklet("jobs", "--json", ...args)
  assert.strictEqual(code, 0, stderr)
  return JSON.parse(stdout)
}
const names = (jobs: ReadonlyArray<{ readonly name?: string; readonly job?: { readonly name: string } }>) =>
  jobs.map(({ name, job }) => job?.name ?? name)

describe("anklet jobs", () => {
  beforeEach(async () => {
    lab = await make({ services: 2 })
  })
  afterEach(() => lab.close())

  it("tells what waits and why, what runs and where, and what ended, also without a daemon", async () => {
    const tags = LABELS.map((label) => label.replace("tag:v1", "tag:v9"))
    await lab.anklet()
    lab.queue({ name: "succeeds" })
    lab.queue({ name: "fails", steps: ["exit 3"] })
    await until("both are over", async () => (await jobsOf()).ended.length === 2)
    lab.queue({ name: "needs a tag that is not there", labels: tags })
    await until("it is given up for now", async () => (await jobsOf()).ended.length === 3)
    lab.queue({ name: "runs", steps: WAITS })
    lab.queue({ name: "runs too", steps: WAITS })
    await until(
      "two run",
      async () => (await jobsOf()).running.filter(({ stage }: { stage: string }) => stage === "started").length === 2
    )

    const { waiting, running, ended } = await jobsOf()
    assert.deepStrictEqual(names(waiting), ["needs a tag that is not there"])
    assert.match(waiting[0].reason, /v9/)
    assert.include(waiting[0], { repository: "veertuinc/anklet", attempt: 1 })
    assert.match(waiting[0].url, /^https:\/\/\S+\/job\/\d+$/)
    assert.sameMembers(names(running) as Array<string>, ["runs", "runs too"])
    assert.match(running[0].vm, /^anklet-vm-/)
    assert.match(running[0].runner, /^anklet-job-/)
    assert.sameDeepMembers(
      ended.map(({ job, conclusion, cause }: Record<string, { name: string }>) => [job?.name, conclusion, cause]),
      [
        ["succeeds", "success", undefined],
        ["fails", "failure", undefined],
        ["needs a tag that is not there", undefined, "template_unknown"]
      ]
    )
    assert.deepStrictEqual(names((await jobsOf("--waiting")).ended), [])
    assert.sameMembers(names((await jobsOf("--failed")).ended) as Array<string>, [
      "fails",
      "needs a tag that is not there"
    ])
    assert.deepStrictEqual(names((await jobsOf("--template", "V9")).ended), ["needs a tag that is not there"])
    assert.deepStrictEqual(names((await jobsOf("--template", OTHER)).running), [])

    const { stdout } = await lab.anklet("jobs")
    assert.strictEqual(stdout, stripVTControlCharacters(stdout))
    assert.match(
      stdout,
      /^Waiting: 1\n {2}needs a tag that is not there {2}\S.*, veertuinc\/anklet, for \d+ s, 1 attempt failed$/m
    )
    assert.match(stdout, /^Running: 2$/m)
    assert.match(stdout, /^ {4}VM anklet-vm-\S+$/m)
    assert.match(stdout, /^Ended: 3$/m)
    assert.match(stdout, /^\d{4}-\d\d-\d\d \d\d:\d\d +failure +\d+ s +fails/m)

    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    const after = await lab.anklet("jobs")
    assert.match(after.stdout, /^no daemon runs with this config: only jobs that have ended are known$/m)
    assert.match(after.stdout, /^Ended: 5$/m)
    assert.notMatch(after.stdout, /^Waiting/m)
    await lab.anklet()
    const status = JSON.parse((await lab.anklet("status", "--json")).stdout)
    assert.includeMembers(names(status.ended) as Array<string>, ["succeeds", "fails"])
    await lab.anklet("-s", "stop")
  })

  it("without any history says so, and names a flag that is not understood", async () => {
    const none = await lab.anklet("jobs")
    assert.strictEqual(none.code, 0, none.stderr)
    assert.match(none.stdout, /^ {2}none is recorded$/m)
    const wrong = await lab.anklet("jobs", "--since", "yesterday")
    assert.strictEqual(wrong.code, 2)
    assert.match(wrong.stderr, /^anklet: --since expects a time such as 90s, 30m, 12h, 1d or 2w$/m)
    assert.strictEqual((await lab.anklet("jobs", "--since", "1d", "--failed")).code, 0)
    assert.strictEqual((await lab.anklet("jobs", "--failed", "--waiting")).code, 2)
  })
})
