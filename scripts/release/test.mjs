// Builds a whole release, twice, and tests it: its one file for this machine in place of dist/.
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root, version } from "../bundle.mjs"
import { newKey } from "./keys.mjs"
import { HOST, runtimeOf } from "./runtimes.mjs"

const ANKLET_BIN = join(root, "release", `anklet-${version}-${HOST}`)

/** Both builds contain one key, which nobody has afterwards, and take their files from the folder that they are in. */
const RELEASE_KEY = newKey().export({ type: "pkcs8", format: "pem" })

const run = (program, ...args) => {
  console.log(`\n${program} ${args.join(" ")}`)
  const env = { ...process.env, ANKLET_BIN, RELEASE_KEY, RELEASE_URL: "" }
  const { status } = spawnSync(program, args, { cwd: root, stdio: "inherit", env })
  if (status !== 0) process.exit(status ?? 1)
}

const vitest = ["node_modules/vitest/vitest.mjs", "run"]
const sums = () => {
  run(process.execPath, "scripts/release.mjs")
  return readFileSync(join(root, "release", "SHA256SUMS"), "utf8")
}

const first = sums()
if (sums() !== first) {
  console.error("two builds of the same sources differ")
  process.exit(1)
}
const fleet = "test/whole/fleet.test.ts"
const given = process.argv.slice(2)
if (given.length > 0) run(process.execPath, ...vitest, ...given)
else {
  run(process.execPath, ...vitest, "test/release", "test/cli", "test/whole", "--exclude", fleet)
  run(process.execPath, ...vitest, fleet)
  // what is closest to the system, in the runtime itself: processes, files, HTTP, TLS, Redis
  run(runtimeOf(HOST), "--bun", ...vitest, "test/services", "test/store")
}
