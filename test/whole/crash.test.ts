import { afterEach, assert, describe, it } from "vitest"
import { setFaults } from "../../src/simulator/anka/host.ts"
import type { Fault } from "../../src/simulator/anka/state.ts"
import { isAlive, LABELS, type Lab, make, until } from "./lab.ts"

let lab: Lab

afterEach(() => lab.close())

const STEPS: ReadonlyArray<readonly [string, Pick<Fault, "command" | "nth">, ReadonlyArray<string>]> = [
  ["pull", { command: "registry pull" }, ["registry", "pull"]],
  ["clone", { command: "clone" }, ["clone"]],
  ["start", { command: "start" }, ["start"]],
  ["boot", { command: "run", nth: 1 }, ["run"]],
  ["copy", { command: "cp", nth: 2 }, ["cp"]],
  ["registration", { command: "run", nth: 3 }, ["run", "./register-runner.bash"]],
  ["runner start", { command: "run", nth: 4 }, ["run", "./start-runner.bash"]],
  ["delete", { command: "delete" }, ["delete"]]
]

const kill = async () => {
  const pid = lab.pid()
  assert.isDefined(pid)
  process.kill(pid ?? 0, "SIGKILL")
  await until("the daemon is dead", () => !isAlive(pid ?? 0))
}

const PULLED = LABELS.filter((label) => !label.includes("tag"))

describe("kill -9", () => {
  for (const [step, fault, words] of STEPS) {
    it(`in the middle of the ${step}, then a new start: the job runs once, nothing is left`, async () => {
      lab = await make()
      setFaults(lab.host, [{ ...fault, times: 1, fault: "sleep", ms: 1500 }])
      const { jobs } = lab.queue({ labels: PULLED, steps: ["echo ran >> /dev/null"] })
      const id = jobs[0]?.id ?? 0
      assert.strictEqual((await lab.anklet()).code, 0)
      await until(`the ${step} has begun`, () => lab.began(words))
      await kill()
      const again = await lab.anklet()
      assert.strictEqual(again.code, 0, again.stderr)
      await until("the job has ended", () => lab.world.job(id).status === "completed")
      assert.strictEqual(lab.world.job(id).conclusion, "success")
      assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
      assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
      assert.deepStrictEqual(lab.owes(), [])
      assert.deepStrictEqual(lab.errors(), [])
    })
  }

  it("in the middle of a running job: the new daemon adopts it and watches it to its end", async () => {
    lab = await make()
    const { jobs } = lab.queue({ steps: ["echo once >> ../../runs; while [ ! -f ../../go ]; do sleep 0.05; done"] })
    const id = jobs[0]?.id ?? 0
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("the job runs", () => lab.world.job(id).status === "in_progress")
    const [vm] = lab.left().vms
    await kill()
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("the job is adopted", () => lab.log().some(({ msg }) => String(msg).includes("watched to its end")))
    assert.deepStrictEqual(lab.left().vms, [vm])
    lab.letGo()
    await until("the job has ended", () => lab.world.job(id).status === "completed")
    assert.strictEqual(lab.world.job(id).conclusion, "success")
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    assert.strictEqual(
      lab.github.log.filter(({ path, method }) => method === "POST" && path.includes("jitconfig")).length,
      1
    )
  })

  it("after the job ended while no daemon ran: the new one only cleans up", async () => {
    lab = await make()
    const { jobs } = lab.queue({ steps: ["while [ ! -f ../../go ]; do sleep 0.05; done"] })
    const id = jobs[0]?.id ?? 0
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("the job runs", () => lab.world.job(id).status === "in_progress")
    await kill()
    lab.letGo()
    await until("the job has ended", () => lab.world.job(id).status === "completed")
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("the host is clean", () => lab.left().vms.length === 0)
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
  })
})
