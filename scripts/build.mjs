// Builds dist/, the program for Node.
import { chmodSync } from "node:fs"
import { bundle, root } from "./bundle.mjs"

await bundle(`${root}dist`)
chmodSync(`${root}dist/main.js`, 0o755)
