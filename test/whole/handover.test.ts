import { renameSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { Scope } from "../../src/domain/Job.ts"
import { keysOf } from "../../src/services/Coordinator/redis/scripts.ts"
import { calls, setFaults } from "../../src/simulator/anka/host.ts"
import { type RedisServer, start as startRedis } from "../store/server.ts"
import { type Fleet, make as makeFleet } from "./fleet.ts"
import { isAlive, type Lab, type LabOptions, make, until } from "./lab.ts"

let lab: Lab
let undo: Array<() => unknown> = []

afterEach(async () => {
  for (const close of undo.reverse()) await close()
  undo = []
})

const setUp = async (options?: LabOptions) => {
  lab = await make(options)
  undo.push(lab.close)
}

/** A step that writes a line when it begins, and ends when the test releases it. */
const WAITS = "echo began >> ../../runs; while [ ! -f ../../go ]; do sleep 0.05; done"

/** Longer than a daemon takes to start on a busy machine, and to log that it waits, in milliseconds. */
const LONG = 8000

const pidOf = () => lab.pid() ?? assert.fail("no daemon runs")
const start = async () => {
  const ran = await lab.anklet()
  assert.strictEqual(ran.code, 0, ran.stderr)
  return pidOf()
}
const drain = async () => assert.strictEqual((await lab.anklet("-s", "drain", "--no-wait")).code, 0)
const said = (words: string) => lab.log().filter(({ msg }) => String(msg).includes(words)).length
const runs = (job: { readonly id: number }) => () => lab.world.job(job.id).status === "in_progress"

const queue = (...steps: ReadonlyArray<string>) => {
  const [job] = lab.queue({ steps }).jobs
  assert.isDefined(job)
  return job
}

/** The job ran once, in one VM and on one runner, and nothing is left. */
const ranOnce = async (job: { readonly id: number }) => {
  await until("the job has ended", () => lab.world.job(job.id).status === "completed")
  assert.strictEqual(lab.world.job(job.id).conclusion, "success")
  // a paused host has nothing to wait for
  const drained = await lab.anklet("-s", "drain")
  assert.include([0, 5], drained.code, drained.stderr)
  assert.strictEqual(calls(lab.host).filter(({ argv }) => argv.includes("clone")).length, 1)
  assert.strictEqual(lab.github.log.filter(({ method, path }) => method === "POST" && /jitconfig/.test(path)).length, 1)
  assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
  assert.deepStrictEqual(lab.owes(), [])
  assert.deepStrictEqual(lab.errors(), [])
}

describe("a daemon that is started in the place of one that drains", () => {
  it("adopts what runs: one VM, one runner, no clean-up in between", async () => {
    await setUp()
    const job = queue(WAITS)
    const old = await start()
    await until("the job runs", runs(job))
    const { vms, runners } = lab.left()
    const leaving = lab.run(["-c", lab.config, "-s", "drain"])
    await until("it drains", () => said("draining: nothing new") === 1)
    const young = await lab.anklet()
    assert.strictEqual(young.code, 0, young.stderr)
    assert.include(young.stdout, `anklet (pid ${old}) is gone: this one takes its place`)
    assert.isFalse(isAlive(old))
    const left = await leaving.done
    assert.strictEqual(left.code, 0, left.stderr)
    assert.include(left.stdout, "its jobs keep running")
    await until("the job is adopted", () => said("still runs: its job is watched to its end") === 1)
    assert.deepStrictEqual(lab.left(), { vms, runners })
    assert.strictEqual(said("handing over: services are interrupted, and leave what runs"), 1)
    assert.strictEqual(said('handed over to the next daemon: "'), 1)
    // it does not drain itself
    const next = queue("true")
    lab.letGo()
    await until("the next job has ended", () => lab.world.job(next.id).status === "completed")
    await until("the first job has ended", () => lab.world.job(job.id).status === "completed")
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    assert.strictEqual(calls(lab.host).filter(({ argv }) => argv.includes("clone")).length, 2)
    assert.deepStrictEqual(
      calls(lab.host).filter(({ until, pid }) => until === undefined && isAlive(pid)),
      []
    )
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("does so again and again, also with a job that was adopted before", async () => {
    await setUp()
    const job = queue(WAITS)
    let old = await start()
    await until("the job runs", runs(job))
    for (const adoptions of [1, 2, 3]) {
      await drain()
      const young = await start()
      assert.notStrictEqual(young, old)
      old = young
      await until("the job is adopted", () => said("still runs: its job is watched to its end") === adoptions)
    }
    lab.letGo()
    await ranOnce(job)
  })

  for (const [step, fault, words] of [
    ["cloned", { command: "clone" }, ["clone"]],
    ["booted", { command: "run", nth: 1 }, ["run"]],
    ["started", { command: "run", nth: 4 }, ["run", "./start-runner.bash"]]
  ] as const) {
    it(`waits for a job that is being ${step} until its runner runs`, async () => {
      await setUp()
      setFaults(lab.host, [{ ...fault, times: 1, fault: "sleep", ms: LONG }])
      const job = queue(WAITS)
      const old = await start()
      await until(`it is being ${step}`, () => lab.began(words))
      await drain()
      const young = await lab.anklet()
      assert.strictEqual(young.code, 0, young.stderr)
      assert.include(young.stdout, `anklet (pid ${old}) accepts no new jobs: waiting for it to hand over its jobs`)
      assert.include(young.stdout, "waiting for RUNNER1: job")
      lab.letGo()
      await ranOnce(job)
    })
  }

  it("stays paused where `anklet drain` had paused it, until `anklet resume`", async () => {
    await setUp()
    const job = queue(WAITS)
    const old = await start()
    await until("the job runs", runs(job))
    assert.strictEqual((await lab.anklet("drain")).code, 0)
    const next = queue("true")
    assert.notStrictEqual(await start(), old)
    await until("the job is adopted", () => said("still runs: its job is watched to its end") === 1)
    lab.letGo()
    await until("the job has ended", () => lab.world.job(job.id).status === "completed")
    const status = JSON.parse((await lab.anklet("status", "--json")).stdout)
    assert.strictEqual(status.mode, "paused")
    assert.strictEqual(lab.world.job(next.id).status, "queued")
    assert.strictEqual((await lab.anklet("resume")).code, 0)
    await until("the next job has ended", () => lab.world.job(next.id).status === "completed")
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("just starts when the old one had nothing to do", async () => {
    await setUp()
    await start()
    await drain()
    await start()
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    assert.deepStrictEqual(lab.errors(), [])
  })
})

describe("killed in the middle of a hand-over,", () => {
  it("who waits for it leaves the old daemon to its drain, and a paused one to its pause", async () => {
    await setUp()
    setFaults(lab.host, [{ command: "clone", times: 1, fault: "sleep", ms: LONG }])
    const job = queue(WAITS)
    const old = await start()
    await until("it is being cloned", () => lab.began(["clone"]))
    assert.strictEqual((await lab.anklet("drain")).code, 0)
    const young = lab.run(["-c", lab.config])
    await until("it waits", () => young.out().includes("waiting for RUNNER1"))
    young.child.kill("SIGKILL")
    await until("the job runs", runs(job))
    assert.strictEqual(pidOf(), old)
    lab.letGo()
    await until("the job has ended", () => lab.world.job(job.id).status === "completed")
    await until("all is clean", () => lab.owes().length === 0)
    assert.isTrue(isAlive(old))
    assert.strictEqual(said("handed over to the next daemon"), 0)
    await ranOnce(job)
  })

  it("the old one is followed by the new one as after any crash", async () => {
    await setUp()
    setFaults(lab.host, [{ command: "run", nth: 1, times: 1, fault: "sleep", ms: LONG }])
    const job = queue("true")
    const old = await start()
    await until("it boots", () => lab.began(["run"]))
    await drain()
    const young = lab.run(["-c", lab.config])
    await until("the new one waits", () => young.out().includes("waiting for RUNNER1"))
    process.kill(old, "SIGKILL")
    const ran = await young.done
    assert.strictEqual(ran.code, 0, ran.stderr)
    await until("the job has ended", () => lab.world.job(job.id).status === "completed")
    assert.strictEqual(lab.world.job(job.id).conclusion, "success")
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    assert.deepStrictEqual(lab.owes(), [])
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("the new one is followed by the next one, which adopts what still runs", async () => {
    await setUp()
    const job = queue(WAITS)
    await start()
    await until("the job runs", runs(job))
    await drain()
    const young = await start()
    process.kill(young, "SIGKILL")
    await until("it is dead", () => !isAlive(young))
    await start()
    lab.letGo()
    await ranOnce(job)
  })

  it("nothing: a stop that comes while the old one waits cleans up as ever", async () => {
    await setUp()
    setFaults(lab.host, [{ command: "run", nth: 1, times: 1, fault: "sleep", ms: LONG }])
    queue("true")
    await start()
    await until("it boots", () => lab.began(["run"]))
    await drain()
    const young = lab.run(["-c", lab.config])
    await until("the new one waits", () => young.out().includes("waiting for RUNNER1"))
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    assert.strictEqual((await young.done).code, 0)
    assert.strictEqual(said("handed over to the next daemon"), 0)
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    assert.deepStrictEqual(lab.owes(), [])
  })
})

describe("a daemon is refused with exit code 4, and what to do,", () => {
  it("in the place of one that takes work; nothing is touched", async () => {
    await setUp()
    const job = queue(WAITS)
    const old = await start()
    await until("the job runs", runs(job))
    for (const args of [[], ["--attach"]]) {
      const young = await lab.anklet(...args)
      assert.strictEqual(young.code, 4)
      assert.include(young.stderr, `already running (pid ${old}`)
      assert.include(young.stderr, `to replace it without interrupting its jobs: "anklet -c ${lab.config} restart"`)
      assert.strictEqual(young.stdout, "")
    }
    assert.strictEqual(pidOf(), old)
    lab.letGo()
    await ranOnce(job)
  })

  it("when the host is resumed before all is handed over", async () => {
    await setUp()
    setFaults(lab.host, [{ command: "clone", times: 1, fault: "sleep", ms: LONG }])
    const job = queue(WAITS)
    const old = await start()
    await until("it is being cloned", () => lab.began(["clone"]))
    assert.strictEqual((await lab.anklet("drain")).code, 0)
    const young = lab.run(["-c", lab.config])
    await until("it waits", () => young.out().includes("waiting for RUNNER1"))
    assert.strictEqual((await lab.anklet("resume")).code, 0)
    assert.strictEqual((await young.done).code, 4)
    assert.strictEqual(pidOf(), old)
    await until("the job runs", runs(job))
    lab.letGo()
    await ranOnce(job)
  })

  it("in the place of one that is too old to know of hand-overs, or that does not answer", async () => {
    await setUp()
    const old = await start()
    const socket = join(lab.folder, "daemon", "anklet.sock")
    const listen = (answer: number | undefined) =>
      new Promise<Server>((resolve) => {
        const server = createServer((_, response) => {
          if (answer === undefined) response.destroy()
          else response.writeHead(answer).end("nothing is known as POST /handover")
        })
        server.listen(`${socket}.${answer}`, () => resolve(server))
      })
    // another server answers in its place
    for (const [answer, words] of [
      [404, "it is too old to hand its jobs over"],
      [undefined, "it does not answer"]
    ] as const) {
      const server = await listen(answer)
      undo.push(() => server.close())
      renameSync(`${socket}.${answer}`, socket)
      const young = await lab.anklet()
      assert.strictEqual(young.code, 4)
      assert.include(young.stderr, words)
      assert.include(young.stderr, `wait until "anklet -c ${lab.config} -s drain" has ended, then start again`)
    }
    assert.strictEqual(pidOf(), old)
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
  })

  it("says that jobs go on unwatched when the new daemon then cannot start", async () => {
    await setUp()
    const job = queue(WAITS)
    await start()
    await until("the job runs", runs(job))
    await drain()
    setFaults(lab.host, [{ command: "version", times: 99, fault: "fail" }])
    const young = await lab.anklet()
    assert.strictEqual(young.code, 7, young.stderr)
    assert.include(young.stderr, `keep running in their VMs; "anklet -c ${lab.config}" takes them over`)
    setFaults(lab.host, [])
    await start()
    lab.letGo()
    await until("the job has ended", () => lab.world.job(job.id).status === "completed")
    assert.strictEqual(lab.world.job(job.id).conclusion, "success")
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
  })
})

describe("a hand-over on a host that shares a Redis", () => {
  let redis: RedisServer
  let fleet: Fleet

  it("keeps the claim: no other host takes the job, and the store hears its end", async () => {
    redis = await startRedis()
    undo.push(redis.close)
    fleet = await makeFleet({
      macs: 2,
      database: () => ["url: 127.0.0.1", `port: ${redis.port}`],
      services: 1,
      interval: 0.5
    })
    undo.push(fleet.close)
    const [mac, other] = fleet.macs
    assert.isDefined(mac)
    assert.isDefined(other)
    await mac?.start()
    const go = join(fleet.folder, "go")
    const [id = 0] = fleet.queue(1, `while [ ! -f ${go} ]; do sleep 0.05; done`)
    await until("the job runs", () => fleet.github.world.job(id).status === "in_progress")
    await other?.start()
    const scope = Scope.make(`github:${new URL(fleet.github.url).host}/veertuinc/anklet`)
    const owned = () => redis.ask((client) => client.hgetall(keysOf(scope)[7] ?? ""))
    const before = await owned()
    assert.strictEqual(Object.keys(before).length, 1)
    const vms = mac?.vms()
    assert.strictEqual((await mac?.anklet("-s", "drain", "--no-wait"))?.code, 0)
    const young = await mac?.anklet()
    assert.strictEqual(young?.code, 0, young?.stderr)
    const adopted = () => mac?.log().some(({ msg }) => String(msg).includes("watched to its end")) === true
    await until("the job is adopted", adopted)
    assert.deepStrictEqual(await owned(), before)
    assert.deepStrictEqual(mac?.vms(), vms)
    writeFileSync(go, "")
    await until("the job has ended", () => fleet.completed([id]) === 1)
    await until("the store has heard of it", async () => Object.keys(await owned()).length === 0)
    for (const mac of fleet.macs) assert.strictEqual((await mac.anklet("-s", "drain")).code, 0)
    assert.strictEqual(fleet.ran().length, 1)
    assert.isFalse(other?.log().some(({ msg }) => msg === "job claimed"))
    assert.deepStrictEqual(fleet.left(), { vms: [], runners: [], owes: [] })
    assert.deepStrictEqual(
      fleet.macs.flatMap((mac) => mac.log().filter(({ level }) => level === "ERROR")),
      []
    )
  })
})
