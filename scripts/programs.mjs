// Makes sure that the programs are here that the tests start: Redis 7 or later, Prometheus with its promtool, and a
// Chromium.
import { spawnSync } from "node:child_process"
import { existsSync, rmSync, writeFileSync } from "node:fs"

const run = (program, ...args) => spawnSync(program, args, { encoding: "utf8" })
const works = (program, ...args) => run(program, ...args).status === 0

/** Each program, with the names of its packages and the oldest acceptable version. */
const PROGRAMS = [
  { name: "redis-server", apt: "redis-server", brew: "redis", version: /v=(\d+)\./, least: 7 },
  { name: "prometheus", apt: "prometheus", brew: "prometheus", version: /version (\d+)\./, least: 2 },
  { name: "promtool", apt: "prometheus", brew: "prometheus", version: /version (\d+)\./, least: 2 },
  {
    name: "chromium",
    // test/whole/browser.ts starts any of them
    others: [
      "chromium-browser",
      "google-chrome",
      "/Applications/Chromium.app/Contents/MacOS/Chromium",
      "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    ],
    apt: "chromium",
    brew: "google-chrome",
    version: /Chrom\S+ (\d+)\./,
    least: 120
  }
]

const isMissing = ({ name, others = [], version, least }) =>
  [name, ...others].every((program) => {
    const { stdout, stderr } = run(program, "--version")
    return !(Number(`${stdout}${stderr}`.match(version)?.[1]) >= least)
  })
const missing = () => PROGRAMS.filter(isMissing)
const packagesOf = (programs, manager) => [...new Set(programs.map((program) => program[manager]))]

/** Installs Debian's packages without their services, because no system-wide servers are wanted here. */
const byApt = (packages) => {
  const root = process.getuid?.() === 0 ? [] : ["sudo", "-n"]
  const [program, ...args] = [...root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
  if (!works("which", "apt-get") || (root.length > 0 && !works("sudo", "-n", "true"))) return false
  console.log(`installing ${packages.join(" and ")}, which the tests start`)
  const policy = "/usr/sbin/policy-rc.d"
  const isOurs = root.length === 0 && !existsSync(policy)
  if (isOurs) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 })
  try {
    const install = () => works(program, ...args, "install", "-y", "--no-install-recommends", ...packages)
    return install() || (works(program, ...args, "update") && install())
  } finally {
    if (isOurs) rmSync(policy)
  }
}

const byBrew = (packages) => {
  if (!works("which", "brew")) return false
  console.log(`installing ${packages.join(" and ")} with brew, which the tests start`)
  return works("brew", "install", ...packages)
}

const wanted = missing()
if (wanted.length > 0) {
  if (process.platform === "darwin") byBrew(packagesOf(wanted, "brew"))
  else byApt(packagesOf(wanted, "apt"))
}
const still = missing()
if (still.length > 0) {
  console.error(
    [
      `The tests need these in PATH, and they could not be installed from here: ${still.map(({ name, least }) => `${name} ${least} or later`).join(", ")}.`,
      "Install them, and run the tests again:",
      `  Debian, Ubuntu:  sudo apt-get install ${packagesOf(still, "apt").join(" ")}`,
      `  macOS:           brew install ${packagesOf(still, "brew").join(" ")}`
    ].join("\n")
  )
  process.exit(1)
}
