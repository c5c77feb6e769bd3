import { assert, describe, it } from "@effect/vitest"
import * as remembered from "../../../src/services/GitHub/etagCache.ts"

const page = (text: string): remembered.Page<unknown> => ({ etag: text, items: text, next: false, last: 0 })

describe("what is remembered", () => {
  it("never grows beyond its limit, and what was not asked for the longest goes first", () => {
    const memory = remembered.make(30)
    memory.set("a", page("1234567"))
    memory.set("b", page("1234567"))
    memory.set("c", page("1234567"))
    const a = memory.get("a")
    assert.isDefined(a)
    if (a !== undefined) memory.set("a", a)
    memory.set("d", page("1234567"))
    assert.deepStrictEqual(
      ["a", "b", "c", "d"].map((key) => memory.get(key)?.etag),
      ["1234567", undefined, "1234567", "1234567"]
    )
  })

  it("is replaced, not added to, by a newer answer", () => {
    const memory = remembered.make(30)
    memory.set("a", page("1234567"))
    for (let n = 0; n < 100; n++) memory.set("b", page(String(1_000_000 + n)))
    assert.strictEqual(memory.get("a")?.etag, "1234567")
    assert.strictEqual(memory.get("b")?.etag, "1000099")
  })

  it("holds one answer that is larger than the limit, so that also that one is asked for conditionally", () => {
    const memory = remembered.make(10)
    memory.set("a", page("1"))
    memory.set("b", page("x".repeat(100)))
    assert.isUndefined(memory.get("a"))
    assert.isDefined(memory.get("b"))
  })
})
