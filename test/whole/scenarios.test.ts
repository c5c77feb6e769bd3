import { existsSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { alter, calls, parallelPulls, setFaults } from "../../src/simulator/anka/host.ts"
import { read } from "../../src/simulator/anka/state.ts"
import { LABELS, type Lab, make, OTHER, TEMPLATE, until } from "./lab.ts"

let lab: Lab

afterEach(() => lab.close())

const started = async () => {
  const start = await lab.anklet()
  assert.strictEqual(start.code, 0, start.stderr)
}
const ended = (id: number | undefined) =>
  until("the job has ended", () => lab.world.job(id ?? 0).status === "completed")
const clean = () => until("the host is clean", () => lab.left().vms.length === 0 && lab.left().runners.length === 0)
const drained = async () => {
  assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
  assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
}
/** Number of VMs that were made, by the log of `anka` calls. */
const clonesMade = () => calls(lab.host).filter(({ argv }) => argv.includes("clone")).length

describe("labels", () => {
  it("with quotes, spaces, $(), ;, &&, newlines and emoji reach the runner verbatim and run nothing", async () => {
    lab = await make()
    const canary = join(lab.folder, "pwned")
    const hostile = [
      "a b",
      `it's "quoted"`,
      `$(touch ${canary})`,
      `\`touch ${canary}\``,
      `; touch ${canary} #`,
      `&& touch ${canary}`,
      "new\nline",
      "🍏 émoji",
      "-rf",
      "{run_id}"
    ]
    const { run, jobs } = lab.queue({ labels: [...LABELS, ...hostile], steps: ["true"] })
    const registered: Array<ReadonlyArray<string>> = []
    await started()
    await until("the runner is registered", () => {
      for (const runner of lab.world.runners.values()) registered.push(runner.labels)
      return registered.length > 0
    })
    assert.deepStrictEqual(
      registered[0],
      [...LABELS, ...hostile].map((label) => label.replaceAll("{run_id}", String(run.id)))
    )
    await ended(jobs[0]?.id)
    await drained()
    assert.isFalse(existsSync(canary))
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("that cannot be satisfied are told once, at WARN with the reason, and block nothing", async () => {
    lab = await make()
    lab.queue({ labels: ["anka-template:a", "anka-template:b"] })
    const { jobs } = lab.queue({})
    await started()
    await ended(jobs[0]?.id)
    await clean()
    const warnings = lab.log().filter(({ level }) => level === "WARN")
    assert.deepStrictEqual(
      warnings.map(({ msg }) => String(msg).includes("2 templates")),
      [true]
    )
    await drained()
  })
})

describe("cancelled", () => {
  for (const [when, command] of [
    ["pulling", ["registry", "pull"]],
    ["booting", ["run"]],
    ["installing", ["run", "./install-runner.bash"]]
  ] as const) {
    it(`while ${when}: VM and runner are gone within seconds`, async () => {
      lab = await make()
      setFaults(lab.host, [
        {
          command: command[0] === "registry" ? "registry pull" : "run",
          ...(when === "installing" ? { nth: 2 } : { nth: 1 }),
          fault: "sleep",
          ms: 30_000
        }
      ])
      const { run, jobs } = lab.queue({ labels: LABELS.filter((label) => !label.includes("tag")) })
      await started()
      await until(`it is ${when}`, () =>
        calls(lab.host).some(({ argv, until }) => until === undefined && command.every((word) => argv.includes(word)))
      )
      lab.world.cancel(run.id)
      const at = Date.now()
      await until("the job is let go", () => lab.log().some(({ msg }) => msg === "job ended: cancelled"))
      await clean()
      assert.isBelow(Date.now() - at, 8000)
      assert.strictEqual(lab.world.job(jobs[0]?.id ?? 0).conclusion, "cancelled")
      await drained()
      assert.deepStrictEqual(lab.errors(), [])
    })
  }

  it("while it runs: the VM goes at once", async () => {
    lab = await make()
    const { run, jobs } = lab.queue({ steps: ["sleep 600"] })
    await started()
    await until("the job runs", () => lab.world.job(jobs[0]?.id ?? 0).status === "in_progress")
    lab.world.cancel(run.id)
    await clean()
    assert.strictEqual(lab.world.job(jobs[0]?.id ?? 0).conclusion, "cancelled")
    await drained()
  })

  it("while it is queued on a full host: nothing is started for it", async () => {
    lab = await make()
    alter(lab.host, (host) => {
      for (const name of ["one", "two"]) {
        host.vms.push({ uuid: name, name, status: "running", tags: ["x"], created: "", accessed: "" })
      }
    })
    const { run } = lab.queue({})
    await started()
    await until("the job was looked at", () => calls(lab.host).filter(({ argv }) => argv.includes("list")).length > 2)
    lab.world.cancel(run.id)
    await drained()
    assert.strictEqual(clonesMade(), 0)
  })
})

describe("many jobs", () => {
  it("a matrix of 12 on two services: every job once, never more than two VMs, one poll for both services", async () => {
    lab = await make({ services: 2 })
    alter(lab.host, (host) => {
      Object.assign(host.takes, { boot: 50, clone: 10, start: 10, stop: 10, delete: 10, ip: 10 })
    })
    const { jobs } = lab.queue(
      ...Array.from({ length: 12 }, (_, index) => ({
        name: `leg ${index}`,
        steps: ["true"],
        labels: [...LABELS, `unique-id:${index}`]
      }))
    )
    await started()
    let most = 0
    await until("all jobs have ended", () => {
      most = Math.max(most, read(lab.host).vms.filter(({ status }) => status === "running").length)
      return jobs.every(({ status }) => status === "completed")
    })
    assert.isTrue(jobs.every(({ conclusion }) => conclusion === "success"))
    assert.strictEqual(most, 2)
    assert.strictEqual(clonesMade(), 12)
    await drained()
    assert.deepStrictEqual(lab.github.violations, [])
    assert.deepStrictEqual(lab.errors(), [])
  })

  for (const [when, vms] of [
    ["with it", 1],
    ["before it, and are being tried", 2]
  ] as const) {
    it(`queued for 28 days and given to no runner, that come ${when}, do not keep a new one waiting, and are tried after it`, async () => {
      lab = await make({ service: "registration_timeout: 3" })
      const day = 86_400_000
      const ghosts = ["ghost 1", "ghost 2", "ghost 3"].map((name) => lab.queue({ name }).jobs[0]?.id ?? 0)
      for (const id of ghosts) Object.assign(lab.world.job(id), { createdAt: Date.now() - 28 * day, assigned: true })
      const isTried = vms === 2
      if (!isTried) lab.queue({ name: "new" })
      await started()
      if (isTried) {
        await until("a VM is made for the first one", () => clonesMade() === 1)
        lab.queue({ name: "new" })
      }
      const { id } = [...lab.world.jobs.values()].find(({ name }) => name === "new") ?? assert.fail("not queued")
      await ended(id)
      assert.strictEqual(clonesMade(), vms)
      const [ghost = 0] = ghosts
      const why = (await lab.anklet("why", String(ghosts[2] ?? ghost))).stdout
      assert.match(why, /comes after all jobs that are new.*longer than the 24 hours/)
      await until("all three are given up", () => lab.errors().length === 3)
      for (const error of lab.errors()) assert.match(String(error.msg), /given up after 1 runner that did not get it/)
      assert.strictEqual(clonesMade(), 4)
      assert.match(
        (await lab.anklet("why", String(ghost))).stdout,
        /comes after all jobs that are new.*to run it ha(s|ve) failed/
      )
      await clean()
      await drained()
    })
  }

  it("a re-run is a new job of the same run: exactly one new VM", async () => {
    lab = await make()
    const { run, jobs } = lab.queue({ name: "fails", steps: ["exit 1"] }, { name: "passes" })
    await started()
    await ended(jobs[0]?.id)
    await ended(jobs[1]?.id)
    await clean()
    lab.world.rerun(run.id, ({ conclusion }) => conclusion === "failure")
    const [again] = lab.world.jobsOf(run.id)
    assert.notStrictEqual(again?.id, jobs[0]?.id)
    await ended(again?.id)
    await drained()
    assert.strictEqual(clonesMade(), 3)
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("two daemons on one host: one job is run once, never three VMs, never two pulls", async () => {
    lab = await make({ services: 2 })
    const second = lab.configFor("second", 2)
    const { jobs } = lab.queue(
      ...Array.from({ length: 4 }, (_, index) => ({
        labels: [`anka-template:${OTHER}`, "anka-template-tag:v1", `unique-id:${index}`, "run-id:{run_id}"]
      }))
    )
    await started()
    assert.strictEqual((await lab.run(["-c", second]).done).code, 0)
    let most = 0
    await until("all jobs have ended", () => {
      most = Math.max(most, lab.left().vms.length)
      return jobs.every(({ status }) => status === "completed")
    })
    assert.isTrue(jobs.every(({ conclusion }) => conclusion === "success"))
    assert.isAtMost(most, 2)
    assert.strictEqual(parallelPulls(lab.host), 1)
    assert.strictEqual((await lab.run(["-c", second, "-s", "drain"]).done).code, 0)
    await drained()
  })
})

describe("templates", () => {
  it("present with their tag need no registry", async () => {
    lab = await make()
    alter(lab.host, (host) => {
      host.registry.down = true
    })
    const { jobs } = lab.queue({})
    await started()
    await ended(jobs[0]?.id)
    await drained()
    assert.isFalse(calls(lab.host).some(({ argv }) => argv.includes("registry")))
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("missing are pulled from registry_url, and a registry that is down is an ERROR with its remedy", async () => {
    lab = await make({ service: "registry_url: http://elsewhere:8089" })
    lab.queue({ labels: [`anka-template:${OTHER}`, "anka-template-tag:v1"] })
    await started()
    await until("the error", () => lab.errors().length > 0)
    assert.match(String(lab.errors()[0]?.msg), /http:\/\/elsewhere:8089 does not answer; check that it runs/)
    await drained()
  })

  it("unknown to the registry: the job is told why once, and others go on", async () => {
    lab = await make()
    lab.queue({ labels: [`anka-template:${TEMPLATE}`, "anka-template-tag:nonesuch"] })
    const { jobs } = lab.queue({})
    await started()
    await ended(jobs[0]?.id)
    await clean()
    assert.strictEqual(lab.errors().length, 1)
    assert.match(String(lab.errors()[0]?.msg), /nonesuch.*does not have it; check the job's anka-template labels/)
    await drained()
  })

  it("without a tag are always pulled, and logged as (using latest)", async () => {
    lab = await make()
    const { jobs } = lab.queue({ labels: [`anka-template:${TEMPLATE}`] })
    await started()
    await ended(jobs[0]?.id)
    await drained()
    assert.isTrue(lab.log().some(({ msg }) => String(msg).includes("(using latest)")))
    assert.isTrue(lab.log().some(({ ankaTemplateTag }) => ankaTemplateTag === "(using latest)"))
    assert.isTrue(calls(lab.host).some(({ argv }) => argv.includes("clone") && argv.includes("v2")))
  })

  it("without a runner get the pinned one, checked by its sum", async () => {
    lab = await make({
      host: { templates: [{ uuid: TEMPLATE, tags: ["v1"], runner: false }] },
      service: "runner_url: http://127.0.0.1:1/none.tar.gz"
    })
    lab.queue({})
    await started()
    await until("the error", () => lab.errors().length > 0)
    assert.match(String(lab.errors()[0]?.msg), /install-runner.bash exited with \d+ in the VM/)
    await clean()
    await drained()
  })
})

describe("runners", () => {
  it("that never come online are replaced once, then the job is given up, said so", async () => {
    lab = await make({ service: "registration_timeout: 2" })
    lab.world.modes.set("*", "never-connects")
    lab.queue({})
    await started()
    await until("the job is given up", () => lab.errors().length > 0)
    assert.match(String(lab.errors()[0]?.msg), /given up after 2 runners.*did not come online/)
    await clean()
    assert.strictEqual(clonesMade(), 2)
    await drained()
  })

  it("that take another job than planned are watched to its end: both jobs succeed", async () => {
    lab = await make()
    const same = LABELS.filter((label) => !label.startsWith("run-id"))
    setFaults(lab.host, [{ command: "cp", nth: 1, fault: "sleep", ms: 700 }])
    const newer = lab.queue({ name: "planned", labels: same })
    await started()
    await until("a VM is made", () => lab.left().vms.length === 1)
    const other = lab.queue({ name: "older", labels: same })
    const older = lab.world.job(other.jobs[0]?.id ?? 0)
    Object.assign(older, { createdAt: 1 })
    await ended(older.id)
    await ended(newer.jobs[0]?.id)
    await clean()
    assert.strictEqual(older.conclusion, "success")
    assert.strictEqual(newer.jobs[0]?.conclusion, "success")
    await drained()
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("registered although the reply was lost are removed and made anew: one VM, one runner", async () => {
    lab = await make()
    lab.github.faults.push({ method: "POST", path: "generate-jitconfig", cut: "after" })
    const { jobs } = lab.queue({})
    await started()
    await ended(jobs[0]?.id)
    await drained()
    assert.strictEqual(clonesMade(), 1)
    assert.deepStrictEqual(lab.errors(), [])
  })
})
