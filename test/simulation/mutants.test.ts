/**
 * Each mechanism, when removed, must make something red: a mutant that stays green shows that it is untested, or
 * unnecessary.
 */
import { spawn } from "node:child_process"
import { assert, describe, it } from "vitest"
import { bundle, run } from "./bundle.ts"
import { MUTANTS } from "./mutants.ts"

const WITHIN = 600_000

/** Runs a test file against the mutant; `vitest.config.ts` changes the source as it is loaded. */
const test = (name: string, file: string) =>
  new Promise<{ readonly code: number; readonly text: string }>((resolve) => {
    const child = spawn("npx", ["vitest", "run", "--bail", "1", file], {
      env: { ...process.env, MUTANT: name, CI: "true" },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let text = ""
    for (const pipe of [child.stdout, child.stderr]) {
      pipe.on("data", (chunk) => {
        text += chunk
      })
    }
    child.on("close", (code) => resolve({ code: code ?? -1, text }))
  })

describe("without", () => {
  for (const mutant of MUTANTS) {
    it(mutant.name, { timeout: WITHIN }, async () => {
      if ("test" in mutant.killedBy) {
        const { code, text } = await test(mutant.name, mutant.killedBy.test)
        assert.strictEqual(code, 1, text)
        assert.match(text, /AssertionError|Violation/)
      } else {
        const { code, text } = await run(await bundle(mutant), [...mutant.killedBy.simulation, "--json"])
        assert.strictEqual(code, 1, text)
        assert.match(JSON.parse(text).violation, /\b[SL]\d: /)
      }
    })
  }
})
