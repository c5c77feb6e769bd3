import { afterEach, assert, describe, it } from "vitest"
import * as Advice from "../../src/text/Advice.ts"

afterEach(() => Advice.about(undefined))

describe("an advised command", () => {
  it("is short for the default config", () => {
    assert.strictEqual(Advice.anklet(), "anklet")
    assert.strictEqual(Advice.anklet("-s stop"), "anklet -s stop")
  })

  it("names another config so that a shell reads one word", () => {
    for (const [file, word] of [
      ["other.yml", "other.yml"],
      ["~/a/b.yml", "~/a/b.yml"],
      ["/my configs/it's.yml", `'/my configs/it'\\''s.yml'`],
      ["$(reboot).yml", "'$(reboot).yml'"]
    ] as const) {
      Advice.about(file)
      assert.strictEqual(Advice.anklet("status"), `anklet -c ${word} status`)
    }
  })
})
