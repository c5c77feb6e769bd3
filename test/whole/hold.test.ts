import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { clones } from "../../src/simulator/anka/host.ts"
import { type Lab, make, TEMPLATE, until } from "./lab.ts"

let lab: Lab

const messages = () => lab.log().map(({ msg }) => String(msg))
const vms = () => clones(lab.host).map(({ name }) => name)
const isOver = (n: number) => [...lab.world.jobs.values()][n]?.status === "completed"

const ask = async (...args: ReadonlyArray<string>) => {
  const { code, stderr } = await lab.anklet("hold", ...args)
  assert.strictEqual(code, 0, stderr)
}

/** The VMs of which the log says that they are kept. */
const named = () => messages().flatMap((line) => line.match(/^VM (\S+) is kept for/)?.[1] ?? [])

/** Queues a job that fails, and waits until its VM is kept; gives the VM's name. */
const kept = async () => {
  const before = named().length
  lab.queue({ name: "bad", steps: ['echo cause >"$HOME/cause"; exit 1'] })
  await until("the VM is kept", () => named().length > before)
  await until("its runner is gone", () => lab.world.runners.size === 0)
  const vm = named().at(-1) ?? ""
  assert.deepStrictEqual(vms(), [vm])
  return vm
}

describe("anklet hold", () => {
  beforeEach(async () => {
    lab = await make({ services: 2 })
    const started = await lab.anklet()
    assert.strictEqual(started.code, 0, started.stderr)
  })
  afterEach(async () => {
    await lab.anklet("-s", "stop")
    await lab.close()
  })

  it("keeps the VM of the next failure, and of no job that ends well; all that tells of VMs says so; --end removes it", async () => {
    const asked = await lab.anklet("hold", "--next", "--for", "2h")
    assert.strictEqual(asked.code, 0, asked.stderr)
    assert.match(
      asked.stdout,
      /the VM of the next failure on this Mac is kept for 2 h 0 min, or until another job needs/
    )
    assert.match(
      (await lab.anklet("hold")).stdout,
      /^to be kept for 2 h 0 min: the next failure; asked for \d+ s ago\n$/
    )
    lab.queue({ name: "good" })
    await until("the good one is gone", () => isOver(0) && vms().length === 0)
    const vm = await kept()
    const listed = await lab.anklet("hold")
    assert.match(
      listed.stdout,
      new RegExp(`^${vm}  bad, failure; (1 h 59|2 h 0) min left\n.*/job/\\d+\n +anklet shell ${vm}\n$`)
    )
    const status = await lab.anklet("status", "--json")
    const [seen, ...others] = JSON.parse(status.stdout).vms
    assert.deepStrictEqual(others, [])
    assert.include(seen, { name: vm, status: "running", job: "bad", runner: "" })
    assert.match(seen.owner, /^kept for inspection, (1 h 59|2 h 0) min left$/)
    assert.match((await lab.anklet("shell", "bad")).stderr, new RegExp(`for one command, run "anka run ${vm} COMMAND"`))
    assert.strictEqual(readFileSync(join(lab.guestOf(vm), "cause"), "utf8"), "cause\n")
    // the request is met
    lab.queue({ name: "bad too", steps: ["exit 1"] })
    await until("the second one is gone", () => isOver(2) && vms().length === 1)
    const wrong = await lab.anklet("hold", "--end", "nothing")
    assert.strictEqual(wrong.code, 15)
    assert.match(wrong.stderr, /nothing is kept as "nothing"/)
    const ended = await lab.anklet("hold", "--end", "bad")
    assert.strictEqual(ended.code, 0, ended.stderr)
    assert.match(ended.stdout, new RegExp(`^${vm} will be removed within seconds\n$`))
    await until("it is removed", () => vms().length === 0)
    assert.strictEqual((await lab.anklet("hold")).stdout, "nothing is kept for inspection\n")
  })

  it("outlives a daemon that is killed, and ends with one that is stopped", async () => {
    await ask("--template", TEMPLATE)
    const vm = await kept()
    process.kill(lab.pid() ?? 0, "SIGKILL")
    await lab.anklet()
    await until("a pass was made", () => messages().filter((line) => line.startsWith("anklet is up")).length > 1)
    assert.match((await lab.anklet("hold")).stdout, new RegExp(vm), messages().join("\n"))
    await lab.anklet("restart")
    assert.match((await lab.anklet("hold")).stdout, new RegExp(vm), messages().join("\n"))
    assert.deepStrictEqual(vms(), [vm])
    const stopped = await lab.anklet("-s", "stop")
    assert.strictEqual(stopped.code, 0, stopped.stderr)
    assert.deepStrictEqual(vms(), [])
  })

  it("gives the place up to a job that needs it, unless it was told not to", async () => {
    const go = join(lab.folder, "go")
    const waits = { name: "waits", steps: [`while [ ! -e ${go} ]; do sleep 0.1; done`] }
    await ask("--next")
    const vm = await kept()
    lab.queue(waits, waits)
    await until("both run", () => vms().length === 2 && !vms().includes(vm))
    await until("they have begun", () => [...lab.world.jobs.values()].every(({ status }) => status !== "queued"))
    assert.isTrue(
      messages().some((line) => line === `VM ${vm}, which was kept for inspection, is removed: a job needs its place`)
    )
    writeFileSync(go, "")
    await until("all is over", () => isOver(2) && vms().length === 0)
    await ask("--next", "--firm")
    const firm = await kept()
    lab.queue({ name: "one" }, { name: "two" })
    await until("both have run", () => isOver(4) && isOver(5))
    await until("it alone is left", () => vms().length === 1)
    assert.deepStrictEqual(vms(), [firm])
  })

  it("takes a job that runs here, and says what is wrong with anything else", async () => {
    const go = join(lab.folder, "go")
    lab.queue({ name: "long", steps: [`while [ ! -e ${go} ]; do sleep 0.1; done; exit 1`] })
    await until("it runs", () => [...lab.world.jobs.values()][0]?.status === "in_progress")
    const asked = await lab.anklet("hold", "long", "--for", "30m", "--firm")
    assert.strictEqual(asked.code, 0, asked.stderr)
    assert.match(
      asked.stdout,
      /^if job http.*\/job\/\d+ fails on this Mac, its VM is kept for 30 min, even if another job/
    )
    writeFileSync(go, "")
    await until("the VM is kept", () => messages().some((line) => line.includes("is kept for 30 min")))
    for (const [args, code, words] of [
      [["nosuch"], 15, /"nosuch" is no job, VM, runner or service/],
      [["long"], 15, /"long" has ended/],
      [["--next", "--for", "3d"], 2, /--for expects a time from 1m to 1d/],
      [["--next", "--template", TEMPLATE], 2, /name one thing/],
      [["--template", "macos"], 2, /--template expects/],
      [["--firm"], 2, /name a job, --template or --next/]
    ] as const) {
      const { code: got, stderr } = await lab.anklet("hold", ...args)
      assert.strictEqual(got, code, `${args.join(" ")}: ${stderr}`)
      assert.match(stderr, words)
    }
    assert.isTrue(existsSync(join(lab.folder, "daemon", "state", "holds.json")))
  })
})
