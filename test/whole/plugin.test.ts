import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { get } from "node:http"
import { join, resolve } from "node:path"
import { text } from "node:stream/consumers"
import { afterEach, assert, describe, it } from "vitest"
import { type Lab, make, TEMPLATE, until } from "./lab.ts"

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

describe("a plugin from disk", () => {
  it("as worked out in docs/ runs scripts of a folder in VMs, beside the built-in one", async () => {
    lab = await make()
    install("folder")
    const jobs = join(lab.folder, "jobs")
    mkdirSync(jobs)
    writeFileSync(join(jobs, "a.job"), "echo hello from $USER\n")
    writeFileSync(join(jobs, "b.job"), "exit 3\n")
    addServices(service("FILES", "folder", `    folder: ${jobs}\n    template: ${TEMPLATE}\n    tag: v1\n`))
    const queued = lab.queue({})
    const start = await lab.anklet()
    assert.strictEqual(start.code, 0, start.stderr)
    await until(
      "both scripts have run",
      () => existsSync(join(jobs, "a.job.done")) && existsSync(join(jobs, "b.job.failed"))
    )
    assert.strictEqual(readFileSync(join(jobs, "a.job.out"), "utf8"), "hello from anka\n")
    await until("the GitHub job has ended", () => lab.world.job(queued.jobs[0]?.id ?? 0).status === "completed")
    await until("its jobs are counted with the built-in one's", async () =>
      (await metrics()).includes('anklet_jobs_ended_total{outcome="finished"} 3\n')
    )
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    assert.deepStrictEqual(lab.errors(), [])
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
