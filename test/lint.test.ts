/**
 * What production code must not use outside the adapters, or the simulated world would be incomplete; and what must not
 * bypass the code that makes text safe.
 */
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { assert, it } from "vitest"

const REFUSED = [
  ["the clock", "export const now = () => Date.now()"],
  ["the clock, by a detour", "export const now = () => globalThis.Date.now()"],
  ["a clock for measuring", "export const now = () => performance.now()"],
  ["a finer clock", "export const now = () => process.hrtime.bigint()"],
  ["a timer", "export const later = () => setTimeout(() => {}, 1)"],
  ["a timer of a module", 'export { setTimeout } from "node:timers/promises"'],
  ["the next turn of the event loop", "export const later = () => setImmediate(() => {})"],
  ["chance", "export const chance = () => Math.random()"],
  ["chance for secrets", "export const id = () => crypto.randomUUID()"],
  ["chance of a module", 'import { randomUUID } from "node:crypto"\nexport const id = () => randomUUID()'],
  ["a random UUID", 'import { v4 } from "uuid"\nexport const id = () => v4()'],
  ["the environment", "export const home = () => process.env.HOME"],
  ["the environment of a module", 'import { env } from "node:process"\nexport const home = () => env.HOME'],
  [
    "the environment, taken out of the process",
    "export const home = () => {\n  const { env } = process\n  return env.HOME\n}"
  ],
  ["chance, taken out of its module", "const { random } = Math\nexport const chance = random"],
  ["the clock of the process, taken out", "const { hrtime } = process\nexport const now = () => hrtime.bigint()"],
  ["a module under another name", "const maths = Math\nexport const chance = () => maths.random()"],
  ["files", 'import { readFileSync } from "node:fs"\nexport const read = readFileSync'],
  ["files, when they are needed", 'export const fs = () => import("node:fs/promises")'],
  [
    "a file of anybody's",
    'import { FileSystem } from "@effect/platform/FileSystem"\nimport * as Effect from "effect/Effect"\nexport const read = Effect.flatMap(FileSystem, (fs) => fs.readFileString("/tmp/x"))'
  ],
  [
    "a file for anybody",
    'import { FileSystem } from "@effect/platform/FileSystem"\nimport * as Effect from "effect/Effect"\nexport const make = Effect.flatMap(FileSystem, (disk) => disk.makeDirectory("/tmp/x"))'
  ],
  ["processes", 'import { spawn } from "node:child_process"\nexport const start = spawn'],
  ["a global fetch", 'export const get = () => fetch("https://example.com")'],
  ["standard output", "export const show = (text: string) => process.stdout.write(text)"],
  ["standard error, by another name of it", 'export const show = (text: string) => process["stderr"].write(text)'],
  ["standard output, put aside", "export const out = process.stdout"],
  ["the console", "export const show = (text: string) => console.log(text)"],
  ["the console of Effect", 'import * as Console from "effect/Console"\nexport const show = Console.log'],
  ["a text as HTML", "export const show = (at: { innerHTML: string }, text: string) => {\n  at.innerHTML = text\n}"],
  [
    "an error that may quote a secret",
    'import * as Schema from "effect/Schema"\nexport class E extends Schema.TaggedError<E>()("E", { detail: Schema.String }) {}'
  ],
  [
    "a secret",
    'import * as Redacted from "effect/Redacted"\nexport const show = (it: Redacted.Redacted) => Redacted.value(it)'
  ],
  ["a secret, by a function", 'import * as Redacted from "effect/Redacted"\nexport const show = Redacted.value'],
  [
    "a text as HTML beside another",
    'export const show = (at: HTMLElement, text: string) => at.insertAdjacentHTML("beforeend", text)'
  ]
] as const
const HIDING =
  'import * as Schema from "effect/Schema"\nimport { hiding } from "./Secrets.ts"\n\nexport class E extends hiding(Schema.TaggedError<E>()("E", { detail: Schema.String })) {}\n'
const FINE = 'import * as Clock from "effect/Clock"\n\nexport const now = Clock.currentTimeMillis\n'

it("the linter refuses, in src, every way past the adapters, and nothing that is as it should be", () => {
  const folder = mkdtempSync(join(tmpdir(), "anklet-lint-"))
  try {
    for (const path of ["src", "scripts"]) mkdirSync(join(folder, path))
    const config = JSON.parse(readFileSync("biome.json", "utf8"))
    writeFileSync(join(folder, "biome.json"), JSON.stringify({ ...config, vcs: { enabled: false } }))
    for (const rules of ["files.grit", "impure.grit", "raw.grit", "secrets.grit"])
      cpSync(`scripts/${rules}`, join(folder, "scripts", rules))
    for (const [n, [, text]] of REFUSED.entries()) writeFileSync(join(folder, "src", `way-${n}.ts`), `${text}\n`)
    writeFileSync(join(folder, "src", "fine.ts"), FINE)
    writeFileSync(join(folder, "src", "fine-error.ts"), HIDING)
    const { stdout, stderr } = spawnSync(
      resolve("node_modules/.bin/biome"),
      ["lint", "--reporter=json", "--max-diagnostics=none", "src"],
      { cwd: folder, encoding: "utf8" }
    )
    const said: ReadonlyArray<{ readonly severity: string; readonly location: unknown }> =
      JSON.parse(stdout).diagnostics
    const refused = said.filter(({ severity }) => severity === "error").map(({ location }) => JSON.stringify(location))
    for (const [n, [what]] of REFUSED.entries()) {
      assert.isTrue(
        refused.some((where) => where.includes(`way-${n}.ts`)),
        `${what}: ${stderr}`
      )
    }
    assert.isFalse(refused.some((where) => where.includes("fine")))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
