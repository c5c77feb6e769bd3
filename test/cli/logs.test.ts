import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { stripVTControlCharacters } from "node:util"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { type Lab, make, until } from "../whole/lab.ts"
import { atTerminal } from "./terminal.ts"

const URL = "https://github.com/veertuinc/anklet/actions/runs/77/job/4242"

let lab: Lab

beforeEach(async () => {
  lab = await make({ services: 2 })
})
afterEach(() => lab.close())

const line = (msg: string, more: Record<string, unknown> = {}) =>
  `${JSON.stringify({ time: "2026-11-25T03:44:46.693+00:00", level: "INFO", msg, ankletVersion: "3.0.0", ...more })}\n`

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => line(`entry ${from + index}`)).join("")

const linesOf = (text: string) => text.split("\n").filter(Boolean)

describe("anklet logs", () => {
  it("shows one line per entry for people, in a pipe without colours, with what is known", async () => {
    writeFileSync(
      lab.logFile,
      [
        line("anklet is up: 2 services"),
        line("job claimed", { serviceName: "RUNNER1", workflowJobName: "test", workflowJobId: 4242, jobURL: URL }),
        line("the pass failed", { level: "ERROR", serviceName: "RUNNER2", err: "first\n  second\tthird" }),
        "Segmentation fault, not JSON\n"
      ].join("")
    )
    const ran = await lab.anklet("logs")
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.strictEqual(ran.stderr, "")
    assert.deepStrictEqual(linesOf(ran.stdout), [
      "2026-11-25 03:44:46  INFO   anklet   anklet is up: 2 services",
      `2026-11-25 03:44:46  INFO   RUNNER1  job claimed  ${URL}`,
      "2026-11-25 03:44:46  ERROR  RUNNER2  the pass failed: first second\tthird",
      "Segmentation fault, not JSON"
    ])
  })

  it("is coloured at a terminal, and not with NO_COLOR", async () => {
    writeFileSync(lab.logFile, line("it broke", { level: "ERROR", serviceName: "RUNNER1" }))
    const where = { env: lab.env, cwd: lab.folder }
    const { code, seen } = await atTerminal(["logs", "-c", lab.config], where)
    assert.strictEqual(code, 0)
    assert.include(seen, "\u001b[31mit broke\u001b[0m")
    const plain = await atTerminal(["logs", "-c", lab.config], { ...where, env: { ...lab.env, NO_COLOR: "1" } })
    assert.strictEqual(plain.seen, stripVTControlCharacters(seen))
  })

  it("lets no entry move the cursor of a terminal", async () => {
    writeFileSync(lab.logFile, line("job \u001b[2J\u001b]0;owned\u0007 \u0000 claimed", { jobURL: "x\u001b[31m" }))
    const { seen } = await atTerminal(["logs", "-c", lab.config], {
      env: { ...lab.env, NO_COLOR: "1" },
      cwd: lab.folder
    })
    assert.notMatch(seen, /[^\P{Cc}\n]/u)
  })

  it("shows the newest 100, or as many as asked for, across the rotated files", async () => {
    writeFileSync(`${lab.logFile}.2`, numbered(1, 50))
    writeFileSync(`${lab.logFile}.1`, numbered(51, 100))
    writeFileSync(lab.logFile, numbered(101, 120))
    const messages = async (...args: ReadonlyArray<string>) =>
      linesOf((await lab.anklet("logs", "--json", ...args)).stdout).map((text) => JSON.parse(text).msg)
    const entries = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, index) => `entry ${from + index}`)
    assert.deepStrictEqual(await messages(), entries(21, 120))
    assert.deepStrictEqual(await messages("--lines", "3"), entries(118, 120))
    assert.deepStrictEqual(await messages("-n", "21"), entries(100, 120))
    assert.deepStrictEqual(await messages("-n", "1000"), entries(1, 120))
    assert.deepStrictEqual(await messages("-n", "0"), [])
    rmSync(lab.logFile)
    assert.deepStrictEqual(await messages("-n", "2"), entries(99, 100))
  })

  it("chooses by service, level and job; the number counts what was chosen", async () => {
    writeFileSync(
      lab.logFile,
      [
        line("one", { serviceName: "RUNNER1", workflowRunId: 77, workflowJobId: 4242 }),
        line("two", { serviceName: "RUNNER2", level: "WARN", workflowRunId: 77, workflowJobId: 4243 }),
        line("three", { level: "ERROR" }),
        line("four", { serviceName: "RUNNER1", level: "DEBUG" }),
        "no JSON\n"
      ].join("")
    )
    const messages = async (...args: ReadonlyArray<string>) =>
      linesOf((await lab.anklet("logs", ...args)).stdout).map((text) => text.split(/ {2,}/).at(-1))
    assert.deepStrictEqual(await messages("--service", "RUNNER1"), ["one", "four"])
    assert.deepStrictEqual(await messages("--service", "RUNNER1", "-n", "1"), ["four"])
    assert.deepStrictEqual(await messages("--level", "warn"), ["two", "three"])
    assert.deepStrictEqual(await messages("--job", URL), ["one"])
    assert.deepStrictEqual(await messages("--job", `${URL}?pr=1#step:3:4`), ["one"])
    assert.deepStrictEqual(await messages("--job", "4243"), ["two"])
    assert.deepStrictEqual(await messages("--job", "77", "--level", "info"), ["one", "two"])
    assert.deepStrictEqual(await messages("--job", URL.replace(/\/job.*/, "")), ["one", "two"])
    const unknown = await lab.anklet("logs", "--service", "RUNNER9")
    assert.strictEqual(unknown.code, 0)
    assert.include(unknown.stderr, 'no service "RUNNER9"')
  })

  it("prints with --json the very lines of the file", async () => {
    const text = `${line("a", { b: { c: 1 } })}no JSON\n${line("d")}`
    writeFileSync(lab.logFile, text)
    assert.strictEqual((await lab.anklet("logs", "--json")).stdout, text)
  })

  it("reads the end of a file, however large, without the rest of it", async () => {
    // 20 GB that take no room on the disk; read whole, they would fit neither into memory nor into the test's time
    writeFileSync(lab.logFile, "")
    truncateSync(lab.logFile, 20 * 2 ** 30)
    appendFileSync(lab.logFile, `\n${numbered(1, 10_000)}${line("the last")}{"torn`)
    const ran = await lab.anklet("logs", "--json", "-n", "10")
    assert.strictEqual(ran.code, 0, ran.stderr)
    const shown = linesOf(ran.stdout)
    assert.strictEqual(shown.length, 10)
    assert.strictEqual(shown.at(-1), '{"torn')
    assert.strictEqual(JSON.parse(shown.at(-2) ?? "").msg, "the last")
  })

  it("shows lines longer than it reads at a time, and letters that lie across its reads", async () => {
    const long = "ä€😀".repeat(200_000)
    writeFileSync(lab.logFile, `${line("first")}${line(long)}${line("last")}`)
    const ran = await lab.anklet("logs", "--json", "-n", "2")
    assert.isTrue(ran.stdout === `${line(long)}${line("last")}`)
  })

  it("has seen enough when its reader has", async () => {
    writeFileSync(lab.logFile, numbered(1, 20_000))
    const child = lab.run(["logs", "-c", lab.config, "-n", "20000"])
    child.child.stdout.once("data", () => child.child.stdout.destroy())
    const ran = await child.done
    assert.strictEqual(ran.code, 0)
    assert.strictEqual(ran.stderr, "")
  })
})

