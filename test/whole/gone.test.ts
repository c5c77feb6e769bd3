import { afterEach, assert, describe, it } from "vitest"
import { calls, setFaults } from "../../src/simulator/anka/host.ts"
import { LABELS, type Lab, make, until } from "./lab.ts"

let lab: Lab

afterEach(() => lab.close())

const started = async () => {
  const start = await lab.anklet()
  assert.strictEqual(start.code, 0, start.stderr)
}
const clean = () => until("the host is clean", () => lab.left().vms.length === 0 && lab.left().runners.length === 0)
const drained = async () => assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
const said = (words: string) => lab.log().filter(({ level, msg }) => level === "INFO" && String(msg).includes(words))
const troubles = () => lab.log().filter(({ level }) => level === "ERROR" || level === "WARN")
const clonesMade = () => calls(lab.host).filter(({ argv }) => argv.includes("clone")).length
const queue = () => {
  const { run, jobs } = lab.queue({})
  return { run: run.id, job: jobs[0]?.id ?? 0 }
}
const GONE = "does not know the job any more"

describe("what vanishes at GitHub", () => {
  for (const what of ["job", "run", "repo"] as const) {
    const thatOf = (ids: { readonly run: number; readonly job: number }) =>
      ({ job: { job: ids.job }, run: { run: ids.run }, repo: { repo: "veertuinc/anklet" } })[what]

    it(`a ${what} while a VM boots for it: VM and runner go, said once, and a drain ends`, async () => {
      lab = await make({ service: "registration_timeout: 3" })
      setFaults(lab.host, [{ command: "run", nth: 2, fault: "sleep", ms: 30_000 }])
      const ids = queue()
      await started()
      await until("the runner is installed", () => lab.began(["run", "./install-runner.bash"]))
      lab.world.vanish(thatOf(ids))
      const at = Date.now()
      await clean()
      assert.isBelow(Date.now() - at, 12_000)
      await drained()
      assert.strictEqual(said(GONE).length, 1)
      if (what !== "repo") assert.deepStrictEqual(troubles(), [])
    })

    it(`a ${what} while its runner waits: VM and runner go, said once, and a drain ends`, async () => {
      lab = await make({ service: "registration_timeout: 3" })
      lab.world.modes.set("*", "idles")
      const ids = queue()
      await started()
      await until("the runner waits", () => [...lab.world.runners.values()].some(({ status }) => status === "online"))
      lab.world.vanish(thatOf(ids))
      await clean()
      await drained()
      assert.strictEqual(said(GONE).length, 1)
      assert.strictEqual(clonesMade(), 1)
      if (what !== "repo") assert.deepStrictEqual(troubles(), [])
    })
  }

  it("a repository whose runner does not notice: its VM goes within the timeout", async () => {
    lab = await make({ service: "registration_timeout: 3" })
    lab.world.modes.set("*", "ghost")
    // only that of this runner could be given
    const { jobs } = lab.queue({ labels: [...LABELS, "other"] })
    await started()
    await until("the runner is there", () => lab.left().runners.length === 1)
    Object.assign(lab.world.job(jobs[0]?.id ?? 0), { assigned: true })
    await until("the runner waits", () => [...lab.world.runners.values()].some(({ status }) => status === "online"))
    lab.world.vanish({ repo: "veertuinc/anklet" })
    await clean()
    await drained()
    assert.strictEqual(said(GONE).length, 1)
  })

  it("a run that is over while its job is called queued: let go within the timeout, with one VM and no error", async () => {
    lab = await make({ service: "registration_timeout: 3" })
    const { run } = queue()
    await started()
    await until("a VM is made", () => lab.left().vms.length === 1)
    lab.world.end(run, "startup_failure")
    await clean()
    await drained()
    assert.strictEqual(said("job ended: startup_failure").length, 1)
    assert.strictEqual(clonesMade(), 1)
    assert.deepStrictEqual(troubles(), [])
  })

  it("a 404 that is said once, while a job runs: the job goes on", async () => {
    lab = await make({ service: "registration_timeout: 3" })
    const { jobs } = lab.queue({ steps: ["while [ ! -e ../../go ]; do sleep 0.1; done"] })
    const id = jobs[0]?.id ?? 0
    await started()
    await until("the job runs", () => lab.world.job(id).status === "in_progress")
    const body = JSON.stringify({ message: "Not Found", documentation_url: "", status: "404" })
    const denial = { times: 4, answer: { status: 404, body } }
    lab.github.faults.push({ path: `/actions/jobs/${id}`, ...denial }, { path: "/actions/runners/", ...denial })
    const asked = () =>
      lab.github.log.filter(({ path, status }) => path.includes(`/actions/jobs/${id}`) && status === 404).length
    await until("both are denied", () => asked() === 4)
    assert.strictEqual(lab.world.job(id).status, "in_progress")
    lab.letGo()
    await until("the job has ended", () => lab.world.job(id).status === "completed")
    assert.strictEqual(lab.world.job(id).conclusion, "success")
    await drained()
    assert.strictEqual(clonesMade(), 1)
  })
})

describe("a runner that is too old", () => {
  it("ends at once: the error ends with what it said", async () => {
    lab = await make({ service: "registration_timeout: 3" })
    lab.world.modes.set("*", "too-old")
    queue()
    await started()
    await until("the error", () => lab.errors().length > 0)
    assert.match(
      String(lab.errors()[0]?.msg),
      /exit code 1 without taking the job.*last lines of its runner\.log: .*is deprecated and cannot receive messages\.$/
    )
    await clean()
    await drained()
  })
})
