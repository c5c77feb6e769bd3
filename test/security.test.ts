import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"

const text = readFileSync("docs/security.md", "utf8")
const findings = readFileSync("docs/doctor.md", "utf8").split("## All findings")[1] ?? ""

const quoted = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, word = ""]) => word)

describe("docs/security.md", () => {
  it("names only tests that exist", () => {
    const files = quoted(/`(test\/[^`]+)`/g)
    assert.isAbove(files.length, 20)
    for (const file of files) assert.isTrue(existsSync(file), file)
  })

  it("names only findings that the doctor can make", () => {
    const ids = quoted(/`([a-z]+(?:-[a-z]+)+)`/g)
    assert.isAbove(ids.length, 5)
    for (const id of ids) assert.include(findings, `\n| \`${id}\` |`)
  })

  it("says for each party what is promised, what is not, and which tests hold it", () => {
    const parties = text
      .split(/^## /m)
      .slice(1)
      .filter((part) => !part.startsWith("For operators"))
    for (const part of parties)
      for (const words of ["**Promised.**", "**Not promised.**", "**Tested by**"])
        assert.include(part, words, part.slice(0, 40))
  })

  it("leads to SECURITY.md, and is led to from the README", () => {
    assert.include(text, "](../SECURITY.md)")
    assert.include(readFileSync("SECURITY.md", "utf8"), "](docs/security.md)")
    const readme = readFileSync("README.md", "utf8")
    for (const link of ["](docs/security.md)", "](SECURITY.md)"]) assert.include(readme, link)
  })
})
