/** Every effect of a job, and what happens if the host dies there. */
import { calm } from "./machine.ts"
import { HOUR, type Plan } from "./plan.ts"
import { type Death, type Report, simulate } from "./world.ts"

export const DEATHS: ReadonlyArray<Death> = [
  "restarted",
  "restarted late",
  "power loss",
  "never returns",
  "frozen",
  "stopped",
  "drained"
]

const SECOND = 1000

const plain: Plan = {
  seed: 1,
  hosts: 2,
  services: 1,
  scopes: 1,
  lasting: 0.02 * HOUR,
  sleepInterval: 15 * SECOND,
  beat: 10 * SECOND,
  lease: 60 * SECOND,
  isShared: true,
  registrationTimeout: 60,
  pullTakes: 20 * SECOND,
  skew: 0,
  weather: { lost: 0, late: 0, lateBy: 0, doubled: 0 },
  jobs: [],
  faults: []
}

const job = { at: 62 * SECOND, scope: 0, template: "away", lasting: 40 * SECOND, unique: true, cancelAt: undefined }

const long = { ...job, template: "here", lasting: HOUR }

/** When the first runner of a plan is registered: a cancel right after it finds the job neither queued nor begun. */
const registeredAt = (plan: Plan): number => {
  let first = Number.NaN
  simulate(plan, {
    point: (_, what, at) => {
      if (what === "RunnerKnown is written" && Number.isNaN(first)) first = at
      return undefined
    }
  })
  return first
}

/** Courses of a job: what happens to it, and on which hosts. */
export const WAYS: Readonly<Record<string, Plan>> = {
  "a job of two hosts": { ...plain, jobs: [job] },
  "a job of one host alone": { ...plain, hosts: 1, isShared: false, jobs: [job] },
  "a job that is cancelled while it runs": { ...plain, jobs: [{ ...job, lasting: HOUR, cancelAt: 170 * SECOND }] },
  "a job that is cancelled while it is prepared": {
    ...plain,
    jobs: [{ ...long, cancelAt: registeredAt({ ...plain, jobs: [long] }) + 100 }]
  },
  "jobs with equal labels": {
    ...plain,
    jobs: [0, 1].map((n) => ({ ...job, template: "here", at: job.at + n * 100, unique: false }))
  },
  "a job whose host dies, and then comes back": {
    ...plain,
    jobs: [{ ...job, template: "here" }],
    faults: [0, 1].map((host) => ({ _tag: "Kill" as const, at: 100 * SECOND, host, lasting: 5 * SECOND })),
    lasting: 0.05 * HOUR
  },
  "a job whose runners do not connect at first": {
    ...plain,
    jobs: [{ ...job, template: "here" }],
    registrationTimeout: 300,
    faults: [{ _tag: "Runners", at: 0, mode: "never-connects", lasting: 400 * SECOND }],
    lasting: 0.12 * HOUR
  },
  "a job whose first clones fail": {
    ...plain,
    jobs: [{ ...job, template: "here" }],
    faults: [0, 1].map((host) => ({
      _tag: "Anka" as const,
      at: 0,
      host,
      mood: { ...calm, fails: 0.3 },
      lasting: 140 * SECOND
    })),
    lasting: 0.05 * HOUR
  },
  "a job between scripts of its two hosts": { ...plain, haveScripts: true, jobs: [{ ...job, template: "here" }] },
  "a job between scripts of one host alone": {
    ...plain,
    haveScripts: true,
    hosts: 1,
    isShared: false,
    jobs: [{ ...job, template: "here" }]
  },
  "jobs whose VMs one host alone keeps until others need their places": {
    ...plain,
    hold: true,
    hosts: 1,
    isShared: false,
    services: 2,
    jobs: [0, 1, 2].map((n) => ({ ...job, template: "here", at: job.at + n * 100 }))
  },
  "a script of two hosts": { ...plain, areScripts: true, jobs: [{ ...job, template: "here" }] },
  "a script of one host alone": {
    ...plain,
    areScripts: true,
    hosts: 1,
    isShared: false,
    jobs: [{ ...job, template: "here" }]
  },
  "a script that is cancelled while it runs": {
    ...plain,
    areScripts: true,
    jobs: [{ ...job, template: "here", lasting: HOUR, cancelAt: 150 * SECOND }]
  }
}

/** Queries and greetings, which change nothing: it is enough to die at a few of them. */
const IDLE = /^(Beat|Idle|Waiting|Poll|message|GET|anka (list|show|license|version))/
const OFTEN = 4
const RARELY = 1

/** A point of a course: the n-th effect of this name on this host. */
export interface Point {
  readonly host: string
  readonly what: string
  readonly nth: number
}

/**
 * The points at which a host should die in a course, from a run in which none does; points before a given moment are
 * left out.
 */
export const pointsOf = (plan: Plan, since = 0): ReadonlyArray<Point> => {
  const counts = new Map<string, number>()
  const points: Array<Point> = []
  simulate(plan, {
    point: (host, what, at) => {
      const key = `${host} ${what}`
      const nth = (counts.get(key) ?? 0) + 1
      counts.set(key, nth)
      if (at >= since && nth <= (IDLE.test(what) ? RARELY : OFTEN)) points.push({ host, what, nth })
      return undefined
    }
  })
  return points
}

/**
 * Each course, with its points. Hosts start alike in all of them, so only the first courses cover dying during the
 * start.
 */
export const ways = (): ReadonlyArray<{
  readonly way: string
  readonly plan: Plan
  readonly points: ReadonlyArray<Point>
}> =>
  Object.entries(WAYS).map(([way, plan], n) => ({
    way,
    plan,
    points: pointsOf(plan, n < 2 ? 0 : Math.min(...plan.jobs.map(({ at }) => at)))
  }))

/** Lets a host die at a point. */
export const dieAt = (plan: Plan, point: Point, death: Death, traced = false): Report =>
  dieInTurn(plan, [{ point, death }], traced)

/** Hosts die one after the other, each at a point counted from the previous death. */
export const dieInTurn = (
  plan: Plan,
  ends: ReadonlyArray<{ readonly point: Point; readonly death: Death }>,
  traced = false,
  seen: (host: string, what: string) => void = () => {}
): Report => {
  let turn = 0
  let count = 0
  return simulate(plan, {
    traced,
    point: (who, effect) => {
      const next = ends[turn]
      if (next === undefined) {
        seen(who, effect)
        return undefined
      }
      const { host, what, nth } = next.point
      if (who !== host || effect !== what || ++count < nth) return undefined
      turn++
      count = 0
      return next.death
    }
  })
}

/** The steps in which two hosts could each get a runner for the same job. */
const REGISTERING =
  /^(Claim|GET job|RunnerNamed|POST runner|RunnerKnown|RunnerStarted|anka run VM bash \.\/(register|start)-runner)/

/** Two deaths: of the host that has the job, for longer than its lease, and then of the one that took the job over. */
export function* pairs() {
  const plan: Plan = { ...plain, jobs: [{ ...job, template: "here" }] }
  for (const first of pointsOf(plan).filter(({ what }) => REGISTERING.test(what))) {
    const one = { point: first, death: "restarted late" as const }
    const then = new Set<string>()
    dieInTurn(plan, [one], false, (host, what) => {
      if (host !== first.host && REGISTERING.test(what)) then.add(`${host} ${what}`)
    })
    for (const key of then) {
      const [host = "", ...what] = key.split(" ")
      const point = { host, what: what.join(" "), nth: 1 }
      yield { plan, ends: [one, { point, death: "restarted" as const }] }
    }
  }
}
