/** `npm run simulate -- [--seeds N] [--from N] [--hosts N] [--hours N] [--trace]`: many histories, and what they came to. */
import { parseArgs } from "node:util"
import { planOf } from "./plan.ts"
import { simulate } from "./world.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    hosts: { type: "string", default: "100" },
    hours: { type: "string", default: "2" },
    jobs: { type: "string", default: "1" },
    trouble: { type: "string", default: "1" },
    trace: { type: "boolean", default: false }
  }
})
const size = {
  hosts: Number(values.hosts),
  hours: Number(values.hours),
  jobs: Number(values.jobs),
  trouble: Number(values.trouble)
}
for (let seed = Number(values.from); seed < Number(values.from) + Number(values.seeds); seed++) {
  const begun = performance.now()
  const plan = planOf(seed, size)
  const report = simulate(plan, { traced: values.trace })
  for (const line of report.trace) console.log(line)
  console.log(
    seed,
    report.violation?.message ?? "ok",
    report.hash,
    `jobs ${report.jobs} claims ${report.claims} events ${report.events} ${JSON.stringify(report.conclusions)} recovery ${Math.round(report.recovery / 1000)} s, shared ${plan.isShared}, ${Math.round(performance.now() - begun)} ms`
  )
}
process.exit(0)
