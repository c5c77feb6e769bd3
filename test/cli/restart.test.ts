import { readFileSync, writeFileSync } from "node:fs"
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
