import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import * as store from "../store/server.ts"
import * as fleets from "../whole/fleet.ts"
import { LABELS, type Lab, make, TOKEN, until } from "../whole/lab.ts"
import { atTerminal } from "./terminal.ts"

const WAITS = ["while [ ! -e ../../go ]; do sleep 0.05; done"]

let lab: Lab

const socket = () => join(lab.folder, "daemon", "anklet.sock")
const statusOf = async () => JSON.parse((await lab.anklet("status", "--json")).stdout)
const doingOf = async (service: string): Promise<string> =>
  (await statusOf()).services.find(({ name }: { name: string }) => name === service)?.doing._tag

describe("anklet status", () => {
  beforeEach(async () => {
    lab = await make({ services: 2 })
  })
  afterEach(() => lab.close())

  it("tells what each service does, its job with the stage clock, and the VMs; in 80 columns, without colours in a pipe", async () => {
    assert.strictEqual((await lab.anklet()).code, 0)
    lab.queue({ name: "test it", labels: [...LABELS, "unique-id:1"], steps: WAITS })
    await until("the job runs", () => [...lab.world.jobs.values()].some(({ status }) => status === "in_progress"))
    // the other service polls from time to time
    let answer = await lab.anklet("status")
    await until("that is known", async () => {
      answer = await lab.anklet("status")
      return /"test it" running/.test(answer.stdout) && / {2}waits {2}/.test(answer.stdout)
    })
    const { code, stdout, stderr } = answer
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /^anklet \S+.*, pid \d+, up for \d+ s: accepting jobs$/m)
    assert.match(stdout, /^RUNNER\d {2}works {2}"test it" running for \d+ s$/m)
    assert.match(stdout, /^RUNNER\d {2}waits {2}no job waits for this host; next poll in \d+ s$/m)
    assert.match(stdout, /^ {2}seen \d+ s, claimed \d+ s, pulled \d+ s, cloned \d+ s/m)
    assert.match(stdout, /^1 of 2 VM slots in use$/m)
    assert.match(stdout, /^anklet-vm-\S+ +running +RUNNER\d +test it$/m)
    assert.match(stdout, /^ {2}VM anklet-vm-[0-9a-f-]{36}$/m)
    assert.match(stdout, /^ {2}runner anklet-job-[0-9a-f-]{36}$/m)
    assert.match(stdout, /\d+ of 5000 requests left/)
    assert.strictEqual(stdout, stripVTControlCharacters(stdout))
    const long = stdout.split("\n").filter((line) => line.length > 80 && !line.startsWith(lab.folder))
    assert.deepStrictEqual(long, [])
    lab.letGo()
    await until("the job is over", async () => (await lab.anklet("status")).stdout.includes("success"))
    const { ended } = await statusOf()
    const runnerName = [...lab.world.jobs.values()][0]?.runnerName
    assert.strictEqual(ended[0].job.runner, runnerName)
    const last = lab.log().find(({ msg }) => msg === "job ended: success")
    assert.deepInclude(last, { runnerName, vmName: ended[0].job.vm })
    assert.deepStrictEqual([ended[0].outcome, ended[0].conclusion], ["finished", "success"])
    assert.deepStrictEqual(
      ended[0].job.stages.map(({ stage }: { stage: string }) => stage),
      ["queued", "seen", "claimed", "pulled", "cloned", "booted", "registered", "started", "done", "clean"]
    )
  })

  it("is coloured at a terminal, and not with NO_COLOR", async () => {
    await lab.anklet()
    const where = { env: lab.env, cwd: lab.folder }
    const { code, seen } = await atTerminal(["status", "-c", lab.config], where)
    assert.strictEqual(code, 0)
    assert.include(seen, "\u001b[32maccepting jobs\u001b[0m")
    const plain = await atTerminal(["status", "-c", lab.config], { ...where, env: { ...lab.env, NO_COLOR: "1" } })
    assert.strictEqual(plain.seen, stripVTControlCharacters(plain.seen))
  })

  it("is shown again and again with --watch, until it is interrupted", async () => {
    await lab.anklet()
    const { child, done, out } = lab.run(["-c", lab.config, "status", "--watch"])
    await until("it is shown twice", () => out().split("accepting jobs").length > 2)
    child.kill("SIGINT")
    await done
  })

  it("says that no daemon runs, also where a dead one left its socket", async () => {
    const before = await lab.anklet("status")
    assert.strictEqual(before.code, 5)
    assert.match(before.stderr, /^anklet: no daemon is running/)
    await lab.anklet()
    process.kill(lab.pid() ?? 0, "SIGKILL")
    assert.isTrue(existsSync(socket()))
    assert.strictEqual((await lab.anklet("status")).code, 5)
    assert.strictEqual((await lab.anklet()).code, 0, "a new daemon takes the socket's place")
    assert.strictEqual((await lab.anklet("status")).code, 0)
    await lab.anklet("-s", "stop")
    assert.isFalse(existsSync(socket()))
  })

  it("says what is wrong when the daemon runs and does not answer", async () => {
    await lab.anklet()
    process.kill(lab.pid() ?? 0, "SIGSTOP")
    rmSync(socket())
    const { code, stderr } = await lab.anklet("status")
    process.kill(lab.pid() ?? 0, "SIGCONT")
    assert.strictEqual(code, 13)
    assert.match(stderr, /the daemon \(pid \d+\) does not answer: .*anklet\.sock/)
  })

  it("can be asked by its user alone, and tells no secret", async () => {
    await lab.anklet()
    assert.strictEqual(statSync(socket()).mode & 0o777, 0o600)
    const { stdout } = await lab.anklet("status", "--json")
    assert.notInclude(stdout, TOKEN)
  })

  it("does not keep the daemon from its work where there can be no socket", async () => {
    const deep = join(lab.folder, "d".repeat(100))
    const file = lab.configFor("deep")
    writeFileSync(file, readFileSync(file, "utf8").replace(/pid_file_dir: .*/, `pid_file_dir: ${deep}`))
    const started = await lab.run(["-c", file]).done
    assert.strictEqual(started.code, 0, started.stderr)
    const warned = () => lab.log().find(({ level }) => level === "WARN")
    await until("that is said", () => warned() !== undefined)
    assert.match(String(warned()?.msg), /choose a shorter pid_file_dir/)
    assert.strictEqual((await lab.run(["-c", file, "status"]).done).code, 13)
    assert.strictEqual((await lab.run(["-c", file, "-s", "stop"]).done).code, 0)
  })

  it("names an anka that does not answer", async () => {
    await lab.anklet()
    chmodSync(join(lab.folder, "host", "bin", "anka"), 0o600)
    const names = async () => {
      const { code, stdout } = await lab.anklet("status")
      assert.strictEqual(code, 0)
      return /^not known: .*anka/m.test(stdout)
    }
    // the answer that the start got is given again for a moment
    await until("it names anka", names)
  })
})

