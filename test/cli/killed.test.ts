/** An update that is killed at each of its steps, and the next one. */
import { spawn, spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { build } from "esbuild"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Exec } from "../../src/services/Exec.ts"
import { type Offers, start } from "../release/offers.ts"
import { certificates } from "../store/server.ts"
import type { Told } from "./updater.ts"

/** A program that is more than one part of a download. */
const programOf = (version: string) => `#!/bin/sh\necho 'anklet ${version}'\n${"#".repeat(99)}\n`.padEnd(150_000, "#")
const OLD = programOf("3.0.0")
const NEW = programOf("3.1.0")
/** Maximum number of steps that an update has. */
const STEPS = 200

let folder: string
let server: Offers
let program: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "anklet-killed-"))
  const tls = certificates(folder)
  server = await start(tls)
  server.offer({ "anklet-3.1.0-linux-x64": NEW })
  mkdirSync(join(folder, "bin"))
  mkdirSync(join(folder, "run"), { mode: 0o700 })
  program = join(folder, "bin", "anklet")
  // a daemon that runs, as far as its PID file tells
  const { pid, startedAt } = Option.getOrThrow(
    await Effect.flatMap(Exec, (exec) => exec.identify(process.pid)).pipe(
      Effect.provide(Layer.provide(Exec.layer, Layer.mergeAll(NodeFileSystem.layer, NodePath.layer))),
      Effect.runPromise
    )
  )
  writeFileSync(join(folder, "run", "anklet.pid"), `${pid}\n${startedAt}\n`, { mode: 0o600 })
  writeFileSync(
    join(folder, "config.yml"),
    [
      `work_dir: ${folder}`,
      `pid_file_dir: ${join(folder, "run")}`,
      `state_dir: ${join(folder, "state")}`,
      "proxy: none",
      `ca: ${tls.ca}`,
      `update:\n  url: ${server.url}`,
      "services:\n  - name: A\n    plugin: github\n    token: github_pat_x\n"
    ].join("\n"),
    { mode: 0o600 }
  )
  await build({
    entryPoints: [join(import.meta.dirname, "updater.ts")],
    outfile: join(folder, "updater.mjs"),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    loader: { ".bash": "text", ".lua": "text" }
  })
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const installed = () => readFileSync(program, "utf8")
const inBin = () => readdirSync(join(folder, "bin")).sort()

/** Runs an update by the program that is installed. */
const update = (given: Pick<Told, "dies" | "restarts">) =>
  new Promise<{ readonly code: number | null; readonly signal: string | null; readonly said: string }>((resolve) => {
    const told: Told = {
      program,
      version: installed() === NEW ? "3.1.0" : "3.0.0",
      config: join(folder, "config.yml"),
      keys: server.keys.pem,
      ...given
    }
    const child = spawn(process.execPath, [join(folder, "updater.mjs"), JSON.stringify(told)], {
      env: { HOME: folder, PATH: process.env.PATH ?? "" },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let said = ""
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text) => {
        said += text
      })
    child.on("close", (code, signal) => resolve({ code, signal, said }))
  })

describe("an update that is killed", () => {
  for (const [way, restarts, end] of [
    ["where the new program comes up", [0], 0],
    ["where the new program does not come up", [9, 0], 17]
  ] as const)
    it(`at any step, ${way}, leaves a program that works; the next update leaves nothing else`, async () => {
      let interrupted = 0
      for (let dies = 0; ; dies++) {
        assert.isBelow(dies, STEPS)
        rmSync(program, { force: true })
        writeFileSync(program, OLD)
        chmodSync(program, 0o755)
        const first = await update({ dies, restarts })
        const at = `killed before step ${dies}: ${first.said}`
        assert.include([OLD, NEW], installed(), at)
        assert.match(spawnSync(program, ["--version"], { encoding: "utf8" }).stdout, /^anklet 3\.[01]\.0\n$/, at)
        if (first.signal === null) {
          assert.strictEqual(first.code, end, first.said)
          assert.deepStrictEqual(inBin(), ["anklet"])
          break
        }
        const next = await update({ dies: -1, restarts: [] })
        assert.strictEqual(next.code, 0, `${at}; then: ${next.said}`)
        if (next.said.includes("was interrupted")) interrupted++
        assert.strictEqual(installed(), NEW, at)
        assert.deepStrictEqual(inBin(), ["anklet"], at)
      }
      assert.isAbove(interrupted, 1)
    })
})
