import { spawnSync } from "node:child_process"
import { generateKeyPairSync, type KeyObject } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { sha256 } from "./files.ts"
import { type Keys, keyPair, packaged } from "./keys.ts"

let folder: string
let ours: Keys

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "anklet-keys-"))
  ours = keyPair()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)

const run = (script: string, args: ReadonlyArray<string>, env: Record<string, string>) =>
  spawnSync(process.execPath, [script, ...args], { encoding: "utf8", env: { PATH: process.env.PATH, ...env } })

const pem = (key: KeyObject) => key.export({ type: "pkcs8", format: "pem" }).toString()

/** Two files and their checksums, before signing. */
const unsigned = (...keys: ReadonlyArray<string>) => {
  writeFileSync(at("install.sh"), packaged("9.9.9", keys))
  writeFileSync(at("anklet-9.9.9-linux-x64"), "a program")
  const names = ["anklet-9.9.9-linux-x64", "install.sh"]
  writeFileSync(at("SHA256SUMS"), names.map((name) => `${sha256(readFileSync(at(name)))}  ${name}\n`).join(""))
}

const signs = (env: Record<string, string>) => run("scripts/sign.mjs", [folder], env)

describe("npm run release:sign", () => {
  it("signs the sums with a key that install.sh knows, so that openssl takes the signature", () => {
    unsigned(keyPair().pem, ours.pem)
    const { status, stdout, stderr } = signs({ RELEASE_KEY: pem(ours.privateKey) })
    assert.strictEqual(status, 0, stderr)
    assert.include(stdout, "SHA256SUMS.sig")
    writeFileSync(at("key.pem"), ours.pem)
    const verify = ["dgst", "-sha256", "-verify", "key.pem", "-signature", "SHA256SUMS.sig", "SHA256SUMS"]
    assert.strictEqual(spawnSync("openssl", verify, { cwd: folder, encoding: "utf8" }).stdout, "Verified OK\n")
  })

  for (const [what, spoil, words] of [
    ["no key", (): Record<string, string> => ({}), /RELEASE_KEY must hold a private key/],
    ["a public key", () => ({ RELEASE_KEY: ours.pem }), /RELEASE_KEY must hold a private key/],
    ["half a key", () => ({ RELEASE_KEY: pem(ours.privateKey).slice(0, 80) }), /RELEASE_KEY must hold a private key/],
    [
      "a key that install.sh does not know",
      () => ({ RELEASE_KEY: pem(keyPair().privateKey) }),
      /does not know this key/
    ],
    ["an install.sh without keys", () => unsigned("@KEYS@"), /install\.sh holds no public key/],
    [
      "a file that was changed",
      () => writeFileSync(at("anklet-9.9.9-linux-x64"), "another"),
      /is not what SHA256SUMS says/
    ],
    ["a file that nobody counted", () => writeFileSync(at("more"), ""), /more is not what SHA256SUMS says/],
    ["a file that is gone", () => rmSync(at("anklet-9.9.9-linux-x64")), /anklet-9\.9\.9-linux-x64 is not there/]
  ] as const)
    it(`signs nothing with ${what}, and quotes no key`, () => {
      unsigned(ours.pem)
      const env = spoil() ?? { RELEASE_KEY: pem(ours.privateKey) }
      const { status, stdout, stderr } = signs(env)
      assert.strictEqual(status, 1)
      assert.match(stderr, words)
      assert.isFalse(existsSync(at("SHA256SUMS.sig")))
      for (const line of pem(ours.privateKey).split("\n").slice(1, -2)) assert.notInclude(stdout + stderr, line)
    })
})

describe("docs/release.md", () => {
  it("has commands that make a key which a release can be signed with", () => {
    const commands = readFileSync("docs/release.md", "utf8").match(/^openssl (ecparam|pkey) .*$/gm) ?? []
    assert.strictEqual(commands.length, 2)
    mkdirSync(at("packaging"))
    for (const command of commands) {
      const { status, stderr } = spawnSync("sh", ["-ec", command], { cwd: folder, encoding: "utf8" })
      assert.strictEqual(status, 0, stderr)
    }
    const key = readFileSync(at("release-key.pem"), "utf8")
    const pem = readFileSync(at("packaging/release-keys.pem"), "utf8").trim()
    rmSync(at("packaging"), { recursive: true })
    rmSync(at("release-key.pem"))
    unsigned(pem)
    const { status, stderr } = signs({ RELEASE_KEY: key })
    assert.strictEqual(status, 0, stderr)
  })
})

describe("npm run release", () => {
  const RELEASE_URL = "https://example.com/v9.9.9"
  const release = (env: Record<string, string>) =>
    run("scripts/release.mjs", ["host"], { RELEASE_URL, RELEASE_KEYS: at("keys.pem"), ...env })

  const others = {
    rsa: () => generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey,
    ed25519: () => generateKeyPairSync("ed25519").publicKey
  }
  const spki = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString()

  for (const [what, write, words] of [
    ["no file of public keys", () => undefined, /keys\.pem cannot be read: install\.sh would have no key/],
    ["a file without a key", () => "# none yet\n", /keys\.pem holds no public key/],
    [
      "the private key in it",
      () => `${ours.pem}\n${pem(ours.privateKey)}`,
      /holds a PRIVATE KEY: only public keys belong/
    ],
    ["an RSA key in it", () => spki(others.rsa()), /another kind than ECDSA on P-256/],
    ["an Ed25519 key in it", () => spki(others.ed25519()), /another kind than ECDSA on P-256/],
    ["a key on another curve in it", () => keyPair("secp384r1").pem, /another kind than ECDSA on P-256/],
    ["three keys in it", () => [ours.pem, keyPair().pem, keyPair().pem].join("\n"), /holds 3 keys, not one or two/]
  ] as const)
    it(`for others builds nothing with ${what}`, () => {
      const text = write()
      if (text !== undefined) writeFileSync(at("keys.pem"), text)
      const { status, stdout, stderr } = release({})
      assert.strictEqual(status, 2, stdout)
      assert.match(stderr, words)
      assert.notInclude(stdout, "built")
    })

  it("builds nothing where the private key is none of those that install.sh would know", () => {
    writeFileSync(at("keys.pem"), keyPair().pem)
    const { status, stderr } = release({ RELEASE_KEY: pem(ours.privateKey) })
    assert.strictEqual(status, 2)
    assert.include(stderr, "RELEASE_KEY is none of the release's keys")
  })

  for (const url of ["http://example.com/v1", "ftp://example.com", "example.com", "https://example.com/'$(id)'"])
    it(`builds nothing for the address ${url}`, () => {
      const { status, stderr } = release({ RELEASE_URL: url })
      assert.strictEqual(status, 2)
      assert.include(stderr, "RELEASE_URL must be an address that begins with https://")
    })
})
