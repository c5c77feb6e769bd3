/** The cost of daemons that find nothing to do, compared with a runtime that does nothing at all. */
import { spawn } from "node:child_process"
import { mb, type Row, times } from "./table.ts"
import { charged, daemon, isUp, type Use, useOf, wait } from "./world.ts"

/** Time until a daemon has settled, in seconds: it starts, polls, and frees what the start used. */
const SETTLED = 20

/**
 * Time of the observation, in seconds. Growth is measured from a third of it on, which is the fifth minute of the full
 * run.
 */
export const idle = async (seconds: number): Promise<ReadonlyArray<Row>> => {
  const bare = spawn(process.execPath, ["-e", "setInterval(() => {}, 1 << 30)"], { stdio: "ignore" })
  const two = await daemon({ services: 2, interval: 10 })
  const twenty = await daemon({ services: 20, interval: 10 })
  await Promise.all([isUp(two), isUp(twenty)])
  await wait(SETTLED * 1000)
  const all = [bare.pid ?? 0, two.pid, twenty.pid]
  const measure = () => all.map(useOf)
  const requests = [two, twenty].map(({ github }) => ({ count: github.log.length, cost: charged(github) }))
  const before = measure()
  await wait((seconds / 3) * 1000)
  const third = measure()
  // memory rises and falls between two collections of garbage: the median of the last minute
  await wait(((seconds * 2) / 3) * 1000 - 60_000 * Math.min(1, seconds / 120))
  const samples: Array<ReadonlyArray<Use>> = []
  for (let n = 0; n < 12; n++) {
    await wait((60_000 * Math.min(1, seconds / 120)) / 12)
    samples.push(measure())
  }
  const typical = (process: number, what: "resident" | "private"): number =>
    samples.map((sample) => sample[process]?.[what] ?? 0).sort((a, b) => a - b)[samples.length >> 1] ?? 0
  const rows: Array<Row> = [
    { figure: "idle, bare: resident", measured: mb(typical(0, "resident")) },
    { figure: "idle, bare: private", measured: mb(typical(0, "private")) }
  ]
  for (const [n, name] of [
    [1, "2 services"],
    [2, "20 services"]
  ] as const) {
    const [resident, own] = [typical(n, "resident"), typical(n, "private")]
    const cpu = ((samples.at(-1)?.[n]?.cpu ?? 0) - (before[n]?.cpu ?? 0)) / (seconds / 60)
    const grown = own - (third[n]?.private ?? 0)
    const github = (n === 1 ? two : twenty).github
    const hours = seconds / 3600
    rows.push(
      {
        figure: `idle, ${name}: resident`,
        measured: mb(resident),
        beside: `${times(resident, typical(0, "resident"), "bare")}, ${mb(resident - typical(0, "resident"))} more`,
        goal: "15 MB more"
      },
      {
        figure: `idle, ${name}: private`,
        measured: mb(own),
        beside: times(own, typical(0, "private"), "bare"),
        goal: n === 1 ? "15 MB" : "20 MB"
      },
      {
        figure: `idle, ${name}: private, growth over the last two thirds`,
        measured: `${grown < 0 ? "−" : "+"}${mb(Math.abs(grown))}`,
        goal: "flat"
      },
      {
        figure: `idle, ${name}: CPU, interval 10 s`,
        measured: `${cpu.toFixed(2)} s/min`,
        beside: `${((cpu / 60) * 100).toFixed(2)} % of a core`,
        goal: n === 1 ? "0.1 s/min" : ""
      },
      {
        figure: `idle, ${name}: requests, charged`,
        measured: `${((github.log.length - (requests[n - 1]?.count ?? 0)) / hours).toFixed(0)}, ${((charged(github) - (requests[n - 1]?.cost ?? 0)) / hours).toFixed(0)} per hour`
      }
    )
  }
  bare.kill()
  await Promise.all([two.stop(), twenty.stop()])
  return rows
}
