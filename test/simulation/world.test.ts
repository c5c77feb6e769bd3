import { setImmediate } from "node:timers/promises"
import * as Fiber from "effect/Fiber"
import { assert, describe, it } from "vitest"
import { planOf, type Size } from "./plan.ts"
import { explain } from "./shrink.ts"
import { simulate } from "./world.ts"

const HANDFUL: Size = { hosts: 5, hours: 1, jobs: 4, trouble: 1.5 }

describe("a simulated history", () => {
  it("is the same for the same seed, and another one for another seed", () => {
    const one = simulate(planOf(7, HANDFUL))
    const again = simulate(planOf(7, HANDFUL))
    assert.deepStrictEqual({ ...again, trace: [] }, { ...one, trace: [] })
    assert.notStrictEqual(simulate(planOf(8, HANDFUL)).hash, one.hash)
  })

  it("is let go of when it is over: thousands of them fit into one process", () => {
    const before = new Set(Fiber.unsafeRoots())
    const { faults } = simulate(planOf(2, HANDFUL))
    assert.isAbove((faults.Kill ?? 0) + (faults.PowerLoss ?? 0), 0)
    assert.isEmpty(Fiber.unsafeRoots().filter((fiber) => !before.has(fiber)))
  })

  it("has all kinds of trouble in it, over some seeds", async () => {
    const kinds = new Set<string>()
    for (let seed = 1; seed <= 12; seed++) {
      // a worker that has not reported for a minute counts as lost
      await setImmediate()
      for (const [kind, times] of Object.entries(simulate(planOf(seed, HANDFUL)).faults)) if (times > 0) kinds.add(kind)
    }
    assert.sameMembers(
      [...kinds],
      [
        ...["Kill", "PowerLoss", "Freeze", "Partition", "StoreRestart", "GitHubDown", "GitHubUnsaid", "GitHubLimited"],
        ...[
          "GitHubStale",
          "Anka",
          "DiskFull",
          "ClockJump",
          "VmCrash",
          "Stop",
          "Drain",
          "Runners",
          "Vanish",
          "GitHubDenies",
          "Forget"
        ],
        ...["lost message", "late message", "doubled message"]
      ]
    )
  })

  it("may have intakes beside the same jobs and faults, and keeps every promise", async () => {
    const { jobs, ...plan } = planOf(7, { ...HANDFUL, told: 0.7 })
    const untold = jobs.map(({ deliveries: _, ...job }) => job)
    assert.deepStrictEqual({ ...plan, jobs: untold }, planOf(7, HANDFUL))
    const announced = { nothing: 0, queued: 0, owned: 0, over: 0 }
    for (let seed = 1; seed <= 6; seed++) {
      // a worker that has not reported for a minute counts as lost
      await setImmediate()
      const report = simulate(planOf(seed, { ...HANDFUL, told: 0.7 }))
      assert.isUndefined(report.violation, `seed ${seed}: ${report.violation?.message}`)
      for (const known of ["nothing", "queued", "owned", "over"] as const) announced[known] += report.announced[known]
    }
    // jobs were announced first, again, while they ran, and when they were over
    for (const [known, times] of Object.entries(announced)) assert.isAbove(times, 0, known)
  })

  it("may have hosts with scripts of their own around each job, and keeps every promise", async () => {
    for (let seed = 1; seed <= 6; seed++) {
      // a worker that has not reported for a minute counts as lost
      await setImmediate()
      const report = simulate(planOf(seed, { ...HANDFUL, scripts: true }))
      assert.isUndefined(report.violation, `seed ${seed}: ${report.violation?.message}`)
    }
  })

  it("may have hosts that keep the VM of each job for inspection, and keeps every promise", async () => {
    let kept = 0
    let yielded = 0
    for (let seed = 1; seed <= 4; seed++) {
      // a worker that has not reported for a minute counts as lost
      await setImmediate()
      const report = simulate(planOf(seed, { ...HANDFUL, hold: true }), { traced: true })
      assert.isUndefined(report.violation, `seed ${seed}: ${report.violation?.message}`)
      kept += report.trace.filter((line) => line.includes(" is kept for ")).length
      yielded += report.trace.filter((line) => line.endsWith("is removed: a job needs its place")).length
    }
    assert.isAbove(kept, 10)
    assert.isAbove(yielded, 0)
  })

  it("may have services that watch two repositories in one queue, and keeps every promise", async () => {
    for (let seed = 1; seed <= 6; seed++) {
      // a worker that has not reported for a minute counts as lost
      await setImmediate()
      const plan = planOf(seed, { ...HANDFUL, told: 0.3, together: true })
      assert.strictEqual(plan.isTogether, plan.isShared)
      const report = simulate(plan)
      assert.isUndefined(report.violation, `seed ${seed}: ${report.violation?.message}`)
    }
  })

  it("that breaks a promise is told with its seed, and with little more than what it takes", () => {
    const plan = planOf(3, { hosts: 2, hours: 0.3, jobs: 10, trouble: 2 })
    // hosts that are never started leave every job where it is
    const broken = {
      ...plan,
      hosts: 0,
      faults: plan.faults.filter(({ _tag }) => _tag === "GitHubStale" || _tag === "GitHubDown")
    }
    const report = simulate(broken)
    assert.strictEqual(report.violation?.promise, "L1")
    const told = explain(broken, report)
    assert.match(told, /^seed 3 at commit \w+ breaks L1: job \d+ is queued/)
    assert.include(told, "jobs (1 of 6)")
    assert.include(told, `faults (0 of ${broken.faults.length})`)
  })
})
