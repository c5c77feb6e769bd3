/**
 * Two simulated days of a Mac in a real Prometheus: a good one, and one in which something goes wrong every few hours.
 */
import { rmSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { bundle, run } from "../simulation/bundle.ts"
import { panels, rules } from "./documented.ts"
import { startWith } from "./prometheus.ts"

const MINUTE = 60
const HOUR = 60 * MINUTE
/** It is in the past, and begins where a block of Prometheus does. */
const BASE = Math.floor(Date.now() / 1000 / (2 * HOUR)) * 2 * HOUR - 26 * HOUR
const UNITS: Readonly<Record<string, number>> = { m: MINUTE, h: HOUR, d: 24 * HOUR }

/** Hours in which something is wrong: see `TROUBLES` in `day.ts`. */
const STORE_AWAY = [5, 5.9] as const
const GITHUB_DOWN = [8, 9] as const
const ANKA_FAILS = [11, 11.6] as const
const STOPPED = [14, 14.4] as const
const NO_RUNNER_CONNECTS = [17, 20] as const
const KILLED = [22, 23.6] as const

/** The alerts that fire, and in which of these hours. */
const EXPECTED: Readonly<Record<string, ReadonlyArray<readonly [from: number, to: number]>>> = {
  AnkletStoreAway: [STORE_AWAY],
  AnkletStoreUnsteady: [STORE_AWAY],
  AnkletHeartbeatsFail: [STORE_AWAY],
  AnkletServiceFailing: [STORE_AWAY, GITHUB_DOWN, ANKA_FAILS],
  AnkletAnkaDown: [ANKA_FAILS],
  AnkletDown: [STOPPED],
  AnkletJobsFail: [NO_RUNNER_CONNECTS],
  AnkletJobsWait: [NO_RUNNER_CONNECTS],
  AnkletRestarts: [KILLED]
}

const within = (from: number, to: number) => (time: number) => time >= from * HOUR && time <= to * HOUR

type Prometheus = Awaited<ReturnType<typeof startWith>>

const secondsOf = (duration = "0m") => Number(duration.slice(0, -1)) * (UNITS[duration.slice(-1)] ?? Number.NaN)

/** When each alert fired, in seconds after the day began. */
const firings = async (prometheus: Prometheus) => {
  const fired = new Map<string, Array<number>>()
  for (const { alert, expr, for: lasting } of rules()) {
    for (const { values } of await prometheus.minutes(expr, BASE, BASE + 24 * HOUR)) {
      let since = Number.NaN
      let last = Number.NaN
      for (const [time] of values) {
        if (time !== last + MINUTE) since = time
        last = time
        if (time - since >= secondsOf(lasting)) fired.set(alert, [...(fired.get(alert) ?? []), time - BASE])
      }
    }
  }
  return fired
}

describe("a simulated day, scraped every minute", () => {
  let good: Prometheus
  let bad: Prometheus
  const live = async (file: string, name: string, ...more: ReadonlyArray<string>) => {
    const out = join(file, "..", name)
    const { code, text } = await run(file, ["day", "--out", out, "--base", `${BASE}`, ...more])
    assert.strictEqual(code, 0, text)
    const prometheus = await startWith(out)
    rmSync(out)
    return prometheus
  }
  beforeAll(async () => {
    const file = await bundle()
    ;[good, bad] = await Promise.all([live(file, "good.txt"), live(file, "bad.txt", "--bad")])
  }, 600_000)
  afterAll(async () => {
    await good?.close()
    await bad?.close()
  })

  it("that is good sets no alert off", async () => {
    assert.deepStrictEqual([...(await firings(good)).keys()], [])
  })

  it("that is bad sets off what belongs to each trouble, while it lasts or soon after, and nothing else", async () => {
    const fired = await firings(bad)
    assert.sameMembers([...fired.keys()], Object.keys(EXPECTED))
    for (const [alert, whiles] of Object.entries(EXPECTED)) {
      const times = fired.get(alert) ?? []
      for (const [from, to] of whiles) assert.isTrue(times.some(within(from, to)), `${alert} from ${from} to ${to}`)
      const others = times.filter((time) => !whiles.some(([from, to]) => within(from, to)(time)))
      assert.deepStrictEqual(others, [], `${alert} at other times, in seconds`)
    }
  })

  it("draws something in every panel but those of what the simulated world has not: rate limits and a volume", async () => {
    for (const { title, expr } of panels("5m")) {
      if (/anklet_(github|template_volume)_/.test(expr)) continue
      assert.isNotEmpty(await bad.minutes(expr, BASE, BASE + 24 * HOUR), `${title}: ${expr}`)
    }
  })

  it("adds up to what happened", async () => {
    const [total] = await good.query(`anklet_jobs_ended_total{outcome="finished"} @ ${BASE + 24 * HOUR - MINUTE}`)
    assert.strictEqual(total?.value?.[1], "70")
  })
})
