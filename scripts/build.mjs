// Bundles src/main.ts into dist/: ES modules, split so that the daemon, the CLI and the simulator load only what they use.
import { chmodSync, readFileSync, rmSync } from "node:fs"
import { build } from "esbuild"

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))

rmSync("dist", { recursive: true, force: true })
await build({
  entryPoints: ["src/main.ts"],
  outdir: "dist",
  bundle: true,
  splitting: true,
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  format: "esm",
  platform: "node",
  target: "node20",
  mainFields: ["module", "main"],
  loader: { ".bash": "text", ".lua": "text" },
  define: { ANKLET_VERSION: JSON.stringify(version) },
  external: ["@parcel/watcher", "msgpackr-extract", "bufferutil", "utf-8-validate"],
  banner: {
    js: [
      "#!/usr/bin/env node",
      'import { createRequire as __createRequire } from "node:module";',
      "const require = __createRequire(import.meta.url);"
    ].join("\n")
  },
  // read only by LOG_LEVEL=dev, which names the place in the source
  sourcemap: true,
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning"
})
chmodSync("dist/main.js", 0o755)