describe("anklet drain and resume", () => {
  beforeEach(async () => {
    lab = await make({ services: 1 })
  })
  afterEach(() => lab.close())

  it("let a host accept no new jobs, also after a restart, while its job goes on; and accept jobs again", async () => {
    await lab.anklet()
    lab.queue({ name: "first", steps: WAITS })
    await until("the job runs", () => [...lab.world.jobs.values()].some(({ status }) => status === "in_progress"))
    assert.strictEqual((await lab.anklet("drain")).code, 0)
    lab.queue({ name: "second" })
    lab.letGo()
    await until("the first has ended and the host waits", async () => (await doingOf("RUNNER1")) === "Waiting")
    assert.deepStrictEqual(
      [...lab.world.jobs.values()].map(({ status, conclusion }) => conclusion ?? status),
      ["success", "queued"]
    )
    await lab.anklet("-s", "stop")
    await lab.anklet()
    assert.strictEqual((await statusOf()).mode, "paused")
    assert.include(
      (await lab.anklet("status")).stdout.replace(/\s+/g, " "),
      `not accepting jobs: paused by anklet drain, until "anklet -c ${lab.config} resume"`
    )
    await until("it has looked", async () => (await doingOf("RUNNER1")) === "Waiting")
    assert.strictEqual([...lab.world.jobs.values()].at(-1)?.status, "queued")
    assert.strictEqual((await lab.anklet("resume")).code, 0)
    await until("the second has ended", () => [...lab.world.jobs.values()].at(-1)?.conclusion === "success")
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
  })

  it("say that no daemon runs", async () => {
    for (const command of ["drain", "resume"]) assert.strictEqual((await lab.anklet(command)).code, 5)
  })
})

