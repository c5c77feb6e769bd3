/**
 * The figures of docs/performance.md, as one table.
 *
 *   npm run bench                      the full run, about 26 minutes; writes docs/performance.md
 *   npm run bench -- --short           some minutes
 *   npm run bench -- --idle SECONDS    how long the idle daemons are watched
 *
 * Ratios in one run: absolute times differ from machine to machine.
 */
import { parseArgs } from "node:util"
import { idle } from "./idle.ts"
import { jobs } from "./jobs.ts"
import { startUp } from "./startUp.ts"
import { print, type Row, write } from "./table.ts"
import { thrift } from "./thrift.ts"
import { canMeasure } from "./world.ts"

const { values } = parseArgs({ options: { short: { type: "boolean", default: false }, idle: { type: "string" } } })
if (!canMeasure) throw new Error("memory is measured through /proc/PID/smaps_rollup: run this on Linux")

const size = values.short
  ? { rounds: 5, idle: 30, many: 8, few: 2, thrift: 20, each: 1 }
  : { rounds: 31, idle: 900, many: 100, few: 12, thrift: 180, each: 2 }
const seconds = Number(values.idle ?? size.idle)

const rows: Array<Row> = []
for (const part of [
  () => startUp(size.rounds),
  () => idle(seconds),
  () => jobs(size.many, size.few),
  () => thrift(size.thrift, size.each)
]) {
  const done = await part()
  rows.push(...done)
  for (const { figure, measured } of done) process.stderr.write(`${figure}  ${measured}\n`)
}
print(rows)
if (!values.short) {
  write(
    rows,
    `Start-up is the median of ${size.rounds} runs in turn; idle daemons were watched for ${seconds / 60} minutes.`
  )
}
process.exit(0)
