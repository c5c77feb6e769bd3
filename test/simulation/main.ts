/**
 * Simulated histories from the command line.
 *
 *   npm run simulate -- histories [--seeds N] [--from N] [--hosts N] [--hours N] [--jobs N] [--trouble N] [--told N] [--scripts] [--hold] [--trace] [--json]
 *   npm run simulate -- crashes   [--way TEXT] [--death TEXT] [--json]
 *   npm run simulate -- pairs     [--json]
 *   npm run simulate -- day       --out FILE --base SECONDS [--bad]
 *   npm run simulate -- week      [--json]
 *
 * Exits with 1 at the first broken promise, after telling how to see it again.
 */
import { closeSync, openSync, writeSync } from "node:fs"
import { parseArgs } from "node:util"
import { DEATHS, dieAt, dieInTurn, pairs, ways } from "./crash.ts"
import { live } from "./day.ts"
import { planOf } from "./plan.ts"
import { explain, telling } from "./shrink.ts"
import { week } from "./week.ts"
import { type Report, simulate } from "./world.ts"

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    hosts: { type: "string", default: "100" },
    hours: { type: "string", default: "2" },
    /** Jobs per host and hour. */
    jobs: { type: "string", default: "0.5" },
    trouble: { type: "string", default: "1" },
    /** Share of the jobs of which GitHub tells hosts besides polling. */
    told: { type: "string", default: "0" },
    /** Hosts have scripts of their own around each job. */
    scripts: { type: "boolean", default: false },
    /** Hosts keep the VM of each job for inspection. */
    hold: { type: "boolean", default: false },
    way: { type: "string", default: "" },
    death: { type: "string", default: "" },
    /** Where the metrics of a day are written, and when it began, in seconds since the epoch. */
    out: { type: "string", default: "" },
    base: { type: "string", default: "0" },
    bad: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
    json: { type: "boolean", default: false }
  }
})

/** The sum of everything counted. */
const total = { histories: 0, hours: 0, jobs: 0, claims: 0, events: 0, recoveries: [] as Array<number>, points: 0 }
const faults: Record<string, number> = {}
const conclusions: Record<string, number> = {}
const announced: Record<string, number> = {}

const add = (into: Record<string, number>, counts: Readonly<Record<string, number | undefined>>) => {
  for (const [what, times = 0] of Object.entries(counts)) into[what] = (into[what] ?? 0) + times
}

const end = (violation?: string): never => {
  const { recoveries, ...sums } = total
  const sorted = recoveries.sort((a, b) => a - b)
  const report = {
    ...sums,
    hours: Math.round(total.hours * 10) / 10,
    recovery: { median: sorted[sorted.length >> 1] ?? 0, longest: sorted.at(-1) ?? 0 },
    conclusions,
    announced,
    faults,
    seconds: Math.round(performance.now() / 1000),
    violation
  }
  console.log(values.json ? JSON.stringify(report) : JSON.stringify(report, null, 2))
  process.exit(violation === undefined ? 0 : 1)
}

const histories = () => {
  const size = {
    hosts: Number(values.hosts),
    hours: Number(values.hours),
    jobs: Number(values.jobs),
    trouble: Number(values.trouble),
    told: Number(values.told),
    scripts: values.scripts,
    hold: values.hold
  }
  const from = Number(values.from)
  for (let seed = from; seed < from + Number(values.seeds); seed++) {
    const plan = planOf(seed, size)
    const report = simulate(plan, { traced: values.trace })
    for (const line of report.trace) console.log(line)
    if (!values.json) {
      console.log(
        `seed ${seed}: ${report.violation?.message ?? "kept"}, ${report.jobs} jobs, ${report.events} events, hash ${report.hash}`
      )
    }
    total.histories++
    total.hours += report.hours
    total.jobs += report.jobs
    total.claims += report.claims
    total.events += report.events
    total.recoveries.push(Math.round(report.recovery / 1000))
    add(faults, report.faults)
    add(conclusions, report.conclusions)
    add(announced, report.announced)
    if (report.violation !== undefined) end(values.json ? report.violation.message : explain(plan, report))
  }
}

const counted = (report: Report, told: () => string, again: () => Report) => {
  total.points++
  total.jobs += report.jobs
  total.recoveries.push(Math.round(report.recovery / 1000))
  add(conclusions, report.conclusions)
  if (report.violation === undefined) return
  const trace = values.json ? [] : telling(again().trace)
  end([`${told()}: ${report.violation.message}`, ...trace].join("\n"))
}

const crashes = () => {
  for (const { way, plan, points } of ways()) {
    if (!way.includes(values.way)) continue
    // the only host must not stay away: nobody would be left for the job
    for (const death of DEATHS.filter((death) => plan.hosts > 1 || death !== "never returns")) {
      if (values.death !== "" && death !== values.death) continue
      for (const point of points) {
        counted(
          dieAt(plan, point, death),
          () => `${way}, ${death}, at ${JSON.stringify(point)}`,
          () => dieAt(plan, point, death, true)
        )
      }
      if (!values.json) console.log(`${way}, ${death}: ${points.length} points kept`)
    }
  }
}

const doubled = () => {
  for (const { plan, ends } of pairs()) {
    counted(
      dieInTurn(plan, ends),
      () => JSON.stringify(ends),
      () => dieInTurn(plan, ends, true)
    )
  }
}

const day = () => {
  const file = openSync(values.out, "w")
  const report = live(values.bad, Number(values.base), (line) => void writeSync(file, `${line}\n`))
  writeSync(file, "# EOF\n")
  closeSync(file)
  total.histories++
  total.hours += report.hours
  total.jobs += report.jobs
  add(conclusions, report.conclusions)
  if (report.violation !== undefined) end(report.violation.message)
}

const aWeek = () => {
  const { violation, jobs, events, hours, days } = week()
  total.histories++
  total.hours += hours
  total.jobs += jobs
  total.events += events
  if (!values.json) console.log(`objects that are alive after each day: ${days.join(", ")}`)
  if (violation !== undefined) end(violation.message)
}

for (const what of positionals.length === 0 ? ["histories"] : positionals) {
  if (what === "histories") histories()
  else if (what === "crashes") crashes()
  else if (what === "pairs") doubled()
  else if (what === "day") day()
  else if (what === "week") aWeek()
  else throw new Error(`${what}: histories, crashes, pairs, day or week?`)
}
end()
