// Builds dist/, the program for Node.
import { chmodSync } from "node:fs"
import { bundle, root } from "./bundle.mjs"
import { pluginApiApart } from "./bundleSize.mjs"

await bundle(`${root}dist`, { plugins: [pluginApiApart] })
await bundle(`${root}dist/plugin-api`, { entry: "src/plugins/PluginApi.ts" })
chmodSync(`${root}dist/main.js`, 0o755)
