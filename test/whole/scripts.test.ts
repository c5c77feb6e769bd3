import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { clones } from "../../src/simulator/anka/host.ts"
import { type Lab, make, until } from "./lab.ts"

let lab: Lab

/** A file in the plugin's folder; its mode lets nobody execute it. */
const put = (name: string, ...lines: ReadonlyArray<string>) => {
  const folder = join(lab.home, ".config", "anklet", "plugins", "github")
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), `${lines.join("\n")}\n`, { mode: 0o600 })
  return join(folder, name)
}

/** A folder outside of the VMs, in which scripts leave what they have seen. */
const seen = (name: string) => join(lab.folder, name)
const text = (name: string) => (existsSync(seen(name)) ? readFileSync(seen(name), "utf8") : "")

const messages = (level: string) =>
  lab
    .log()
    .filter((line) => line.level === level)
    .map(({ msg }) => String(msg))

const job = () => [...lab.world.jobs.values()][0]

describe("a host's own scripts", () => {
  beforeEach(async () => {
    lab = await make()
  })
  afterEach(async () => {
    await lab.anklet("-s", "stop")
    await lab.close()
  })

  it("run before and after a job in its VM, with their variables, and the log has what they print", async () => {
    put("runner.env", "# what jobs need", "GREETING=it's $HOME")
    put("prepare.bash", 'echo "prepared, $GREETING" | tee prepared')
    put(
      "after.bash",
      `cat prepared step >${seen("after")}; echo "$ANKLET_CONCLUSION" >>${seen("after")}`,
      "echo cleared"
    )
    await lab.anklet()
    lab.queue({ name: "job", steps: ['cp "$HOME/prepared" "$HOME/step"; echo "$GREETING" >>"$HOME/step"; exit 1'] })
    await until("nothing is left", () => job()?.status === "completed" && clones(lab.host).length === 0)
    assert.strictEqual(job()?.conclusion, "failure")
    assert.strictEqual(text("after"), "prepared, it's $HOME\nprepared, it's $HOME\nit's $HOME\nfailure\n")
    await until("it is told", () => messages("INFO").includes("after.bash ended in the VM. Its last lines: cleared"))
    assert.match(
      messages("INFO").join("\n"),
      /^prepare\.bash ended in the VM\. Its last lines: prepared, it's \$HOME$/m
    )
    const told = lab.log().find(({ msg }) => String(msg).startsWith("after.bash ended"))
    assert.include(told, { workflowJobName: "job", serviceName: "RUNNER1" })
    assert.match(String(told?.vmName), /^anklet-vm-/)
  })

  it("before a job that fails: the ERROR has its last lines, its log is kept, and the job runs when it is mended", async () => {
    const file = put("prepare.bash", "echo first; echo no disk >&2; exit 3")
    await lab.anklet()
    lab.queue({ name: "job" })
    await until("it is told", () => messages("ERROR").length > 0)
    assert.match(
      messages("ERROR")[0] ?? "",
      /^prepare\.bash exited with 3 in the VM: first \| no disk\. The job is tried again in 5 s\. Its logs are kept in/
    )
    const folder = join(lab.folder, "daemon", "state", "jobs")
    assert.strictEqual(
      readFileSync(join(folder, readdirSync(folder)[0] ?? "", "prepare.log"), "utf8"),
      "first\nno disk\n"
    )
    rmSync(file)
    await until("it runs", () => job()?.status === "completed")
    assert.strictEqual(job()?.conclusion, "success")
    await until("nothing is left", () => clones(lab.host).length === 0)
  })

  it("after a job runs once where the daemon is killed meanwhile, and the next one sees it through", async () => {
    put(
      "after.bash",
      `echo begun >>${seen("begun")}`,
      `while [ ! -e ${seen("go")} ]; do sleep 0.1; done`,
      "echo 'all is well'"
    )
    await lab.anklet()
    lab.queue({ name: "job" })
    await until("it is begun", () => text("begun") !== "")
    const pid = lab.pid()
    assert.isDefined(pid)
    process.kill(pid ?? 0, "SIGKILL")
    await lab.anklet()
    const told = () => messages("INFO")
    await until("the VM is found", () =>
      told()
        .slice(told().indexOf("found a job of an earlier life of this daemon"))
        .some((line) => line.startsWith("running after.bash"))
    )
    writeFileSync(seen("go"), "")
    await until("it is told", () => messages("INFO").some((line) => line.includes("Its last lines: all is well")))
    await until("nothing is left", () => clones(lab.host).length === 0)
    assert.strictEqual(text("begun"), "begun\n")
    assert.strictEqual(job()?.conclusion, "success")
  })

  it("that are wrong are told by `config check`, the doctor and a start, and all of them at once", async () => {
    put("runner.env", "A=1", "B='hunter2'")
    put("prepare.bash", "true\r")
    const check = await lab.anklet("config", "check")
    assert.strictEqual(check.code, 3)
    for (const words of [
      /runner\.env has a wrong line: line 2: the value of B/,
      /prepare\.bash ends line 1 as Windows does/
    ]) {
      assert.match(check.stderr, words)
      const start = await lab.anklet()
      assert.notStrictEqual(start.code, 0)
      assert.match(start.stderr, words)
    }
    assert.notInclude(check.stderr, "hunter2")
    const { stdout } = await lab.anklet("doctor", "--json")
    assert.strictEqual(stdout.match(/"script-unusable"/g)?.length, 2)
  })
})
