import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { get } from "node:http"
import { join, resolve } from "node:path"
import { text } from "node:stream/consumers"
import { afterEach, assert, describe, it } from "vitest"
import { calls } from "../../src/simulator/anka/host.ts"
import { isAlive, type Lab, make, TEMPLATE, until } from "./lab.ts"

let lab: Lab

afterEach(() => lab.close())

const install = (name: string, index?: string) => {
  const folder = join(lab.home, ".config", "anklet", "plugins", name)
  mkdirSync(folder, { recursive: true })
  if (index === undefined)
    cpSync(resolve(import.meta.dirname, "../../docs/examples", name), folder, { recursive: true })
  else writeFileSync(join(folder, "index.mjs"), index)
}

const service = (name: string, plugin: string, extra = "") =>
  `  - name: ${name}\n    plugin: ${plugin}\n    sleep_interval: 0.2\n${extra}`

/** What the daemon counts. */
const metrics = () =>
  new Promise<string>((resolve, reject) => {
    const socketPath = join(lab.folder, "daemon", "anklet.sock")
    get({ socketPath, path: "/metrics" }, (response) => resolve(text(response))).on("error", reject)
  })

const addServices = (...services: ReadonlyArray<string>) =>
  writeFileSync(lab.config, readFileSync(lab.config, "utf8") + services.join(""))

/** What the example has written of a job; undefined before it is over. */
const endOf = (jobs: string, name: string) => {
  const read = (end: string) => readFileSync(join(jobs, `${name}.${end}`), "utf8")
  return existsSync(join(jobs, `${name}.exit`)) ? { exit: read("exit"), log: read("log") } : undefined
}

/** The example at work on one script, which ends with exit code 4 when the test lets it. */
const atWork = async () => {
  lab = await make({ services: 0 })
  install("folder")
  const jobs = join(lab.folder, "jobs")
  const [began, go] = [join(lab.folder, "began"), join(lab.folder, "go")]
  mkdirSync(jobs)
  const script = `echo begins | tee -a ${began}; while [ ! -f ${go} ]; do sleep 0.05; done; echo ends; exit 4\n`
  writeFileSync(join(jobs, "a.job"), script)
  addServices(service("FILES", "folder", `    folder: ${jobs}\n    template: ${TEMPLATE}\n    tag: v1\n`))
  const start = async () => {
    const ran = await lab.anklet()
    assert.strictEqual(ran.code, 0, ran.stderr)
  }
  const starts = () => (existsSync(began) ? readFileSync(began, "utf8").split("\n").length - 1 : 0)
  await start()
  await until("the script runs", () => starts() === 1)
  return {
    start,
    starts,
    kill: async () => {
      const pid = lab.pid() ?? assert.fail("no daemon runs")
      process.kill(pid, "SIGKILL")
      await until("the daemon is dead", () => !isAlive(pid))
    },
    letGo: () => writeFileSync(go, ""),
    /** The script's result is there, and nothing else. */
    ended: async (clones = 1) => {
      await until("the script has ended", () => endOf(jobs, "a.job") !== undefined)
      assert.deepStrictEqual(endOf(jobs, "a.job"), { exit: "4\n", log: "begins\nends\n" })
      assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
      assert.strictEqual(starts(), clones)
      assert.strictEqual(calls(lab.host).filter(({ argv }) => argv.includes("clone")).length, clones)
      assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
      assert.deepStrictEqual(lab.owes(), [])
      assert.deepStrictEqual(lab.errors(), [])
    }
  }
}

const said = (words: string) => lab.log().filter(({ msg }) => String(msg).includes(words)).length