describe("anklet logs --follow", () => {
  const following = (...args: ReadonlyArray<string>) => {
    const running = lab.run(["logs", "-c", lab.config, "--json", "--follow", ...args])
    const shows = (text: string) => until(`it shows ${text}`, () => running.out().includes(text))
    return { ...running, shows }
  }

  it("goes on across rotations, in place and by moving, loses and doubles nothing, and ends with 0 at Ctrl-C", async () => {
    writeFileSync(lab.logFile, numbered(1, 3))
    const it = following("-n", "2")
    await it.shows("entry 3")
    appendFileSync(lab.logFile, numbered(4, 4))
    await it.shows("entry 4")
    renameSync(lab.logFile, `${lab.logFile}.1`)
    // a writer that still has the old file open
    appendFileSync(`${lab.logFile}.1`, numbered(5, 5))
    writeFileSync(lab.logFile, numbered(6, 6))
    await it.shows("entry 6")
    const [head, tail] = [numbered(7, 7).slice(0, 20), numbered(7, 7).slice(20)]
    appendFileSync(lab.logFile, head)
    appendFileSync(lab.logFile, tail)
    await it.shows("entry 7")
    truncateSync(lab.logFile)
    await until("the empty file was seen", async () => {
      // it is shown before what comes after it
      appendFileSync(lab.logFile, numbered(8, 8))
      return it.out().includes("entry 8")
    })
    it.child.kill("SIGINT")
    const ran = await it.done
    assert.strictEqual(ran.code, 0)
    assert.strictEqual(ran.stderr, "")
    const shown = linesOf(ran.stdout).map((text) => JSON.parse(text).msg)
    assert.deepStrictEqual(
      [...new Set(shown)],
      [2, 3, 4, 5, 6, 7, 8].map((n) => `entry ${n}`)
    )
    assert.deepStrictEqual(
      shown.slice(0, 6),
      [2, 3, 4, 5, 6, 7].map((n) => `entry ${n}`)
    )
  })

  it("waits for a file that is not there yet", async () => {
    const it = following()
    let said = ""
    it.child.stderr.on("data", (chunk) => {
      said += chunk
    })
    await until("it says what it waits for", () => said.includes(`waiting for ${lab.logFile}`))
    writeFileSync(lab.logFile, numbered(1, 1))
    await it.shows("entry 1")
    it.child.kill("SIGINT")
    assert.strictEqual((await it.done).code, 0)
  })

  it("shows only what was asked for, as a running daemon writes it", async () => {
    const it = following("--service", "RUNNER2")
    assert.strictEqual((await lab.anklet()).code, 0)
    await it.shows('"serviceName":"RUNNER2"')
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    it.child.kill("SIGINT")
    const ran = await it.done
    for (const text of linesOf(ran.stdout)) assert.strictEqual(JSON.parse(text).serviceName, "RUNNER2")
  })
})

