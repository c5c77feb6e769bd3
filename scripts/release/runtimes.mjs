// The runtimes that a release's files carry: Bun's, from the npm registry, each pinned by its sum.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"

/** Bun's version. To raise it, put in the sums that `npm view <package>@<version> dist.integrity` tells. */
export const BUN = "1.4.5"

/** What we release, by the name it has in file names: the package with its runtime, the sum of that, and Bun's own name for it. */
export const TARGETS = {
  "macos-arm64": {
    package: "@oven/bun-darwin-aarch64",
    integrity: "sha512-4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==",
    bun: "bun-darwin-arm64"
  },
  "macos-x64": {
    package: "@oven/bun-darwin-x64",
    integrity: "sha512-qkLPMGHZM9NI6CeHTWwVezzmlo6cC4Ta7yUAjYIWXS366qQcOlcp75t2uZyiuVRBMPS0h9qE0tCcvCHGaFqjJg==",
    bun: "bun-darwin-x64"
  },
  "linux-arm64": {
    package: "@oven/bun-linux-aarch64",
    integrity: "sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
    bun: "bun-linux-arm64"
  },
  "linux-x64": {
    package: "@oven/bun-linux-x64",
    integrity: "sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
    bun: "bun-linux-x64"
  }
}

/** This machine, among them. */
export const HOST = `${process.platform.replace("darwin", "macos")}-${process.arch}`

/** Bun's documentation: its page on licences is that of the libraries in the runtime. */
const DOCUMENTATION = {
  package: "bun-types",
  integrity: "sha512-ECHn+9dhL3wv0G6u0+7dQvrnaimXiRDxxerYBmhTaLyJEEuvTPWk2Fye3XIf5Y++JIIiHKfQw4Z7V5D8KuiXbg=="
}

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "anklet-release")

const run = (cwd, program, ...args) => {
  const { status, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" })
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${error?.message ?? stderr}`)
}

/** The folder of an unpacked package, from the cache or the registry; fails when its sum is not the one we know. */
const fetch = ({ package: name, integrity }) => {
  const folder = join(CACHE, `${name.replace("/", "-")}-${BUN}`)
  if (existsSync(folder)) return folder
  mkdirSync(CACHE, { recursive: true })
  const download = mkdtempSync(join(CACHE, "download-"))
  try {
    console.log(`fetching ${name}@${BUN}`)
    run(download, "npm", "pack", "--silent", `${name}@${BUN}`)
    const archive = join(download, `${name.replace("@", "").replace("/", "-")}-${BUN}.tgz`)
    const sum = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`
    if (sum !== integrity) throw new Error(`${name}@${BUN} has the sum ${sum}, not ${integrity}: it is not used`)
    run(download, "tar", "-xzf", archive)
    renameSync(join(download, "package"), folder)
  } finally {
    rmSync(download, { recursive: true, force: true })
  }
  return folder
}

/** The runtime of a target, as a file. */
export const runtimeOf = (target) => join(fetch(TARGETS[target]), "bin", "bun")

/** What Bun says of its own licence and those of the libraries in it. */
export const licenceOfBun = () =>
  readFileSync(join(fetch(DOCUMENTATION), "docs", "project", "license.mdx"), "utf8").replace(/^---\n.*?\n---\n/s, "")
