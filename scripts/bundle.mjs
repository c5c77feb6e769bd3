// Bundles src/main.ts into a program: ES modules, split so that the daemon, the CLI and the simulator load only what
// they use.
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { leaveOut } from "./bundleSize.mjs"

/** The folder of this repository. */
export const root = fileURLToPath(new URL("..", import.meta.url))

/** The version, from package.json. */
export const { version } = JSON.parse(readFileSync(`${root}package.json`, "utf8"))

const git = (...args) => {
  if (!existsSync(`${root}.git`)) return undefined
  const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" })
  return status === 0 ? stdout.trim() : undefined
}

/** Short hash of the commit, with `-dirty` if files differ from it; `unknown` outside our own Git repository. */
export const commit = () => git("describe", "--always", "--dirty", "--abbrev=7", "--exclude=*") ?? "unknown"

/** When the commit was made, if known. */
export const committedAt = () => git("log", "-1", "--format=%cI")

/** Bundles an entry into a folder, with its chunks; returns what went into them. */
export const bundle = async (outdir, { entry = "src/main.ts", define = {}, plugins = [] } = {}) => {
  rmSync(outdir, { recursive: true, force: true })
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outdir,
    bundle: true,
    splitting: true,
    // the text of a module stays in memory
    minify: true,
    format: "esm",
    platform: "node",
    target: "node20",
    mainFields: ["module", "main"],
    loader: { ".bash": "text", ".lua": "text" },
    define: { ANKLET_VERSION: JSON.stringify(version), ANKLET_COMMIT: JSON.stringify(commit()), ...define },
    plugins: [leaveOut, ...plugins],
    external: ["@parcel/watcher", "msgpackr-extract", "bufferutil", "utf-8-validate"],
    banner: {
      js: [
        "#!/usr/bin/env node",
        'import { createRequire as __createRequire } from "node:module";',
        "const require = __createRequire(import.meta.url);"
      ].join("\n")
    },
    // only LOG_LEVEL=dev reads them, to name the source location
    sourcemap: true,
    sourcesContent: false,
    legalComments: "none",
    metafile: true,
    logLevel: "warning"
  })
  return metafile
}
