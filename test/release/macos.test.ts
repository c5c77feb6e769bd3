import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { at, VERSION } from "./files.ts"
import { read } from "./macho.ts"

describe("the programs for macOS", () => {
  for (const processor of ["arm64", "x64"] as const) {
    const file = at(`anklet-${VERSION}-macos-${processor}`)

    it(`for ${processor}: signed, ad hoc unless by somebody, every page as the signature says, for macOS 13 and newer`, () => {
      const { pages, ...signed } = read(readFileSync(file))
      assert.deepStrictEqual(signed, {
        processor,
        oldest: "13.0",
        isAdHoc: process.env.RELEASE_SIGN === undefined,
        badPages: [],
        coversAll: true
      })
      assert.isAbove(pages, 1000)
    })

    it(`for ${processor}: with one byte changed, the page is found`, () => {
      const content = readFileSync(file)
      const byte = Math.floor(content.length / 2)
      content[byte] = (content[byte] ?? 0) ^ 1
      assert.lengthOf(read(content).badPages, 1)
    })
  }
})
