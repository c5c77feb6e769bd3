import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { defineConfig } from "vitest/config"
import { ALL, filesOf } from "./test/rings.ts"
import { MUTANTS, mutate } from "./test/simulation/mutants.ts"

/** The mechanism that is taken away in this run, if any: see `test/simulation/mutants.test.ts`. */
const mutant = MUTANTS.find(({ name }) => name === process.env.MUTANT)

export default defineConfig({
  plugins: [
    {
      name: "mutant",
      enforce: "pre",
      load: async (id) =>
        mutant !== undefined && id === resolve(mutant.file) ? mutate(mutant, await readFile(id, "utf8")) : undefined
    },
    {
      name: "scripts-as-text",
      enforce: "pre",
      load: async (id) =>
        /\.(bash|lua)$/.test(id) ? `export default ${JSON.stringify(await readFile(id, "utf8"))}` : undefined
    }
  ],
  test: {
    projects: ALL.map((name) => ({
      extends: true,
      test: { name, ...filesOf(name), setupFiles: name === "unit" ? ["test/unit.ts"] : [] }
    })),
    // a slow machine only makes it longer
    testTimeout: 240_000,
    hookTimeout: 240_000,
    pool: "forks",
    // whole daemons mostly wait: more files than cores at once
    poolOptions: { forks: { minForks: 3, maxForks: 3 } }
  }
})
