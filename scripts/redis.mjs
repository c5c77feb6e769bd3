// Sees to it that `redis-server` 7 or later is here: the tests start servers of their own, on free ports.
import { spawnSync } from "node:child_process"
import { existsSync, rmSync, writeFileSync } from "node:fs"

const run = (program, ...args) => spawnSync(program, args, { encoding: "utf8" })
const works = (program, ...args) => run(program, ...args).status === 0
const version = () => Number(run("redis-server", "--version").stdout?.match(/v=(\d+)\./)?.[1] ?? 0)

const NEEDED = 7

/** Installs Debian's package, without its service: a server of the system's own is not wanted here. */
const byApt = () => {
  const root = process.getuid?.() === 0 ? [] : ["sudo", "-n"]
  const [program, ...args] = [...root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
  if (!works("which", "apt-get") || (root.length > 0 && !works("sudo", "-n", "true"))) return false
  console.log("installing redis-server, which the tests start on free ports")
  const policy = "/usr/sbin/policy-rc.d"
  const isOurs = root.length === 0 && !existsSync(policy)
  if (isOurs) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 })
  try {
    const install = () => works(program, ...args, "install", "-y", "--no-install-recommends", "redis-server")
    return install() || (works(program, ...args, "update") && install())
  } finally {
    if (isOurs) rmSync(policy)
  }
}

const byBrew = () => {
  if (!works("which", "brew")) return false
  console.log("installing redis with brew, which the tests start on free ports")
  return works("brew", "install", "redis")
}

if (version() < NEEDED) {
  if (process.platform === "darwin") byBrew()
  else byApt()
}
if (version() < NEEDED) {
  console.error(
    [
      `The tests need redis-server ${NEEDED} or later in PATH, and it could not be installed from here.`,
      "Install it, and run them again:",
      "  Debian, Ubuntu:  sudo apt-get install redis-server",
      "  macOS:           brew install redis"
    ].join("\n")
  )
  process.exit(1)
}
