/** `anklet doctor --fix`. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { clones } from "../../src/simulator/anka/host.ts"
import { until } from "../whole/lab.ts"
import { closeAll, healthy, ORPHAN } from "./host.ts"

afterEach(closeAll)

describe("doctor --fix", () => {
  it("writes missing scripts, makes the log folder, removes a stale PID file, and says so: exit 0", async () => {
    const host = await healthy()
    rmSync(join(host.lab.folder, "logs"), { recursive: true })
    mkdirSync(join(host.lab.folder, "daemon"))
    writeFileSync(host.lab.pidFile, "4194301\n1\n")
    const before = await host.examine()
    assert.strictEqual(before.code, 12)
    assert.match(before.of("folder-missing")?.fix ?? "", /^makes \S+logs$/)
    const { code, of, totals } = await host.examine("--fix")
    for (const id of ["folder-missing", "pid-file-stale", "script-unwritten"])
      assert.isTrue(of(id)?.outcome?.mended, id)
    assert.strictEqual(code, 0)
    assert.strictEqual(totals.problem, 0)
    assert.isFalse(existsSync(host.lab.pidFile))
    assert.isTrue(existsSync(join(host.lab.folder, "logs")))
    assert.include(readFileSync(host.script("start-runner.bash"), "utf8"), "#!/usr/bin/env bash")
    assert.deepStrictEqual(
      (await host.examine()).found.filter(({ fix }) => fix !== undefined),
      []
    )
  })

  it("deletes VMs of ours that no ledger names, and leaves foreign ones and templates", async () => {
    const host = await healthy()
    assert.strictEqual((await host.lab.anklet("--attach", "--once")).code, 0)
    host.addVm(ORPHAN)
    host.addVm("somebody-else")
    host.addVm("anklet-vm-of-somebody")
    const ran = await host.doctor("--fix")
    assert.strictEqual(ran.code, 0, ran.stdout)
    assert.include(ran.stdout.replace(/\s+/g, " "), `Mended: deleted ${ORPHAN}`)
    assert.deepStrictEqual(
      clones(host.lab.host).map(({ name }) => name),
      ["somebody-else", "anklet-vm-of-somebody"]
    )
    assert.match(ran.stdout, /, 1 mended\n$/)
  })

  it("says what could not be mended, and what to do then", async () => {
    const host = await healthy()
    assert.strictEqual((await host.lab.anklet("--attach", "--once")).code, 0)
    host.addVm(ORPHAN)
    host.alterAnka((anka) => void anka.faults.push({ command: "delete", fault: "fail", message: "Device is busy" }))
    const { of } = await host.examine("--fix")
    assert.isFalse(of("vms-orphaned")?.outcome?.mended)
    assert.include(of("vms-orphaned")?.outcome?.said, "Device is busy")
    assert.strictEqual(clones(host.lab.host).length, 1)
  })

  it("leaves VMs alone where no Anklet ever ran, and where one runs", async () => {
    const host = await healthy()
    host.addVm(ORPHAN)
    await host.doctor("--fix")
    assert.strictEqual(clones(host.lab.host).length, 1)
    assert.strictEqual((await host.lab.anklet()).code, 0)
    const { of } = await host.examine("--fix")
    assert.include(of("vms-orphaned")?.remedy, "the daemon removes them within 5 minutes")
    assert.isUndefined(of("vms-orphaned")?.fix)
    assert.strictEqual(clones(host.lab.host).length, 1)
  })

  it("after a crash removes a runner of ours whose job is over, and leaves the VM to the next start", async () => {
    const host = await healthy()
    const { jobs } = host.lab.queue({ steps: ["sleep 600"] })
    assert.strictEqual((await host.lab.anklet()).code, 0)
    await until("the job runs", () => host.lab.world.job(jobs[0]?.id ?? 0).status === "in_progress")
    process.kill(host.lab.pid() ?? 0, "SIGKILL")
    const vms = host.lab.left().vms
    // GitHub has given the job up, and its runner has not been heard of since
    host.alterAnka((anka) => void anka.faults.push({ command: "run", fault: "fail" }))
    const [job] = jobs
    for (const runner of host.lab.world.runners.values())
      Object.assign(runner, { job: null, status: "offline", mode: "ghost", doneAt: null, used: false })
    Object.assign(job ?? {}, { status: "completed", conclusion: "failure" })
    host.lab.world.register("veertuinc/anklet", ORPHAN, ["self-hosted"])
    const crashed = await host.examine()
    assert.include(crashed.of("ledger-owes")?.what, 'job "job (0)"')
    assert.include(crashed.of("ledger-owes")?.what, vms[0] ?? "none")
    assert.isDefined(crashed.of("pid-file-stale"))
    assert.isUndefined(crashed.of("vms-orphaned"))
    const { of } = await host.examine("--fix")
    assert.isTrue(of("runners-left")?.outcome?.mended, JSON.stringify(of("runners-left")))
    assert.deepStrictEqual(host.lab.left(), { vms, runners: [ORPHAN] })
  })

  it("never touches a script of the user's", async () => {
    const host = await healthy()
    const script = host.script("start-runner.bash")
    writeFileSync(script, "# mine")
    await host.doctor("--fix")
    assert.strictEqual(readFileSync(script, "utf8"), "# mine")
  })
})
