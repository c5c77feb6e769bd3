import { assert, describe, it } from "vitest"
import { bundle, run } from "./bundle.ts"

describe("a host that works for a week", () => {
  it("keeps nothing of thousands of jobs and passes in its memory", { timeout: 1_800_000 }, async () => {
    const { code, text } = await run(await bundle(), ["week"])
    assert.strictEqual(code, 0, text)
    assert.include(text, '"hours": 168')
  })
})
