import { readFile } from "node:fs/promises"
import { defineConfig } from "vitest/config"

export default defineConfig({
  plugins: [
    {
      name: "scripts-as-text",
      enforce: "pre",
      load: async (id) =>
        /\.(bash|lua)$/.test(id) ? `export default ${JSON.stringify(await readFile(id, "utf8"))}` : undefined
    }
  ],
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // whole daemons mostly wait: more files than cores at once
    poolOptions: { forks: { minForks: 1, maxForks: 3 } }
  }
})
