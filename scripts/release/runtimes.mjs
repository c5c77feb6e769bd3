// The runtimes in a release's files: Bun's, from the npm registry, each pinned by its checksum.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { unpacked } from "./archive.mjs"

/** Bun's version. To raise it, insert the checksums that `npm view <package>@<version> dist.integrity` prints. */
export const BUN = "1.4.5"

/**
 * The released targets, by their name in file names: the package with its runtime, that package's checksum, and Bun's
 * own name for the target.
 */
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

/** This machine's target. */
export const HOST = `${process.platform.replace("darwin", "macos")}-${process.arch}`

/** Bun's documentation: its page on licences covers the libraries in the runtime. */
const DOCUMENTATION = {
  package: "bun-types",
  integrity: "sha512-ECHn+9dhL3wv0G6u0+7dQvrnaimXiRDxxerYBmhTaLyJEEuvTPWk2Fye3XIf5Y++JIIiHKfQw4Z7V5D8KuiXbg=="
}

const fetched = ({ package: name, integrity }) => unpacked({ name, version: BUN, integrity })

/** The runtime of a target, as a file that exists until this process ends. */
export const runtimeOf = (target) => join(fetched(TARGETS[target]), "bin", "bun")

/** Bun's statement of its own licence and those of the libraries in it. */
export const licenceOfBun = () =>
  readFileSync(join(fetched(DOCUMENTATION), "docs", "project", "license.mdx"), "utf8").replace(/^---\n.*?\n---\n/s, "")
