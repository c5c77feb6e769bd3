// Packages from the npm registry that a release is made of. Each is pinned by its sum, which every build looks at again:
// the cache holds archives alone, and what a build uses is unpacked for it, from the very bytes that had the right sum.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "anklet-release")

/** Folders of builds, by process. */
const UNPACKED = /^unpacked-(\d+)-/

const run = (program, args, options) => {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8", ...options })
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${error?.message ?? stderr}`)
}

const hasSum = (bytes, integrity) => `sha512-${createHash("sha512").update(bytes).digest("base64")}` === integrity

/** The archive from the registry, as bytes; kept in the cache if its checksum is right. */
const download = (name, version, integrity, archive) => {
  const folder = mkdtempSync(join(CACHE, "download-"))
  try {
    console.log(`fetching ${name}@${version}`)
    run("npm", ["pack", "--silent", "--ignore-scripts", `${name}@${version}`], { cwd: folder })
    const file = join(folder, readdirSync(folder).find((found) => found.endsWith(".tgz")) ?? "")
    const bytes = readFileSync(file)
    if (!hasSum(bytes, integrity)) throw new Error(`${name}@${version} has not the sum ${integrity}: it is not used`)
    renameSync(file, archive)
    return bytes
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The archive from the cache; if it was changed there, it is discarded and fetched again. */
const archiveOf = (name, version, integrity) => {
  const archive = join(CACHE, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`)
  if (existsSync(archive)) {
    const bytes = readFileSync(archive)
    if (hasSum(bytes, integrity)) return bytes
    console.error(`${archive} was changed: it is not used`)
    rmSync(archive)
  }
  return download(name, version, integrity, archive)
}

const isGone = (pid) => {
  try {
    process.kill(pid, 0)
    return false
  } catch ({ code }) {
    return code === "ESRCH"
  }
}

/** Removes what killed builds left behind. */
const sweep = () => {
  for (const name of readdirSync(CACHE)) {
    const pid = Number(name.match(UNPACKED)?.[1] ?? process.pid)
    if (isGone(pid)) rmSync(join(CACHE, name), { recursive: true, force: true })
  }
}

const folders = new Map()

/**
 * The folder of a package, unpacked for this process and removed with it; fails if no archive has the checksum
 * `integrity` (`sha512-…`).
 */
export const unpacked = ({ name, version, integrity }) => {
  const known = folders.get(name)
  if (known !== undefined) return known
  mkdirSync(CACHE, { recursive: true, mode: 0o700 })
  sweep()
  const bytes = archiveOf(name, version, integrity)
  const folder = mkdtempSync(join(CACHE, `unpacked-${process.pid}-`))
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
  run("tar", ["-xzf", "-"], { cwd: folder, input: bytes })
  folders.set(name, join(folder, "package"))
  return join(folder, "package")
}
