import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { at, PROGRAM, programs, RELEASE, sha256, VERSION } from "./files.ts"

const text = (name: string) => readFileSync(at(name), "utf8")

const sums = new Map(
  text("SHA256SUMS")
    .split("\n")
    .filter(Boolean)
    .map((line): [string, string] => [line.slice(66), line.slice(0, 64)])
)

interface Component {
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly hashes?: ReadonlyArray<{ readonly alg: string; readonly content: string }>
  readonly licenses: ReadonlyArray<unknown>
}

const bom: {
  readonly specVersion: string
  readonly metadata: {
    readonly component: Component & {
      readonly properties: ReadonlyArray<{ readonly name: string; readonly value: string }>
    }
  }
  readonly components: ReadonlyArray<Component>
} = JSON.parse(text(`anklet-${VERSION}.cdx.json`))

describe("SHA256SUMS", () => {
  it("holds the right sum of every other file, and names no other", () => {
    const files = readdirSync(RELEASE).filter((name) => !name.startsWith("SHA256SUMS"))
    assert.deepStrictEqual([...sums.keys()].sort(), files.sort())
    for (const name of files) assert.strictEqual(sums.get(name), sha256(readFileSync(at(name))), name)
  })
})

describe("install.sh", () => {
  it("installs this machine's program from where it lies, signed with a key that the script carries", () => {
    const folder = mkdtempSync(join(tmpdir(), "anklet-installed-"))
    const { status, stdout, stderr } = spawnSync("sh", [at("install.sh")], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, HOME: folder, ANKLET_BIN_DIR: folder }
    })
    assert.strictEqual(status, 0, stderr)
    assert.include(stdout, `anklet ${VERSION} `)
    assert.strictEqual(sha256(readFileSync(join(folder, "anklet"))), sha256(readFileSync(PROGRAM)))
    rmSync(folder, { recursive: true })
  })
})

describe("the Homebrew formula", () => {
  it("names each program with its sum, for its system and processor, and is Ruby", () => {
    const lines = text("anklet.rb")
      .split("\n")
      .map((line) => line.trim())
    for (const name of programs) {
      const url = lines.findIndex((line) => line.startsWith("url ") && line.endsWith(`/${name}"`))
      assert.isAbove(url, 0, name)
      assert.strictEqual(lines[url + 1], `sha256 "${sums.get(name)}"`)
      assert.strictEqual(lines[url - 1], name.endsWith("arm64") ? "on_arm do" : "on_intel do")
      const system = lines.slice(0, url).findLast((line) => /^on_(macos|linux) do$/.test(line))
      assert.strictEqual(system, name.includes("macos") ? "on_macos do" : "on_linux do")
    }
    assert.strictEqual(lines.filter((line) => line.startsWith("url ")).length, programs.length)
    assert.include(lines, `version "${VERSION}"`)
    // without Ruby, at least its blocks must be closed
    const ruby = spawnSync("ruby", ["-c", at("anklet.rb")], { encoding: "utf8" })
    if (ruby.error === undefined) assert.strictEqual(ruby.status, 0, ruby.stderr)
    assert.strictEqual(
      lines.filter((line) => /( do|^class .*|^def .*)$/.test(line)).length,
      lines.filter((line) => line === "end").length
    )
  })
})

describe("the bill of materials", () => {
  it("names version and commit, the runtime of each program, and the packages inside with sum and licence", () => {
    assert.strictEqual(bom.metadata.component.name, "anklet")
    assert.strictEqual(bom.metadata.component.version, VERSION)
    assert.match(
      bom.metadata.component.properties.map(({ value }) => value).join(),
      /^([0-9a-f]{7,}(-dirty)?|unknown)$/
    )
    const names = bom.components.map(({ name }) => name)
    assert.strictEqual(names.filter((name) => name.startsWith("@oven/bun-")).length, programs.length)
    for (const inside of ["effect", "@effect/cli", "@octokit/rest", "ioredis", "yaml"]) assert.include(names, inside)
    for (const { name, licenses, hashes } of bom.components) {
      assert.isNotEmpty(licenses, name)
      assert.match(hashes?.find(({ alg }) => alg === "SHA-512")?.content ?? "", /^[0-9a-f]{128}$/, name)
    }
  })

  it("names nothing that is only used to build and test", () => {
    const names = bom.components.map(({ name }) => name)
    for (const outside of ["vitest", "esbuild", "typescript", "@biomejs/biome", "undici", "@effect/sql", "ajv"])
      assert.notInclude(names, outside)
  })
})

describe("the third-party licences", () => {
  it("are those of all that the bill of materials names", () => {
    const licences = text("THIRD-PARTY-LICENCES.txt")
    for (const { name, version } of bom.components) {
      if (name.startsWith("@oven/")) assert.include(licences, `Bun ${version}, the runtime`)
      else assert.include(licences, `\n\n${name} ${version}, `)
    }
    assert.include(licences, "JavaScriptCore")
    assert.include(licences, "Permission is hereby granted")
  })
})