it("anklet status --fleet tells of every host that shares the store: what it does, its version, and the queue by template", async () => {
  const redis = await store.start()
  const fleet = await fleets.make({ macs: 3, database: () => [`port: ${redis.port}`], services: 1 })
  try {
    for (const mac of fleet.macs) await mac.start()
    const ids = fleet.queue(1)
    await until("the job has ended", () => fleet.completed(ids) === 1)
    const ask = async () => (await fleet.macs[0]?.anklet("status", "--fleet"))?.stdout ?? ""
    await until("all three have said what they do", async () => (await ask()).split("1 waiting").length > 3)
    const said = await ask()
    assert.match(said, /^github:\S+\/veertuinc\/anklet in Redis .*: \d+ queued, \d+ claimed$/m)
    assert.match(said, /\(this\) .* yes +0 of 2 +1 waiting$/m)
    const go = join(fleet.folder, "go")
    const [id = 0] = fleet.queue(1, `while [ ! -e ${go} ]; do sleep 0.05; done`)
    await until("the Mac that has the next job says that one of its VM slots is in use", async () =>
      / yes +1 of 2 +1 working +leg 0 running$/m.test(await ask())
    )
    const seen = JSON.parse((await fleet.macs[0]?.anklet("status", "--fleet", "--json"))?.stdout ?? "{}")
    const slots = seen.scopes[0].hosts.map(({ status }: { status: { slots: { used: number } } }) => status.slots.used)
    assert.deepStrictEqual(slots.sort(), [0, 0, 1])
    writeFileSync(go, "")
    await until("it has ended", () => fleet.completed([id]) === 1)
    assert.match(said, /polls for all hosts; last poll \d+ s ago/)
  } finally {
    await fleet.close()
    await redis.close()
  }
})

it("a thousand jobs in the queue: what is told of them stays short, and right", async () => {
  const redis = await store.start()
  const fleet = await fleets.make({ macs: 1, database: () => [`port: ${redis.port}`], services: 1, interval: 5 })
  try {
    const [mac] = fleet.macs
    if (mac === undefined) return assert.fail("no mac")
    const runs = Array.from({ length: 20 }, () =>
      fleet.github.world.queue({
        owner: "veertuinc",
        repo: "anklet",
        jobs: Array.from({ length: 50 }, (_, n) => ({
          name: `leg ${n}`,
          labels: [...LABELS, `unique-id:${n}`],
          steps: WAITS
        }))
      })
    )
    await mac.start()
    const ask = async (...words: ReadonlyArray<string>) => {
      const { code, stdout, stderr } = await mac.anklet(...words)
      assert.strictEqual(code, 0, stderr)
      assert.isBelow(stdout.split("\n").length, 45, stdout)
      return stdout
    }
    await until("one of them runs", () => runs[0]?.jobs.some(({ status }) => status === "in_progress") ?? false)
    await until("all others are known to wait", async () =>
      /: 999 queued, 1 claimed$/m.test(await ask("status", "--fleet"))
    )
    assert.match(await ask("status"), /^RUNNER1 {2}works {2}/m)
    assert.match(
      await ask("why", `${runs.at(-1)?.jobs.at(-1)?.id}`),
      /^ {2}the queue: \d{3} jobs for the same template go before it$/m
    )
  } finally {
    await fleet.macs[0]?.anklet("-s", "stop")
    await fleet.close()
    await redis.close()
  }
})
