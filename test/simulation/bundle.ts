/**
 * The simulation as one file that Node runs by itself: twice as fast as under the test runner, and optionally with a
 * mutant.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { build } from "esbuild"
import { type Mutant, mutate } from "./mutants.ts"

/** Builds it into a temporary folder; returns the file. */
export const bundle = async (mutant?: Mutant): Promise<string> => {
  const outfile = join(mkdtempSync(join(tmpdir(), "anklet-simulation-")), "main.mjs")
  await build({
    entryPoints: [resolve("test/simulation/main.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "silent",
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
    },
    loader: { ".bash": "text", ".lua": "text" },
    plugins:
      mutant === undefined
        ? []
        : [
            {
              name: "mutant",
              setup: ({ onLoad }) => {
                onLoad({ filter: /\.ts$/ }, ({ path }) =>
                  path === resolve(mutant.file)
                    ? { contents: mutate(mutant, readFileSync(path, "utf8")), loader: "ts" }
                    : undefined
                )
              }
            }
          ]
  })
  return outfile
}

/** Runs it; returns how it ended, and what it printed. */
export const run = (
  file: string,
  args: ReadonlyArray<string>
): Promise<{ readonly code: number; readonly text: string }> =>
  new Promise((resolve) => {
    // most objects live only for a moment
    const child = spawn(process.execPath, ["--max-semi-space-size=64", file, ...args], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let text = ""
    child.stdout.on("data", (chunk) => {
      text += chunk
    })
    child.on("close", (code) => resolve({ code: code ?? -1, text }))
  })
