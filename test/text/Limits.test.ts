/** Text from outside is measured before it is parsed, and cut without being damaged. */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import * as Limits from "../../src/text/Limits.ts"

const depthOf = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? Object.values(value).reduce<number>((most, part) => Math.max(most, 1 + depthOf(part)), 1)
    : 0

describe("the depth of JSON", () => {
  it("is told as it is, whatever the texts in it hold", () => {
    const { tree } = FastCheck.letrec((tie) => ({
      tree: FastCheck.oneof(
        { depthSize: "large" },
        FastCheck.oneof(
          FastCheck.string(),
          FastCheck.constantFrom('"[{', '\\"', "\\", "]}", '\\\\"['),
          FastCheck.integer()
        ),
        FastCheck.array(tie("tree"), { maxLength: 3 }),
        FastCheck.dictionary(FastCheck.string(), tie("tree"), { maxKeys: 3 })
      )
    }))
    FastCheck.assert(
      FastCheck.property(tree, FastCheck.nat({ max: 2 * Limits.DEPTH }), (value, levels) => {
        let nested = value
        for (let n = 0; n < levels; n++) nested = n % 2 === 0 ? [nested] : { "a[": nested }
        const json = JSON.stringify(nested)
        const isRight = depthOf(nested) <= Limits.DEPTH
        assert.strictEqual(Limits.isShallow(json), isRight)
        assert.strictEqual(Limits.isShallow(Buffer.from(json)), isRight)
      })
    )
  })

  it("is told of ten million brackets without walking into them", () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"]
    ] as const) {
      assert.isFalse(Limits.isShallow(open.repeat(10_000_000)))
      assert.isFalse(Limits.isShallow(`${open.repeat(100_000)}1${close.repeat(100_000)}`))
    }
  })

  it("bounds what is read of others", () => {
    const read = Schema.decodeUnknownEither(Limits.Json(100))
    assert.strictEqual(read('{"a":1}')._tag, "Right")
    assert.strictEqual(read(`"${"x".repeat(100)}"`)._tag, "Left")
    assert.strictEqual(read("[".repeat(90))._tag, "Left")
  })
})

describe("a text that is kept", () => {
  it("is well-formed and no longer than it may be, and an honest one is as it was", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.oneof(FastCheck.string16bits(), FastCheck.fullUnicodeString()),
        FastCheck.integer({ min: 1, max: 30 }),
        (text, most) => {
          const kept = Limits.kept(text, most)
          assert.isAtMost(kept.length, most)
          assert.isTrue(Limits.isWellFormed(kept))
          assert.doesNotThrow(() => encodeURIComponent(kept))
          if (text.length <= most && Limits.isWellFormed(text)) assert.strictEqual(kept, text)
        }
      )
    )
  })

  it("is an address only where it can be one", () => {
    assert.strictEqual(Limits.address("https://github.com/o/r"), "https://github.com/o/r")
    for (const wrong of [`https://x/${"x".repeat(3000)}`, "https://x/\ud800"])
      assert.strictEqual(Limits.address(wrong), "")
  })
})

describe("numbers", () => {
  it("are ids, counts and moments only where they can be told apart, or from a date", () => {
    for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1e300]) {
      assert.isFalse(Schema.is(Limits.Id)(wrong), `${wrong}`)
    }
    for (const wrong of [-1, 1.5, Number.NaN, 2 ** 53]) assert.isFalse(Schema.is(Limits.Count)(wrong), `${wrong}`)
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, 8.7e15]) {
      assert.isFalse(Schema.is(Limits.Moment)(wrong), `${wrong}`)
    }
    assert.isTrue(Schema.is(Limits.Id)(43_210_987_654))
    assert.isTrue(Schema.is(Limits.Count)(0))
    assert.doesNotThrow(() => new Date(Limits.LAST_MOMENT).toISOString())
  })
})

describe("a template and its tag", () => {
  it("are what Anka lets them be called", () => {
    for (const id of [
      "d792c6f6-198c-470f-9526-9c998efe7ab4",
      "15.3.2",
      "12.2.0-arm",
      "macOS 15 vanilla",
      "t",
      "Größe_1"
    ]) {
      assert.isTrue(Limits.isTemplate(id), id)
    }
    for (const tag of [
      "v1",
      "vanilla+port-forward-22+brew-git",
      "base:port-forward-22",
      "2025-08-18_16:21",
      "_x",
      "1.0~rc1"
    ]) {
      assert.isTrue(Limits.isTag(tag), tag)
    }
  })

  it("are nothing that a shell, a path, an address or a page reads otherwise, and no VM of a job", () => {
    for (const wrong of [
      "",
      " ",
      "    ",
      "-f",
      "--help",
      "../../x",
      "a/b",
      "a\\b",
      "..",
      ".hidden",
      "$(touch x)",
      "`id`",
      "a;b",
      "a|b",
      "a&b",
      "a'b",
      'a"b',
      "<img src=x>",
      "a?b",
      "a%2fb",
      "a*b",
      "a\nb",
      "a\u0000b",
      "a\u202eb",
      "a\ud800",
      "\ud800x",
      "a ",
      "x".repeat(257)
    ]) {
      assert.isFalse(Limits.isTemplate(wrong), JSON.stringify(wrong))
      assert.isFalse(Limits.isTag(wrong), JSON.stringify(wrong))
    }
    for (const wrong of ["__proto__", "a:b", "anklet-vm-00000000-0000-4000-8000-000000000000", "Anklet-VM-1"]) {
      assert.isFalse(Limits.isTemplate(wrong), wrong)
    }
  })
})
