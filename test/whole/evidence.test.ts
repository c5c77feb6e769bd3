import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { alter, calls, clones } from "../../src/simulator/anka/host.ts"
import { type Lab, make, TOKEN, until } from "./lab.ts"

const WAITS = ["while [ ! -e ../../go ]; do sleep 0.05; done"]

let lab: Lab

const folder = () => join(lab.folder, "daemon", "state", "jobs")
const kept = () => (existsSync(folder()) ? readdirSync(folder()).filter((name) => !name.endsWith(".new")) : [])
const read = (name: string) => readFileSync(join(folder(), kept()[0] ?? "", name), "utf8")

describe("what is kept of a job", () => {
  beforeEach(async () => {
    lab = await make()
    const logs = join(lab.home, "Library", "Logs", "Anka")
    mkdirSync(logs, { recursive: true })
    writeFileSync(join(logs, "anka.log"), `${"x".repeat(1 << 20)}\nthe hypervisor said this\n`)
  })
  afterEach(async () => {
    await lab.anklet("-s", "stop")
    await lab.close()
  })

  it("that failed before it ran: why, its stages, and the logs of its VM, which the ERROR names; without secrets", async () => {
    const scripts = join(lab.home, ".config", "anklet", "plugins", "github")
    mkdirSync(scripts, { recursive: true })
    writeFileSync(
      join(scripts, "register-runner.bash"),
      [
        "mkdir -p actions-runner/_diag",
        `echo "a runner said token=${TOKEN} \u001b[31mred" > actions-runner/runner.log`,
        "echo 'a worker said this' > actions-runner/_diag/Worker_1.log",
        "exit 7"
      ].join("\n"),
      { mode: 0o700 }
    )
    await lab.anklet()
    lab.queue({ name: "fails" })
    await until("its folder is there", () => kept().length > 0)
    await until("its VM is gone", () => lab.left().vms.length === 0)
    assert.strictEqual(statSync(folder()).mode & 0o777, 0o700)
    const about = JSON.parse(read("job.json"))
    assert.include(about, { name: "fails", attempt: 1, service: "RUNNER1" })
    assert.match(about.why, /^register-runner.bash exited with 7 in the VM/)
    assert.match(about.vm, /^anklet-vm-/)
    assert.deepStrictEqual(
      about.stages.map(({ stage }: { stage: string }) => stage),
      ["queued", "seen", "claimed", "pulled", "cloned", "booted", "registered"]
    )
    assert.match(read("runner.log"), /^a runner said token=\[…\] red$/m)
    assert.match(read("_diag.log"), /^== _diag\/Worker_1.log\na worker said this$/m)
    assert.match(read("anka.log"), /^the hypervisor said this$/m)
    assert.isBelow(read("anka.log").length, 257 << 10)
    for (const file of readdirSync(join(folder(), kept()[0] ?? ""))) assert.notInclude(read(file), TOKEN, file)
    await until("it is told", () => lab.errors().length > 0)
    const [error] = lab.errors()
    assert.include(String(error?.msg), `Its logs are kept in ${join(folder(), kept()[0] ?? "")}`)
    await until(
      "its end is recorded",
      async () => JSON.parse((await lab.anklet("jobs", "--json")).stdout).ended.length > 0
    )
    const { ended } = JSON.parse((await lab.anklet("jobs", "--json")).stdout)
    assert.strictEqual(ended[0].evidence, join(folder(), kept()[0] ?? ""))
  })

  it("whose VM was lost while it ran: that, as an ERROR, with what the hypervisor knows", async () => {
    await lab.anklet()
    lab.queue({ name: "loses its VM", steps: WAITS })
    await until("it runs", () => [...lab.world.jobs.values()].some(({ status }) => status === "in_progress"))
    await until("the daemon waits for its end", () =>
      calls(lab.host).some(({ argv, until }) => /runner\.exit/.test(argv.join(" ")) && until === undefined)
    )
    const uuid = clones(lab.host)[0]?.uuid ?? ""
    writeFileSync(join(lab.home, "Library", "Logs", "Anka", `${uuid}.log`), "this VM had a panic\n")
    alter(lab.host, ({ vms }) => {
      for (const vm of vms) if (vm.uuid === uuid) vm.status = "stopped"
    })
    const stopped = Date.now()
    // the daemon asks whether the VM runs when the link to it breaks
    await until("the daemon knows", () =>
      calls(lab.host).some(({ argv, at, until }) => argv.includes("show") && at > stopped && until !== undefined)
    )
    for (const { id } of lab.world.jobs.values()) lab.world.complete(id, "failure")
    await until("its folder is there", () => kept().length > 0)
    assert.match(read("anka-vm.log"), /this VM had a panic/)
    assert.match(JSON.parse(read("job.json")).why, /its VM was lost/)
    await until("it is told", () => lab.errors().length > 0)
    assert.match(String(lab.errors()[0]?.msg), /^job ended: failure, because its VM was lost\. Its logs are kept in \//)
  })

  it("is bounded in number and age, and is whole: what a killed daemon left half made goes", async () => {
    mkdirSync(folder(), { recursive: true, mode: 0o700 })
    const old = new Date(Date.now() - 15 * 86_400_000)
    for (let n = 0; n < 60; n++) mkdirSync(join(folder(), `job.${n}`))
    for (const name of ["old.1", "half.1.new"]) mkdirSync(join(folder(), name))
    writeFileSync(join(folder(), "old.1", "job.json"), "{}")
    utimesSync(join(folder(), "old.1"), old, old)
    await lab.anklet()
    const names = readdirSync(folder())
    assert.strictEqual(names.length, 50)
    assert.notIncludeMembers(names, ["old.1", "half.1.new"])
  })
})
