import * as FastCheck from "effect/FastCheck"
import { assert, describe, it } from "vitest"
import { bounded, markdown, visible, visibleJson } from "../../src/text/Text.ts"
import { HOSTILE, hostile, raw } from "../fuzz/hostile.ts"

describe("text from elsewhere", () => {
  it("shows what is not safe by its number, and folds line breaks", () => {
    assert.strictEqual(visible("a\u001b[2Jb"), "a\\u{1b}[2Jb")
    assert.strictEqual(visible("one \r\n\n  two"), "one two")
    assert.strictEqual(visible("\rover"), "\\u{d}over")
    assert.strictEqual(visible("\u202egnp.exe"), "\\u{202e}gnp.exe")
    assert.strictEqual(visible("pay\u200bpal\u{e0041}"), "pay\\u{200b}pal\\u{e0041}")
    assert.strictEqual(visible("\ud800x"), "\\u{d800}x")
    assert.strictEqual(visible("z\u0301\u0302\u0303\u0304\u0305\u0306"), "z\u0301\u0302\u0303\u0304\\u{305}\\u{306}")
  })

  it("leaves honest text of any language as it is", () => {
    for (const text of [
      "build & test (macOS 26)",
      "Überprüfung, tiếng Việt, שָׁלוֹם",
      "اختبار می‌خواهم",
      "क्‍ष हिन्दी",
      "日本語　テスト 한국어",
      "👨‍👩‍👧 ❤️ 1️⃣ 👩🏽‍💻 🏳️‍🌈"
    ])
      assert.strictEqual(visible(text), text)
  })

  it("is never raw, one line, bounded, and the same the second time, whatever comes in", () => {
    FastCheck.assert(
      FastCheck.property(hostile, FastCheck.integer({ min: 10, max: 3000 }), (text, most) => {
        const shown = visible(text, most)
        assert.isUndefined(raw(shown))
        assert.notInclude(shown, "\n")
        assert.isAtMost(shown.length, most)
        assert.strictEqual(visible(shown, most), shown)
      })
    )
  })

  it("is bounded between characters, not within one", () => {
    assert.strictEqual(bounded("ab👨‍👩‍👧cd", 6), "ab…")
    assert.strictEqual(bounded("👩🏽‍💻".repeat(9), 9), "👩🏽‍💻…")
    assert.strictEqual(bounded("short", 5), "short")
  })

  it("as JSON means the same, and is never raw", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.dictionary(hostile, hostile), FastCheck.boolean(), (value, indented) => {
        const text = JSON.stringify(value, undefined, indented ? 2 : 0)
        const shown = visibleJson(text)
        assert.deepStrictEqual(JSON.parse(shown), JSON.parse(text))
        assert.isUndefined(raw(shown))
      })
    )
  })

  it("as Markdown mentions nobody, and is neither a link nor HTML", () => {
    const said = markdown("@acme/team ![x](https://e.example) <img src=x> `code` **bold** #1 | a\n# head")
    assert.notMatch(said, /@\w|(?<!\\)[<[`*#|](?!!--)|\n/)
    FastCheck.assert(FastCheck.property(hostile, (text) => assert.isUndefined(raw(markdown(text)))))
  })

  it("takes no longer for a text that is made to take long", () => {
    for (const part of ["\u0301", "\n ", "\r\n", " \t", "\u0915\u0301\u200d", "\u200d", "\ud800", HOSTILE])
      for (const shown of [visible(part.repeat(500_000)), visibleJson(part.repeat(20_000))])
        assert.isAbove(shown.length, 0)
  })
})
