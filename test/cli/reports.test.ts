/** What the runtime would write by itself when it ends, or on request: reports that contain the environment. */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, it } from "vitest"
import { type Lab, make, TOKEN, until } from "../whole/lab.ts"
import { PROGRAM } from "../whole/program.ts"

const CANARY = "canary-of-the-environment"

let lab: Lab
let folder: string
beforeEach(async () => {
  lab = await make()
  folder = mkdtempSync(join(tmpdir(), "anklet-reports-"))
})
afterEach(async () => {
  await lab.close()
  rmSync(folder, { recursive: true })
})

/** Everything that was written there. */
const reports = () => readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"))
const environment = (options: string) => ({ CANARY, NODE_OPTIONS: `--report-directory=${folder} ${options}` })
/** A heap in which a program that is loaded does not fit. */
const STARVED = "--max-old-space-size=8 --report-on-fatalerror"

it("a process that runs out of memory leaves no report with the environment", () => {
  const hungry = "const all = []; for (;;) all.push({ n: all.length })"
  const env = { ...process.env, ...environment(STARVED) }
  spawnSync(process.execPath, ["-e", hungry], { env })
  assert.include(reports().join(), CANARY, "the runtime does so by itself")
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  const [program = "", ...args] = [...PROGRAM, "config", "check", "-c", lab.config]
  const ran = spawnSync(program, args, { env })
  assert.notStrictEqual(ran.status, 0)
  assert.notInclude(reports().join(), CANARY)
})

it("a daemon that is asked for a report by a signal writes none with the environment, and goes on", async () => {
  const env = environment("--report-on-signal --report-signal=SIGUSR2")
  const daemon = lab.run(["-c", lab.config, "--attach"], { env })
  await until("it is up", () => daemon.out().includes("anklet is up"))
  daemon.child.kill("SIGUSR2")
  const { jobs } = lab.queue({ steps: ["true"] })
  await until("it goes on", () => jobs[0]?.status === "completed")
  assert.notInclude(reports().join(), CANARY)
  daemon.child.kill("SIGTERM")
  assert.strictEqual((await daemon.done).code, 0)
})

it("what nobody expected ends a daemon with its stack, and without what an error holds", async () => {
  const plugin = join(lab.home, ".config", "anklet", "plugins", "bad")
  mkdirSync(plugin, { recursive: true })
  writeFileSync(
    join(plugin, "index.mjs"),
    `export default ({ Effect, Schema }) => ({
      name: "bad",
      config: Schema.Struct({}),
      run: () => Effect.async(() => {
        setTimeout(() => { throw Object.assign(new Error("unknown command AUTH ${TOKEN}"), { command: { args: ["${TOKEN}"] } }) }, 100)
      })
    })\n`
  )
  writeFileSync(lab.config, `${readFileSync(lab.config, "utf8")}  - name: BAD\n    plugin: bad\n`)
  const { code, stdout, stderr } = await lab.run(["-c", lab.config, "--attach"]).done
  assert.strictEqual(code, 1)
  assert.match(stderr, /anklet: internal error: Error: unknown command AUTH <redacted>\n\s+at /)
  assert.notInclude(stdout + stderr, TOKEN)
})
