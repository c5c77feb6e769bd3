/** The number of requests to GitHub, idle and for a job. */
import type { Row } from "./table.ts"
import { charged, type Daemon, daemon, isOver, isUp, wait } from "./world.ts"

const SETUPS = [1, 5].flatMap((repositories) => [1, 2, 20].map((services) => ({ services, repositories })))

const count = ({ github }: Daemon) => ({ at: Date.now(), requests: github.log.length, cost: charged(github) })

/** Observes six daemons at an interval of 10 s for this many seconds, and then gives each of them this many jobs. */
export const thrift = async (seconds: number, jobs: number): Promise<ReadonlyArray<Row>> => {
  const all = await Promise.all(
    SETUPS.map(async (setup) => ({ ...setup, it: await daemon({ ...setup, interval: 10 }) }))
  )
  await Promise.all(all.map(({ it }) => isUp(it)))
  await wait(5000)
  const before = all.map(({ it }) => count(it))
  await wait(seconds * 1000)
  const rows: Array<Row> = []
  await Promise.all(
    all.map(async ({ services, repositories, it }, n) => {
      const from = before[n] ?? count(it)
      const idle = count(it)
      const perHour = (now: number, then: number) => ((now - then) / (idle.at - from.at)) * 3_600_000
      const requests = perHour(idle.requests, from.requests)
      for (let job = 0; job < jobs; job++) await isOver(it, it.queue().id)
      const end = count(it)
      const besides = end.requests - idle.requests - (requests * (end.at - idle.at)) / 3_600_000
      rows[n] = {
        figure: `GitHub, ${services} services on ${Math.min(services, repositories)} of ${repositories} repositories: requests, charged`,
        measured: `idle ${requests.toFixed(0)}, ${perHour(idle.cost, from.cost).toFixed(0)} per hour`,
        beside: `per job ${(besides / jobs).toFixed(1)} besides the looks, ${((end.cost - idle.cost) / jobs).toFixed(1)}`
      }
      await it.stop()
    })
  )
  return rows
}
