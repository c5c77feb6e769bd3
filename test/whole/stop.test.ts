import { afterEach, assert, describe, it } from "vitest"
import { calls, setFaults } from "../../src/simulator/anka/host.ts"
import type { Fault } from "../../src/simulator/anka/state.ts"
import { LABELS, type Lab, make, until } from "./lab.ts"

let lab: Lab

afterEach(() => lab.close())

/** Every step of a job that calls the hypervisor, by the command that it waits for. */
const STEPS: ReadonlyArray<readonly [string, Pick<Fault, "command" | "nth">, ReadonlyArray<string>]> = [
  ["looking for room", { command: "list", nth: 2 }, ["list"]],
  ["pull", { command: "registry pull" }, ["registry", "pull"]],
  ["clone", { command: "clone" }, ["clone"]],
  ["start", { command: "start" }, ["start"]],
  ["boot", { command: "run", nth: 1 }, ["run"]],
  ["copy", { command: "cp", nth: 2 }, ["cp"]],
  ["installation", { command: "run", nth: 2 }, ["run", "./install-runner.bash"]],
  ["registration", { command: "run", nth: 3 }, ["run", "./register-runner.bash"]],
  ["runner start", { command: "run", nth: 4 }, ["run", "./start-runner.bash"]],
  ["delete", { command: "delete" }, ["delete"]]
]

/** A template without a tag is always pulled, so that a job passes through every step. */
const PULLED = LABELS.filter((label) => !label.includes("tag"))

describe("anklet -s stop", () => {
  for (const [step, fault, words] of STEPS) {
    it(`in the middle of the ${step} leaves nothing behind and exits 0`, async () => {
      lab = await make()
      setFaults(lab.host, [
        { ...fault, times: 99, fault: "sleep", ms: step === "delete" || step === "clone" ? 2000 : 15_000 }
      ])
      lab.queue({ labels: PULLED, steps: ["true"] })
      assert.strictEqual((await lab.anklet()).code, 0)
      await until(`the ${step} has begun`, () => lab.began(words))
      const stopped = await lab.anklet("-s", "stop")
      assert.strictEqual(stopped.code, 0, stopped.stderr)
      assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
      assert.deepStrictEqual(lab.owes(), [])
      assert.isUndefined(lab.pid())
      assert.deepStrictEqual(lab.errors(), [])
    })
  }

  it("in the middle of a running job ends the job as cancelled, and leaves nothing behind", async () => {
    lab = await make()
    const { jobs } = lab.queue({ steps: ["touch began; sleep 600"] })
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("the job runs", () => lab.world.job(jobs[0]?.id ?? 0).status === "in_progress")
    const stopped = await lab.anklet("-s", "stop")
    assert.strictEqual(stopped.code, 0, stopped.stderr)
    assert.include(stopped.stdout, "waiting for RUNNER1: job")
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    assert.deepStrictEqual(lab.owes(), [])
    assert.strictEqual(lab.world.job(jobs[0]?.id ?? 0).conclusion, "cancelled")
  })

  it("works while `anka` hangs and is deaf to SIGTERM", async () => {
    lab = await make()
    lab.queue({ steps: ["true"] })
    assert.strictEqual((await lab.anklet()).code, 0)
    setFaults(lab.host, [{ command: "start", fault: "hang" }])
    await until("the start hangs", () => lab.began(["start"]))
    const stopped = await lab.anklet("-s", "stop")
    assert.strictEqual(stopped.code, 0, stopped.stderr)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    const hung = calls(lab.host).filter(({ until }) => until === undefined)
    assert.strictEqual(hung.length, 1)
    assert.throws(() => process.kill(hung[0]?.pid ?? 0, 0))
  })
})

describe("anklet -s drain", () => {
  it("lets the running job finish, and takes nothing new", async () => {
    lab = await make()
    const first = lab.queue({ steps: ["while [ ! -f ../../go ]; do sleep 0.05; done"] })
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("the first job runs", () => lab.world.job(first.jobs[0]?.id ?? 0).status === "in_progress")
    const drain = lab.run(["-c", lab.config, "-s", "drain"])
    await until("the wait is shown", () => drain.out().includes("waiting for RUNNER1"))
    const second = lab.queue({ steps: ["true"] })
    const vm = lab.left().vms.length
    assert.strictEqual(vm, 1)
    lab.letGo()
    const drained = await drain.done
    assert.strictEqual(drained.code, 0, drained.stderr)
    assert.strictEqual(lab.world.job(first.jobs[0]?.id ?? 0).conclusion, "success")
    assert.strictEqual(lab.world.job(second.jobs[0]?.id ?? 0).status, "queued")
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    assert.deepStrictEqual(lab.errors(), [])
  })
})
