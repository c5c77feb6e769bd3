import { appendFileSync, cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { certificates } from "../store/server.ts"
import { type Lab, make, until } from "../whole/lab.ts"
import { run } from "../whole/processes.ts"
import { HOST, PROGRAM, VERSION } from "./files.ts"
import { type Offers, start } from "./offers.ts"

const NEWER = "999.0.0"
/** A program that is the newer version by its name, and does this. */
const programOf = (what: string) => `#!/bin/sh\n[ "$1" = --version ] && { echo "anklet ${NEWER}"; exit 0; }\n${what}\n`

let lab: Lab
let server: Offers
let program: string

/** Offers this program as the newest release. */
const offer = (text: string) => server.offer({ [`anklet-${NEWER}-${HOST}`]: text })

const anklet = (...args: ReadonlyArray<string>) =>
  run([program, "-c", lab.config, ...args], { cwd: lab.folder, env: lab.env }).done
const version = async () => (await run([program, "--version"], { cwd: lab.folder, env: lab.env }).done).stdout

describe("anklet update of the one file", () => {
  beforeEach(async () => {
    lab = await make()
    const tls = certificates(lab.folder)
    server = await start(tls)
    const trusted = join(lab.folder, "keys.pem")
    writeFileSync(trusted, server.keys.pem)
    const update = `{ url: "${server.url}", keys: "${trusted}" }`
    appendFileSync(lab.config, `ca: ${tls.ca}\nupdate: ${update}\n`)
    mkdirSync(join(lab.folder, "installed"))
    program = join(lab.folder, "installed", "anklet")
    cpSync(PROGRAM, program)
    assert.strictEqual((await anklet()).code, 0)
  })
  afterEach(async () => {
    await anklet("-s", "stop")
    await server.close()
    await lab.close()
  })

  /** A job that runs until it is let go. */
  const running = async () => {
    const { jobs } = lab.queue({ steps: ["while [ ! -e ../../go ]; do sleep 0.05; done"] })
    await until("the job runs", () => jobs[0]?.status === "in_progress", 50_000)
    return async () => {
      lab.letGo()
      await until("the job has ended", () => jobs[0]?.status === "completed", 50_000)
      assert.strictEqual(jobs[0]?.conclusion, "success")
      await until("nothing is left", () => lab.left().vms.length === 0 && lab.left().runners.length === 0)
    }
  }

  it("puts the newer one in its place, which takes over the daemon and its job", async () => {
    offer(programOf(`exec '${PROGRAM}' "$@"`))
    const end = await running()
    const before = lab.pid()
    assert.strictEqual((await anklet("update", "--check")).code, 16)
    assert.strictEqual(lab.pid(), before)
    const { code, stdout, stderr } = await anklet("update")
    assert.strictEqual(code, 0, stdout + stderr)
    assert.notStrictEqual(lab.pid(), before)
    assert.strictEqual(await version(), `anklet ${NEWER}\n`)
    assert.deepStrictEqual(readdirSync(join(lab.folder, "installed")), ["anklet"])
    await end()
  })

  it("puts the older one back if the newer one does not come up, and loses no job", async () => {
    offer(programOf("echo it is broken >&2; exit 9"))
    const end = await running()
    const { code, stderr } = await anklet("update")
    assert.strictEqual(code, 17)
    assert.match(stderr, new RegExp(`anklet ${NEWER} does not come up: .*; anklet ${VERSION} is back, and runs`))
    assert.match(await version(), new RegExp(`^anklet ${VERSION} `))
    assert.deepStrictEqual(readdirSync(join(lab.folder, "installed")), ["anklet"])
    await until("the daemon runs", async () => (await anklet("status")).code === 0)
    await end()
  })
})
