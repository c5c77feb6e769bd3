/**
 * `npm run kills -- [--kills 200] [--seed 1]`: kills a daemon with `kill -9` at random moments, then reports what is
 * not as it should be.
 */
import { parseArgs } from "node:util"
import { run } from "./kills.ts"

const { values } = parseArgs({
  options: { kills: { type: "string", default: "200" }, seed: { type: "string", default: "1" } }
})

const report = await run({
  kills: Number(values.kills),
  seed: Number(values.seed),
  batch: 25,
  progress: (line) => console.error(line)
})
console.log(JSON.stringify(report, null, 2))
process.exit(report.violations.length === 0 ? 0 : 1)
