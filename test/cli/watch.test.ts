import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { keysIn } from "../../src/cli/status/keys.ts"
import * as store from "../store/server.ts"
import * as fleets from "../whole/fleet.ts"
import { type Lab, make, TEMPLATE, until } from "../whole/lab.ts"
import { atTerminal, openTerminal, type Terminal } from "./terminal.ts"

const WAITS = ["while [ ! -e ../../go ]; do sleep 0.05; done"]
const CLEARED = "\u001b[H\u001b[2J"
const [DOWN, UP] = ["\u001b[B", "\u001b[A"]

let lab: Lab

/** Two jobs that run as long as they may, and more that wait. */
const queue = (count: number) =>
  lab.queue(
    ...Array.from({ length: count }, (_, n) => ({
      name: `leg ${n}`,
      steps: WAITS,
      labels: [`anka-template:${TEMPLATE}`, "anka-template-tag:v1", `unique-id:${n}`]
    }))
  )
const json = async () => JSON.parse((await lab.anklet("status", "--json")).stdout)
const waiting = async () =>
  (await json()).queues.reduce((sum: number, { jobs }: { readonly jobs: number }) => sum + jobs, 0)

/** The last whole screen that was drawn. */
const screenOf = (terminal: Terminal) =>
  stripVTControlCharacters(terminal.seen().split(CLEARED).slice(0, -1).at(-1) ?? "")
    .trimEnd()
    .split("\n")

describe("anklet status --watch at a terminal", () => {
  beforeEach(async () => {
    lab = await make({ services: 2 })
  })
  afterEach(() => lab.close())

  it("shows the top of the status in as many rows as there are, tells the story of the chosen job, and ends with q", async () => {
    await lab.anklet()
    queue(12)
    await until("two run and ten wait", async () => (await waiting()) === 10)
    const terminal = openTerminal(["-c", lab.config, "status", "--watch"], {
      env: lab.env,
      cwd: lab.folder,
      columns: 80,
      rows: 24
    })
    await until("it is drawn", () => screenOf(terminal).at(-1)?.startsWith("q: quit") === true)
    const drawn = screenOf(terminal)
    assert.match(drawn[0] ?? "", /^anklet \S+, pid \d+/)
    assert.isAtMost(drawn.length, 24)
    assert.isTrue(
      drawn.some((line) => line.startsWith("RUNNER1  works")),
      drawn.join("\n")
    )

    terminal.press(DOWN)
    await until("the first is marked", () => screenOf(terminal).some((line) => /^> RUNNER\d/.test(line)))
    terminal.press(`${DOWN}${UP}\r`)
    await until("its story is shown", () => screenOf(terminal).at(-1)?.startsWith("q: back") === true)
    assert.match(screenOf(terminal).join("\n"), /^leg \d+\nhttps?:.*\n\n.* for .*, in RUNNER\d/m)
    terminal.press("q")
    // the third one waits: the daemon is asked why
    terminal.press(`${DOWN}${DOWN}\r`)
    await until("the reasons are shown", () => /what to do:/.test(screenOf(terminal).join("\n")))
    assert.isAtMost(screenOf(terminal).length, 24)
    terminal.press("\u001b")
    await until("it is closed", () => screenOf(terminal).at(-1)?.startsWith("q: quit") === true)
    terminal.press("q")
    assert.strictEqual(await terminal.ended, 0)
    lab.letGo()
  })

  it("ends with Ctrl-C, which is a key there", async () => {
    await lab.anklet()
    const where = { env: lab.env, cwd: lab.folder, columns: 80, rows: 24 }
    const terminal = openTerminal(["-c", lab.config, "status", "-w"], where)
    await until("it is drawn", () => screenOf(terminal).at(-1)?.startsWith("q: quit") === true)
    terminal.press("\u0003")
    assert.strictEqual(await terminal.ended, 0)
  })
})

