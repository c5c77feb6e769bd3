import { assert, it } from "vitest"
import { setFaults } from "../../src/simulator/anka/host.ts"
import { make, until } from "./lab.ts"

it("a VM that cannot be removed is called a leftover, and is removed as soon as anka does it", async () => {
  const lab = await make({ env: { LOG_LEVEL: "INFO" } })
  try {
    assert.strictEqual((await lab.anklet()).code, 0)
    setFaults(lab.host, [{ command: "delete", times: 1000, fault: "fail", code: 5, message: "Input/output error" }])
    const { jobs } = lab.queue({ name: "first" })
    await until("the job has ended", () => jobs[0]?.status === "completed", 50_000)
    const status = async () => (await lab.anklet("status")).stdout.replace(/\s+/g, " ")
    await until("it is called a leftover", async () => /left by RUNNER1, will be removed/.test(await status()))
    assert.lengthOf(lab.left().vms, 1)
    const { vms } = JSON.parse((await lab.anklet("status", "--json")).stdout)
    assert.deepStrictEqual(
      vms.map(({ job }: { readonly job: string }) => job),
      [""],
      "no job has it"
    )
    setFaults(lab.host, [])
    await until("it is gone", () => lab.left().vms.length === 0)
    await until("nothing is left by anybody", async () => !/left by/.test(await status()))
    const { jobs: next } = lab.queue({ name: "second" })
    await until("the next job has ended", () => next[0]?.conclusion === "success", 50_000)
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    // it needs a person only if it stays
    assert.isAtMost(lab.errors().length, 1)
  } finally {
    await lab.close()
  }
})
