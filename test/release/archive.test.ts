import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"

let folder: string
let cache: string
/** The content of the registry. */
let registry: string
let integrity: string

const archive = (file: string, text: string) => {
  const source = mkdtempSync(join(folder, "source-"))
  mkdirSync(join(source, "package", "bin"), { recursive: true })
  writeFileSync(join(source, "package", "bin", "bun"), text)
  const { status } = spawnSync("tar", ["-czf", file, "-C", source, "package"])
  assert.strictEqual(status, 0)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "anklet-archive-"))
  cache = join(folder, "anklet-release")
  registry = join(folder, "registry.tgz")
  archive(registry, "the runtime")
  integrity = `sha512-${createHash("sha512").update(readFileSync(registry)).digest("base64")}`
  // replaces npm: `npm pack` puts the archive into the current folder
  mkdirSync(join(folder, "programs"))
  const npm = join(folder, "programs", "npm")
  writeFileSync(npm, `#!/bin/sh\necho pack >> ${folder}/fetched\ncp ${registry} ./some-name-1.0.0.tgz\n`)
  chmodSync(npm, 0o755)
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** The content of the file that a build would use. */
const build = () => {
  const code = [
    `import { unpacked } from ${JSON.stringify(resolve("scripts/release/archive.mjs"))}`,
    'import { readFileSync } from "node:fs"',
    `const folder = unpacked(${JSON.stringify({ name: "@some/runtime", version: "1.0.0", integrity })})`,
    'console.log(readFileSync(folder + "/bin/bun", "utf8"))'
  ].join("\n")
  return spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
    env: { PATH: `${join(folder, "programs")}:${process.env.PATH}`, XDG_CACHE_HOME: folder }
  })
}

const fetches = () => readFileSync(join(folder, "fetched"), "utf8").split("\n").filter(Boolean).length

const cached = () => join(cache, "some-runtime-1.0.0.tgz")

describe("a runtime that a release carries", () => {
  it("is fetched once, unpacked for each build, and gone with it", () => {
    for (const _ of [1, 2]) {
      const { stdout, stderr } = build()
      assert.match(stdout, /the runtime\n$/, stderr)
    }
    assert.strictEqual(fetches(), 1)
    assert.deepStrictEqual(readdirSync(cache), ["some-runtime-1.0.0.tgz"])
  })

  it("is not what somebody left unpacked in the cache", () => {
    for (const name of ["@some-runtime-1.0.0", "some-runtime-1.0.0", "package", "unpacked-1-abc"]) {
      mkdirSync(join(cache, name, "package", "bin"), { recursive: true })
      mkdirSync(join(cache, name, "bin"), { recursive: true })
      writeFileSync(join(cache, name, "bin", "bun"), "an intruder")
      writeFileSync(join(cache, name, "package", "bin", "bun"), "an intruder")
    }
    assert.match(build().stdout, /the runtime\n$/)
  })

  for (const [what, spoil] of [
    ["replaced", () => archive(cached(), "an intruder")],
    ["cut", () => writeFileSync(cached(), readFileSync(registry).subarray(0, 100))],
    ["emptied", () => writeFileSync(cached(), "")],
    ["added to", () => writeFileSync(cached(), Buffer.concat([readFileSync(registry), Buffer.from("x")]))]
  ] as const)
    it(`is fetched anew where its archive in the cache was ${what}, and that is told`, () => {
      build()
      spoil()
      const { stdout, stderr } = build()
      assert.include(stderr, "was changed: it is not used")
      assert.match(stdout, /the runtime\n$/)
      assert.strictEqual(fetches(), 2)
      assert.deepStrictEqual(readFileSync(cached()), readFileSync(registry))
    })

  it("is not used, nor kept, where the registry's has another sum", () => {
    archive(registry, "an intruder")
    for (const _ of [1, 2]) {
      const { status, stdout, stderr } = build()
      assert.strictEqual(status, 1)
      assert.include(stderr, `has not the sum ${integrity}: it is not used`)
      assert.notInclude(stdout, "an intruder")
    }
    assert.deepStrictEqual(readdirSync(cache), [])
  })

  it("that a killed build left unpacked is removed by the next one", () => {
    const { pid } = spawnSync("true")
    const left = join(cache, `unpacked-${pid}-abcdef`)
    const ofAnother = join(cache, `unpacked-${process.pid}-abcdef`)
    for (const each of [left, ofAnother]) mkdirSync(each, { recursive: true })
    build()
    assert.isFalse(existsSync(left))
    assert.isTrue(existsSync(ofAnother))
  })
})
