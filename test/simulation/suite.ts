/** Tests that run many histories, and expect every promise to be kept in all of them. */
import { assert, beforeAll, describe, it } from "vitest"
import { bundle, run } from "./bundle.ts"
import { DEATHS } from "./crash.ts"

/** A few hosts with much work and many faults. */
export const HANDFUL = ["--hosts", "5", "--hours", "1", "--jobs", "4", "--trouble", "1.5"]

/** Number of seeds in one test: few enough to show progress. */
const BATCH = 25
/** A slow machine only needs more time. */
const WITHIN = 1_800_000

/** Histories of this many seeds, starting with the first. */
export const histories = (
  what: string,
  size: ReadonlyArray<string>,
  { from, seeds }: { readonly from: number; readonly seeds: number }
) =>
  describe(what, () => {
    let file = ""
    beforeAll(async () => {
      file = await bundle()
    })
    for (let first = from; first < from + seeds; first += BATCH) {
      const many = Math.min(BATCH, from + seeds - first)
      it(`keep every promise, seeds ${first} to ${first + many - 1}`, { timeout: WITHIN }, async () => {
        const { code, text } = await run(file, ["histories", ...size, "--from", `${first}`, "--seeds", `${many}`])
        assert.strictEqual(code, 0, text)
        assert.include(text, `"histories": ${many}`)
      })
    }
  })

/** Every effect of every course of a job, each with every death. */
export const crashes = () =>
  describe("a host that dies at any effect of a job", () => {
    for (const death of DEATHS) {
      it(`and is then ${death}: the job ends, and nothing is left`, { timeout: WITHIN }, async () => {
        const { code, text } = await run(await bundle(), ["crashes", "--death", death])
        assert.strictEqual(code, 0, text)
        assert.notInclude(text, '"points": 0')
      })
    }

    it("as does the host that took the job over: the job runs once, and nothing is left", {
      timeout: WITHIN
    }, async () => {
      const { code, text } = await run(await bundle(), ["pairs"])
      assert.strictEqual(code, 0, text)
      assert.notInclude(text, '"points": 0')
    })
  })