describe("a plugin from disk", () => {
  it("as worked out in docs/ runs scripts of a folder in VMs, beside the built-in one", async () => {
    lab = await make()
    install("folder")
    const jobs = join(lab.folder, "jobs")
    mkdirSync(jobs)
    writeFileSync(join(jobs, "a.job"), "echo hello from $USER\necho quietly >&2\n")
    writeFileSync(join(jobs, "b.job"), "exit 3\n")
    addServices(service("FILES", "folder", `    folder: ${jobs}\n    template: ${TEMPLATE}\n    tag: v1\n`))
    const queued = lab.queue({})
    const start = await lab.anklet()
    assert.strictEqual(start.code, 0, start.stderr)
    await until("both scripts have run", () => endOf(jobs, "a.job") !== undefined && endOf(jobs, "b.job") !== undefined)
    assert.deepStrictEqual(endOf(jobs, "a.job"), { exit: "0\n", log: "hello from anka\nquietly\n" })
    assert.deepStrictEqual(endOf(jobs, "b.job"), { exit: "3\n", log: "" })
    await until("the GitHub job has ended", () => lab.world.job(queued.jobs[0]?.id ?? 0).status === "completed")
    await until("its jobs are counted with the built-in one's", async () =>
      (await metrics()).includes('anklet_jobs_ended_total{outcome="finished"} 3\n')
    )
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("has its jobs adopted after kill -9: the script goes on, and its result is written", async () => {
    const job = await atWork()
    await job.kill()
    await job.start()
    await until("the job is adopted", () => said("still runs: its job is watched to its end") === 1)
    job.letGo()
    await job.ended()
  })

  it("has the result of a script that ended while no daemon ran", async () => {
    const job = await atWork()
    await job.kill()
    job.letGo()
    await until("the script has ended in its VM", () =>
      lab.left().vms.every((vm) => existsSync(join(lab.guestOf(vm), "anklet-job", "job.exit")))
    )
    await job.start()
    await job.ended()
  })

  it("leaves its jobs to the daemon that takes the place of a draining one", async () => {
    const job = await atWork()
    assert.strictEqual((await lab.anklet("-s", "drain", "--no-wait")).code, 0)
    await job.start()
    await until("the job is adopted", () => said("still runs: its job is watched to its end") === 1)
    job.letGo()
    await job.ended()
  })

  it("has a job that a stop interrupts run again", async () => {
    const job = await atWork()
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    assert.deepStrictEqual(lab.owes(), [])
    await job.start()
    await until("the script runs again", () => job.starts() === 2)
    job.letGo()
    await job.ended(2)
  })

  it("has its config read as strictly as any", async () => {
    lab = await make()
    install("folder")
    addServices(service("FILES", "folder", `    foldr: /tmp\n    template: ${TEMPLATE}\n`))
    const start = await lab.anklet()
    assert.strictEqual(start.code, 3)
    assert.include(start.stderr, "`foldr`: did you mean `folder`?")
  })

  it("that fails, throws, dies or interrupts itself is one ERROR, and leaves the others at work", async () => {
    lab = await make()
    install(
      "bad",
      "export default ({ Effect, Schema }) => ({ name: 'bad', config: Schema.Struct({ how: Schema.String }), run: (_, { how }) => how === 'throw' ? (() => { throw new Error('thrown') })() : how === 'die' ? Effect.die(new Error('died')) : how === 'interrupt' ? Effect.interrupt : Effect.never })\n"
    )
    addServices(...["throw", "die", "interrupt", "hang"].map((how) => service(how, "bad", `    how: ${how}\n`)))
    const { jobs } = lab.queue({})
    const start = await lab.anklet()
    assert.strictEqual(start.code, 0, start.stderr)
    await until("the job has ended", () => lab.world.job(jobs[0]?.id ?? 0).status === "completed")
    await until(
      "each has failed twice",
      () => lab.log().filter(({ msg }) => String(msg).includes("2 times in a row")).length >= 3
    )
    assert.deepStrictEqual(
      lab
        .errors()
        .map(({ serviceName }) => serviceName)
        .sort(),
      ["die", "interrupt", "throw"]
    )
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
  })

  it("that makes its passes twice, or not at all, is a config error", async () => {
    lab = await make()
    install("both", "export default ({ Schema }) => ({ name: 'both', config: Schema.Struct({}), run() {}, ci() {} })\n")
    install("none", "export default ({ Schema }) => ({ name: 'none', config: Schema.Struct({}) })\n")
    addServices(service("B", "both"), service("N", "none"))
    const start = await lab.anklet()
    assert.strictEqual(start.code, 3)
    for (const name of ["both", "none"])
      assert.match(start.stderr, new RegExp(`${name}/index.mjs: its function must return .* either \`run\` or \`ci\``))
  })

  it("that cannot be loaded is a config error that names the file", async () => {
    lab = await make()
    install("broken", "this is not JavaScript\n")
    addServices(service("B", "broken"))
    const start = await lab.anklet()
    assert.strictEqual(start.code, 3)
    assert.include(start.stderr, "broken/index.mjs: cannot be loaded")
    assert.isFalse(existsSync(lab.pidFile))
  })
})