describe("anklet status --fleet --watch at a terminal", () => {
  it("has the same keys: a Mac below the last row comes into view when it is chosen, and its story is its jobs", async () => {
    const redis = await store.start()
    const fleet = await fleets.make({ macs: 5, database: () => [`port: ${redis.port}`], services: 1 })
    try {
      for (const mac of fleet.macs) await mac.start()
      const go = join(fleet.folder, "go")
      fleet.queue(5, `while [ ! -e ${go} ]; do sleep 0.05; done`)
      const [mac] = fleet.macs
      if (mac === undefined) return assert.fail("no mac")
      const where = { env: mac.env, cwd: mac.home, columns: 80, rows: 11 }
      const terminal = openTerminal(["-c", mac.config, "status", "--fleet", "--watch"], where)
      await until("it is drawn", () => screenOf(terminal).at(-1)?.startsWith("q: quit") === true)
      assert.match(screenOf(terminal)[0] ?? "", /^github:.*\/veertuinc\/anklet in Redis/)
      const marked = () => screenOf(terminal).find((line) => line.startsWith("> "))
      const seen = new Set<string>()
      for (const _ of fleet.macs) {
        const before = marked()
        terminal.press(DOWN)
        await until("another is marked", () => marked() !== undefined && marked() !== before)
        seen.add(marked() ?? "")
        assert.isAtMost(screenOf(terminal).length, 11)
      }
      assert.strictEqual(seen.size, 5)
      terminal.press("\r")
      const story = () => screenOf(terminal).join("\n")
      await until("its story is shown", () => /^RUNNER1: "leg \d" running, for/m.test(story()))
      assert.match(story(), /^anklet \S+, alive, accepts jobs, \d of 2 VM slots in use$/m)
      assert.match(story(), /^https?:\S+\/job\/\d+\nVM anklet-vm-\S+$/m)
      terminal.press("q")
      await until("it is closed", () => screenOf(terminal).at(-1)?.startsWith("q: quit") === true)
      terminal.press("q")
      assert.strictEqual(await terminal.ended, 0)
      writeFileSync(go, "")
    } finally {
      await fleet.close()
      await redis.close()
    }
  })
})

it("keys that arrive together are told apart, and unknown ones mean nothing", () => {
  assert.deepStrictEqual(keysIn("\u001b[A\u001bOBjk\r\u001b[15~x\u001b"), ["up", "down", "down", "up", "enter", "back"])
})

describe("anklet status in trouble", () => {
  /** Nothing of a status is cut off, or wider than the terminal. */
  const whole = (seen: string, columns: number) => {
    for (const line of stripVTControlCharacters(seen).split("\n")) {
      // an address or path is left whole, so that it can be copied
      if (!/^ *(RUNNER\d: )?(\/|https?:)/.test(line)) assert.isAtMost(line.length, columns, line)
    }
    return stripVTControlCharacters(seen).replaceAll(/\n +/g, " ")
  }
  const told = async (columns: number) => {
    const { code, seen } = await atTerminal(["-c", lab.config, "status"], { env: lab.env, cwd: lab.folder, columns })
    assert.strictEqual(code, 0, seen)
    return whole(seen, columns)
  }
  /** Says this in the end, in 80 and in 140 columns. */
  const says = async (what: RegExp) => {
    for (const columns of [80, 140]) {
      let last = ""
      await until(`it says ${what} in ${columns} columns, not ${last}`, async () => {
        last = await told(columns)
        return what.test(last)
      })
    }
  }
  afterEach(() => lab.close())

  it("says so first, and all of it: a token that is refused, GitHub away", async () => {
    lab = await make({ services: 2 })
    const fault = { path: /./, times: Number.POSITIVE_INFINITY, answer: { status: 401 } }
    lab.github.faults.push(fault)
    await lab.anklet()
    await says(/not accepting jobs: service RUNNER\d fails: .*GitHub refuses the credential/)
    lab.github.faults.splice(0, 1, { ...fault, answer: { status: 502 } })
    await says(/not accepting jobs: service RUNNER\d fails: .*502/)
  })

  it("says so first, and all of it: anka away, a drained host, a full one with fifty that wait", async () => {
    lab = await make({ services: 2 })
    await lab.anklet()
    const anka = join(lab.folder, "host", "bin", "anka")
    chmodSync(anka, 0o600)
    await says(/not accepting jobs: the VMs of this host are not known: .*anka/)
    chmodSync(anka, 0o755)
    await lab.anklet("drain")
    queue(52)
    await until("all wait", async () => (await waiting()) === 52)
    await says(/not accepting jobs: paused by anklet drain, until "anklet -c \S+ resume"[\s\S]*52 waiting, 0 running/)
    await lab.anklet("resume")
    await says(/accepting jobs, and full: (no free VM slot|all 2 services)[\s\S]*50 waiting, 2 running or prepared/)
    lab.letGo()
  })

  it("says so first, and all of it: a store that is away", async () => {
    const redis = await store.start()
    lab = await make({ service: `database:\n  enabled: true\n  port: ${redis.port}` })
    try {
      await lab.anklet()
      await says(/accepting jobs/)
      await redis.close()
      await says(/not accepting jobs: .*Redis/)
      assert.notMatch(await told(80), /\b0 waiting/)
    } finally {
      await lab.anklet("-s", "stop")
    }
  })
})
