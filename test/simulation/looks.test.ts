import { setImmediate } from "node:timers/promises"
import { assert, describe, it } from "vitest"
import { type Plan, type PlannedJob, planOf } from "./plan.ts"
import { simulate } from "./world.ts"

const SECOND = 1000
const MINUTE = 60 * SECOND

/** A fleet on one repository and one store, without trouble: each Mac has two services, which poll every ten seconds. */
const fleet = (hosts: number, jobs: ReadonlyArray<PlannedJob> = []): Plan => ({
  ...planOf(1, { hosts, hours: 0.7, jobs: 0, trouble: 0 }),
  ...{ services: 2, scopes: 1, isShared: true, sleepInterval: 10 * SECOND, beat: 10 * SECOND, lease: MINUTE },
  ...{ skew: 0, weather: { lost: 0, late: 0, lateBy: 0, doubled: 0 }, faults: [] },
  jobs
})

const jobs = (count: number, at: number, lasting: number): ReadonlyArray<PlannedJob> =>
  Array.from({ length: count }, () => ({ at, scope: 0, template: "here", lasting, unique: true, cancelAt: undefined }))

/** The minutes that are counted: the fleet is up, and the first jobs run. */
const [FROM, TO] = [8, 38]

/** Number of lists of jobs that GitHub gives to all hosts together in a minute, and of services that have a job in between. */
const listsPerMinute = (plan: Plan) => {
  const minutes = Array.from({ length: TO - FROM }, () => 0)
  let busy = 0
  const report = simulate(plan, {
    listed: (at) => {
      const minute = Math.floor(at / MINUTE) - FROM
      if (minute >= 0 && minute < minutes.length) minutes[minute] = (minutes[minute] ?? 0) + 1
    },
    scrapes: {
      every: 25 * MINUTE,
      told: (at, __, text = "") => {
        if (at < TO * MINUTE) busy += Number(text.match(/^anklet_services\{state="working"\} (\d+)$/m)?.[1] ?? 0)
      }
    }
  })
  assert.isUndefined(report.violation, report.violation?.message)
  return { busy, most: Math.max(...minutes), mean: minutes.reduce((sum, many) => sum + many, 0) / minutes.length }
}

describe("the lists of jobs that a fleet asks GitHub for", () => {
  it("do not grow with the number of Macs while all their services work: one Mac asks for all", async () => {
    for (const hosts of [1, 4, 10]) {
      // a worker that has not reported for a minute counts as lost
      await setImmediate()
      const work = [...jobs(2 * hosts, 2 * MINUTE, 40 * MINUTE), ...jobs(3, 6 * MINUTE, MINUTE)]
      const { busy, mean, most } = listsPerMinute(fleet(hosts, work))
      assert.strictEqual(busy, 2 * hosts, `${hosts} Macs`)
      // a Mac asks every thirty seconds, and another one takes its turn 25 seconds after it asked
      assert.isAtLeast(mean, 1.9, `${hosts} Macs`)
      assert.isAtMost(mean, 60 / 25, `${hosts} Macs`)
      assert.isAtMost(most, 3, `${hosts} Macs`)
    }
  })

  it("do not grow with the number of Macs while all of them are idle", async () => {
    for (const hosts of [1, 4, 10]) {
      // a worker that has not reported for a minute counts as lost
      await setImmediate()
      const { busy, mean } = listsPerMinute(fleet(hosts))
      assert.strictEqual(busy, 0)
      assert.isAtLeast(mean, 5, `${hosts} Macs`)
      assert.isAtMost(mean, 6, `${hosts} Macs`)
    }
  })
})
