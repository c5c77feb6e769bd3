import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { isAlive, type Lab, make, until } from "../whole/lab.ts"

let lab: Lab

beforeEach(async () => {
  lab = await make()
})
afterEach(() => lab.close())

const HOLD = ["while [ ! -f ../../go ]; do sleep 0.05; done"]
const change = (from: RegExp, to: string) =>
  writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace(from, to), { mode: 0o600 })
const status = async () => JSON.parse((await lab.anklet("status", "--json")).stdout)

describe("anklet restart", () => {
  it("lets the jobs go on, and a daemon with the changed config takes them over", async () => {
    assert.strictEqual((await lab.anklet()).code, 0)
    const { jobs } = lab.queue({ steps: HOLD })
    const id = jobs[0]?.id ?? 0
    await until("the job runs", () => lab.world.job(id).status === "in_progress")
    const old = lab.pid() ?? 0
    const service = readFileSync(lab.config, "utf8").split("services:\n")[1] ?? ""
    change(/$/, service.replace("RUNNER1", "RUNNER2"))
    const ran = await lab.anklet("restart")
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.isFalse(isAlive(old))
    assert.include(ran.stdout, `anklet is up (pid ${lab.pid()})`)
    const { services } = await status()
    assert.deepStrictEqual(
      services.map((it: { readonly name: string }) => it.name),
      ["RUNNER1", "RUNNER2"]
    )
    lab.letGo()
    await until("the job has ended", () => lab.world.job(id).status === "completed")
    assert.strictEqual(lab.world.job(id).conclusion, "success")
    await until("nothing is left", () => lab.left().vms.length === 0)
    assert.strictEqual((await lab.anklet("stop")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("changes nothing if the config is wrong, and says why", async () => {
    assert.strictEqual((await lab.anklet()).code, 0)
    const pid = lab.pid() ?? 0
    change(/owner:/, "ownr:")
    for (const word of ["restart", "reload"]) {
      const ran = await lab.anklet(word)
      assert.strictEqual(ran.code, 3)
      assert.include(ran.stderr, "`ownr`: did you mean `owner`?")
      assert.include(ran.stderr, `the running daemon (pid ${pid}) goes on with the config that it has`)
      assert.strictEqual(lab.pid(), pid)
    }
    change(/ownr:/, "owner:")
    assert.deepInclude(await status(), { pid, mode: "open" })
    assert.strictEqual((await lab.anklet("stop")).code, 0)
  })

  it("starts a daemon if none runs", async () => {
    const ran = await lab.anklet("restart")
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.isTrue(isAlive(lab.pid() ?? 0))
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
  })
})

describe("SIGHUP", () => {
  const said = (words: string) => lab.log().filter(({ msg }) => String(msg).includes(words)).length
  const hup = () => process.kill(lab.pid() ?? 0, "SIGHUP")
  const another = () => {
    const service = readFileSync(lab.config, "utf8").split("services:\n")[1] ?? ""
    change(/$/, service.replace("RUNNER1", "RUNNER2"))
  }
  const names = async () => (await status()).services.map((it: { readonly name: string }) => it.name)

  it("twice in a row hands the jobs over to one daemon with the changed config", async () => {
    assert.strictEqual((await lab.anklet()).code, 0)
    const { jobs } = lab.queue({ steps: HOLD })
    const id = jobs[0]?.id ?? 0
    await until("the job runs", () => lab.world.job(id).status === "in_progress")
    const old = lab.pid() ?? 0
    another()
    hup()
    hup()
    await until("the old daemon is gone", () => !isAlive(old))
    await until("another is up", () => said("anklet is up") === 2)
    assert.deepStrictEqual(await names(), ["RUNNER1", "RUNNER2"])
    lab.letGo()
    await until("the job has ended", () => lab.world.job(id).conclusion === "success")
    await until("nothing is left", () => lab.left().vms.length === 0)
    assert.strictEqual(said("another daemon takes the place of this one"), 1)
    assert.deepStrictEqual(lab.errors(), [])
    assert.strictEqual((await lab.anklet("stop")).code, 0)
  })

  it("changes nothing where the config is as it was, wrong, unreadable or gone, and the log and the status say why", async () => {
    assert.strictEqual((await lab.anklet()).code, 0)
    const pid = lab.pid() ?? 0
    hup()
    await until("it says so", () => said("the config is as it was") === 1)
    const right = readFileSync(lab.config, "utf8")
    const refused = async (why: string) => {
      const before = said("goes on with the one that it has")
      hup()
      await until(`it says ${why}`, () => said("goes on with the one that it has") > before)
      assert.include(lab.errors().at(-1)?.msg, why)
      assert.strictEqual(lab.pid(), pid)
    }
    change(/owner:/, "ownr:")
    await refused("`ownr`: did you mean `owner`?")
    assert.deepInclude(await status(), { pid, mode: "open" })
    assert.include((await status()).refusedConfig, "did you mean `owner`?")
    assert.include((await lab.anklet("status")).stdout, "changed, and not taken over:")
    writeFileSync(lab.config, `${right}\n  - [`)
    await refused("not valid YAML")
    rmSync(lab.config)
    await refused("there is no such file")
    mkdirSync(lab.config)
    await refused("it is a directory")
    rmSync(lab.config, { recursive: true })
    writeFileSync(lab.config, right, { mode: 0o600 })
    another()
    hup()
    await until("another is up", () => said("anklet is up") === 2)
    assert.deepStrictEqual(await names(), ["RUNNER1", "RUNNER2"])
    assert.strictEqual((await status()).refusedConfig, "")
    assert.strictEqual((await lab.anklet("stop")).code, 0)
  })

  it("brings back no daemon that drains, and takes none out of the foreground", async () => {
    const { child, done } = lab.run(["--attach", "-c", lab.config])
    await until("it is up", () => said("anklet is up") === 1)
    another()
    hup()
    await until("it says so", () => said("it is in the foreground (--attach)") === 1)
    assert.strictEqual(lab.pid(), child.pid)
    const { jobs } = lab.queue({ steps: HOLD })
    const id = jobs[0]?.id ?? 0
    await until("the job runs", () => lab.world.job(id).status === "in_progress")
    child.kill("SIGQUIT")
    await until("it drains", () => said("draining: nothing new is taken") === 1)
    hup()
    await until("it says so", () => said("draining: the config is not read again") === 1)
    lab.letGo()
    assert.strictEqual((await done).code, 0)
    assert.strictEqual(lab.world.job(id).conclusion, "success")
    assert.strictEqual(said("anklet is up"), 1)
  })
})

describe("a word of another program", () => {
  it("does what it means: start, stop, version, validate", async () => {
    assert.strictEqual((await lab.anklet("validate")).code, 0)
    assert.strictEqual((await lab.anklet("start")).code, 0)
    assert.strictEqual((await lab.run(["start", "-c", lab.config]).done).code, 4)
    const pid = lab.pid() ?? 0
    const stopped = await lab.anklet("stop")
    assert.deepStrictEqual([stopped.code, isAlive(pid)], [0, false])
    assert.match((await lab.run(["version"]).done).stdout, /^anklet \d/)
  })
})
