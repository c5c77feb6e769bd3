// Builds release/: one file for each system, with its runtime inside, and the accompanying files.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { bundle, root, version } from "./bundle.mjs"
import { pluginApiApart } from "./bundleSize.mjs"
import { bom, licences, packagesIn } from "./release/contents.mjs"
import { formula } from "./release/formula.mjs"
import { installer } from "./release/installer.mjs"
import { newKey, pemOf, privateKeyIn, publicKeys } from "./release/keys.mjs"
import { HOST, runtimeOf, TARGETS } from "./release/runtimes.mjs"
import { signedAdHoc } from "./release/sign.mjs"
import { SUMS, sign } from "./release/signature.mjs"

const refuse = (why) => {
  console.error(why)
  process.exit(2)
}

const orRefuse = (make) => {
  try {
    return make()
  } catch ({ message }) {
    return refuse(message)
  }
}

const asked = process.argv.slice(2).map((name) => (name === "host" ? HOST : name))
const targets = asked.length > 0 ? asked : Object.keys(TARGETS)
const unknown = targets.find((target) => !(target in TARGETS))
if (unknown !== undefined) refuse(`there is no release for ${unknown}, only for ${Object.keys(TARGETS).join(", ")}`)

const release = join(root, "release")
const { RELEASE_URL, RELEASE_KEY, RELEASE_KEYS } = process.env
if (RELEASE_URL && !/^https:\/\/[\w./:%~+-]+$/.test(RELEASE_URL))
  refuse(`RELEASE_URL must be an address that begins with https://, and is ${RELEASE_URL}`)
const url = RELEASE_URL || pathToFileURL(release).href

/** The private key, if there is one here, and the public keys for install.sh. */
const keysOf = () => {
  const key = RELEASE_KEY ? privateKeyIn(RELEASE_KEY) : RELEASE_URL ? undefined : newKey()
  const keys = RELEASE_URL ? publicKeys(RELEASE_KEYS || join(root, "packaging", "release-keys.pem")) : [pemOf(key)]
  if (key !== undefined && !keys.includes(pemOf(key))) throw new Error("RELEASE_KEY is none of the release's keys")
  return { key, keys }
}
const { key, keys } = orRefuse(keysOf)
const SIGN = process.env.RELEASE_SIGN
const sumOf = (name) =>
  createHash("sha256")
    .update(readFileSync(join(release, name)))
    .digest("hex")

/** Packs the modules of a bundle and the target's runtime into one file. */
const compile = (modules, target, name) => {
  const file = join(release, name)
  const { status, stderr } = spawnSync(
    runtimeOf(HOST),
    [
      "build",
      "main.js",
      "--compile",
      `--target=${TARGETS[target].bun}`,
      `--compile-executable-path=${runtimeOf(target)}`,
      `--outfile=${file}`,
      // loaded part by part, like dist/, and without being parsed
      "--splitting",
      "--format=esm",
      "--bytecode",
      // a daemon that mostly waits does not need machine code, which costs memory
      "--compile-jit-policy=1000",
      // files in the working directory must not affect it
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig"
    ],
    { cwd: modules, encoding: "utf8" }
  )
  if (status !== 0) throw new Error(`${name} could not be built: ${stderr}`)
  if (target === "macos-x64") writeFileSync(file, signedAdHoc(readFileSync(file), "anklet"))
  if (target.startsWith("macos-") && SIGN) {
    const signed = spawnSync(SIGN, [file], { stdio: "inherit" })
    if (signed.status !== 0) throw new Error(`${SIGN} did not sign ${name}: ${signed.error?.message ?? "see above"}`)
  }
  console.log(`built release/${name}`)
}

/** Where `anklet update` finds the newest release, and the keys that it trusts: none in a release for this machine. */
const published = RELEASE_URL
  ? {
      ANKLET_RELEASES: JSON.stringify(
        RELEASE_URL.replace(/\/releases\/download\/[^/]+\/?$/, "/releases/latest/download")
      ),
      ANKLET_RELEASE_KEYS: JSON.stringify(keys.join("\n"))
    }
  : {}

rmSync(release, { recursive: true, force: true })
mkdirSync(release)
const modules = join(root, "node_modules", ".cache", "anklet-release")
try {
  // a package that looks for files beside itself finds none, and no file contains the path of this folder
  const nowhere = { __dirname: '"/dev/null/a/b"', __filename: '"/dev/null/a/b/c"' }
  const define = { ANKLET_ONE_FILE: "true", ...nowhere, ...published }
  const packages = packagesIn(await bundle(modules, { define, plugins: [pluginApiApart] }))
  await bundle(join(modules, "plugin-api"), { define, entry: "src/plugins/PluginApi.ts" })
  const files = targets.map((target) => {
    const name = `anklet-${version}-${target}`
    compile(modules, target, name)
    return { target, name, sum: sumOf(name) }
  })
  const write = (name, text) => writeFileSync(join(release, name), text)
  write("THIRD-PARTY-LICENCES.txt", licences(packages))
  write(`anklet-${version}.cdx.json`, `${JSON.stringify(bom(packages, targets), null, 2)}\n`)
  write("anklet.rb", formula({ version, url, files }))
  write("install.sh", installer({ version, url, keys }))
  const names = readdirSync(release).sort()
  write(SUMS, names.map((name) => `${sumOf(name)}  ${name}\n`).join(""))
  if (key === undefined) console.log(`release/${SUMS} is not signed yet: npm run release:sign`)
  else sign(release, key)
} finally {
  rmSync(modules, { recursive: true, force: true })
}