describe("anklet logs refuses", () => {
  it("a command line that it does not understand: exit 2, with the reason", async () => {
    for (const [args, reason] of [
      [["--frobnicate"], "--frobnicate"],
      [["--lines", "many"], "--lines expects a whole number"],
      [["--lines", "-1"], "--lines"],
      [["--level", "chatty"], "debug, info, warn or error"],
      [["--job", "mine"], '"mine" is not a job'],
      [["more"], "more"]
    ] as const) {
      const ran = await lab.anklet("logs", ...args)
      assert.strictEqual(ran.code, 2, args.join(" "))
      assert.include(ran.stderr, reason)
      assert.notInclude(ran.stderr, "\u001b")
      assert.strictEqual(ran.stdout, "")
    }
    assert.strictEqual((await lab.run(["--attach", "logs"]).done).code, 2)
  })

  it("a config that is missing or broken: exit 3", async () => {
    const missing = await lab.run(["logs", "-c", `${lab.folder}/none.yml`]).done
    assert.strictEqual(missing.code, 3)
    assert.include(missing.stderr, "there is no such file")
    writeFileSync(lab.config, "services: [")
    assert.strictEqual((await lab.anklet("logs")).code, 3)
  })

  it("a log that is not there, or cannot be read: exit 9, naming it", async () => {
    const ran = await lab.anklet("logs")
    assert.strictEqual(ran.code, 9)
    assert.include(ran.stderr, lab.logFile)
  })

  it("nothing else that a config has wrong: its log can be read all the same", async () => {
    writeFileSync(lab.logFile, numbered(1, 1))
    appendFileSync(lab.config, "    frobnicate: true\n")
    assert.strictEqual((await lab.anklet("logs")).code, 0)
  })
})
