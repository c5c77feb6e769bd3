/** The simulated world by hand, as a person types it: from a fresh program to a first job in five commands. */
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { endAllIn, isAlive, until } from "./processes.ts"
import { PROGRAM } from "./program.ts"

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "anklet-world-"))
})
afterEach(async () => {
  await endAllIn(folder)
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
})

const [program, ...before] = PROGRAM
const simulate = (...args: ReadonlyArray<string>) => {
  const { status, stdout, stderr } = spawnSync(program, [...before, "simulate", ...args], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env.PATH, HOME: folder }
  })
  return { code: status, stdout, stderr }
}
/** A line that a person types in a shell in which the world's commands come first. */
const typed = (line: string) => {
  const { status, stdout, stderr } = spawnSync("bash", ["-c", `export PATH="${folder}/w/bin:$PATH"; ${line}`], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env.PATH, HOME: folder }
  })
  return { code: status, stdout, stderr }
}
const github = (): { readonly url: string; readonly pid: number } =>
  JSON.parse(readFileSync(join(folder, "w", "github.json"), "utf8"))
const jobs = async (): Promise<ReadonlyArray<{ readonly status: string; readonly conclusion: string | null }>> =>
  JSON.parse(await (await fetch(`${github().url}/_control/state`)).text()).jobs

describe("anklet simulate world", () => {
  it("leads to a first job in five commands, which it prints, and leaves no process behind", async () => {
    const made = simulate("world", "w", "--template", "sonoma:v7")
    assert.strictEqual(made.code, 0, made.stderr)
    assert.match(made.stdout, /^anklet is up \(pid \d+\)$/m)
    assert.include(made.stdout, "acme/app: no jobs waiting")
    const commands = made.stdout.split("Type, in this order:\n")[1]?.trim().split("\n") ?? []
    assert.isAtMost(commands.length, 4)
    const [path = "", queue = "", status = "", end = ""] = commands.map((line) => line.trim())
    assert.include(path, `export PATH="${folder}/w/bin:$PATH"`)
    assert.strictEqual(typed(queue).code, 0)
    assert.match(typed(status).stdout, /accepting jobs/)
    await until("the job has ended", async () => (await jobs())[0]?.conclusion === "success")
    const many = typed('anklet simulate queue -n 3 --template sonoma --name build --steps "sleep 0.1"')
    assert.match(many.stdout, /^queued 3 jobs of acme\/app for sonoma:v7\n {2}anklet why \d+\n$/)
    await until("all have ended", async () => (await jobs()).every(({ conclusion }) => conclusion === "success"))
    assert.match(typed("anka list").stdout, /sonoma/)
    const { pid } = github()
    const ended = typed(end)
    assert.strictEqual(ended.code, 0, ended.stderr)
    await until("its GitHub is gone", () => !isAlive(pid))
    assert.strictEqual(typed("anklet status").code, 5)
    assert.match(
      typed("anklet simulate queue").stderr,
      /^anklet: the GitHub of this world does not run: "anklet simulate/
    )
  })

  it("starts again where it was, whatever still runs; its GitHub ends when the folder is removed", async () => {
    assert.strictEqual(simulate("world", "w").code, 0)
    const first = github()
    assert.strictEqual(simulate("world", "w").code, 0)
    assert.deepStrictEqual(github(), first)
    assert.strictEqual(simulate("end", "w").code, 0)
    await until("its GitHub is gone", () => !isAlive(first.pid))
    assert.strictEqual(simulate("world", "w", "--no-start").code, 0)
    const second = github()
    assert.strictEqual(second.url, first.url)
    assert.strictEqual(typed("anklet status").code, 5)
    rmSync(join(folder, "w"), { recursive: true })
    await until("it has ended by itself", () => !isAlive(second.pid))
  })

  it("touches no folder that holds anything else", () => {
    writeFileSync(join(folder, "mine"), "x")
    for (const command of ["world", "host"]) {
      const { code, stderr } = simulate(command, ".")
      assert.strictEqual(code, 2)
      assert.match(stderr, /is not empty: name a folder that is not there yet\n$/)
    }
    assert.deepStrictEqual(readdirSync(folder), ["mine"])
  })
})

describe("anklet simulate host", () => {
  it("makes a host whose anka runs once its folder is in PATH", () => {
    const made = simulate("host", "mac", "--template", "sonoma:v7", "--registry", "xcode:v1")
    assert.strictEqual(made.code, 0, made.stderr)
    const { stdout } = typed(`${made.stdout}anka list && anka -j registry list`)
    assert.match(stdout, /sonoma[\s\S]*xcode/)
  })
})

describe("a command of the simulator", () => {
  it("has a help, and starts nothing for it", () => {
    for (const name of ["world", "queue", "end", "host", "github", "anka"]) {
      const help = simulate(name, "--help")
      assert.deepStrictEqual([help.code, help.stderr], [0, ""])
      assert.match(help.stdout, new RegExp(`^\\$ anklet simulate ${name} `))
      assert.strictEqual(simulate("help", name).stdout, help.stdout)
      assert.include(simulate("--help").stdout, `\n  ${name} `)
    }
    assert.deepStrictEqual(readdirSync(folder), [])
  })

  it("says what is wrong in one line: exit 2", () => {
    for (const [line, words] of [
      ["frobnicate", "known are world, queue"],
      ["world", "takes one folder"],
      ["world a b", "takes one folder"],
      ["world w --tempalte x", "no flag --tempalte"],
      ["world w --template a:b:c", "no template"],
      ["queue", "no world is named"],
      ["queue --world nowhere", "is no world"],
      ["queue -n", "the value of -n is missing"],
      ["queue -n 0 --world .", "is no world"],
      ["end nowhere", "is no world"],
      ["github --port many", "--port expects a whole number"],
      ["github --port", "the value of --port is missing"],
      ["anka list", "ANKA_SIM_HOME is not set"]
    ] as const) {
      const { code, stdout, stderr } = simulate(...line.split(" "))
      assert.deepStrictEqual([code, stdout, stderr.split("\n").length], [2, "", 2], line + stderr)
      assert.include(stderr, words, line)
      assert.match(stderr, /^anklet: /, line)
    }
    assert.isFalse(existsSync(join(folder, "w")))
  })
})
