/** A day of one Mac, and its metrics every minute. */
import { Chance } from "./kernel.ts"
import { calm } from "./machine.ts"
import { type Fault, HOUR, type Plan } from "./plan.ts"
import { type Report, simulate } from "./world.ts"

const SECOND = 1000
const MINUTE = 60 * SECOND

/** What goes wrong on the bad one of two days, hour by hour. */
const TROUBLES: ReadonlyArray<Fault> = [
  { _tag: "Partition", at: 5 * HOUR, host: 0, from: "store", lasting: 20 * MINUTE },
  { _tag: "GitHubDown", at: 8 * HOUR, lasting: 40 * MINUTE },
  { _tag: "Anka", at: 11 * HOUR, host: 0, mood: { ...calm, fails: 1 }, lasting: 20 * MINUTE },
  { _tag: "Stop", at: 14 * HOUR, host: 0, lasting: 15 * MINUTE },
  { _tag: "Runners", at: 17 * HOUR, mode: "never-connects", lasting: 2 * HOUR },
  ...[0, 1, 2, 3].map((n): Fault => ({ _tag: "Kill", at: 22 * HOUR + n * 10 * MINUTE, host: 0, lasting: 10 * SECOND }))
]

const planOf = (faults: ReadonlyArray<Fault>): Plan => {
  const chance = new Chance(7)
  return {
    seed: 7,
    hosts: 1,
    services: 2,
    scopes: 1,
    lasting: 24 * HOUR,
    sleepInterval: 30 * SECOND,
    beat: 10 * SECOND,
    lease: MINUTE,
    isShared: true,
    registrationTimeout: 300,
    pullTakes: 4 * MINUTE,
    skew: 0,
    weather: { lost: 0, late: 0, lateBy: 0, doubled: 0 },
    jobs: Array.from({ length: 70 }, (_, n) => ({
      at: (n + 0.5) * 20 * MINUTE,
      scope: 0,
      template: n === 10 ? "away" : "here",
      lasting: chance.between(MINUTE, 8 * MINUTE),
      unique: true,
      cancelAt: undefined
    })),
    faults
  }
}

/** Runs the day. Each sample is a line of Prometheus' text, with its time in seconds after `base`. */
export const live = (isBad: boolean, base: number, write: (line: string) => void): Report =>
  simulate(planOf(isBad ? TROUBLES : []), {
    scrapes: {
      every: MINUTE,
      told: (at, host, text) => {
        const labels = `instance="${host}",job="anklet"`
        const time = base + at / 1000
        write(`up{${labels}} ${text === undefined ? 0 : 1} ${time}`)
        for (const line of (text ?? "").split("\n")) {
          const [, name, braces = "", value] = line.match(/^([a-z]\w*)(?:\{(.*)\})? (\S+)$/) ?? []
          if (name !== undefined) write(`${name}{${braces}${braces === "" ? "" : ","}${labels}} ${value} ${time}`)
        }
      }
    }
  })
