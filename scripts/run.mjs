// Runs one TypeScript file of this repository: bundles it into a temporary folder and starts it with the rest of the arguments.
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { build } from "esbuild"

const [file, ...args] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), "anklet-run-"))
const outfile = join(folder, "main.mjs")
await build({
  entryPoints: [file],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  // some dependencies are CommonJS
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
  },
  loader: { ".bash": "text", ".lua": "text" }
})
const { status } = spawnSync(process.execPath, [outfile, ...args], { stdio: "inherit" })
rmSync(folder, { recursive: true, force: true })
process.exit(status ?? 1)
