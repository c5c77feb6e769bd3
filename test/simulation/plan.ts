/**
 * What a seed means: a fleet, its jobs, and everything that goes wrong. A plan is data, so that a failing one can be
 * made smaller.
 */
import { Chance } from "./kernel.ts"
import { calm, type Mood } from "./machine.ts"
import type { Weather } from "./network.ts"

const SECOND = 1000
const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE

/** GitHub tells a host that a job is queued, which it was when it was queued. */
export interface Delivery {
  /** Milliseconds after the job was queued. */
  readonly after: number
  readonly host: number
  /** Whether the host's intake announces the job, or only hints that there is something new. */
  readonly as: "announcement" | "hint"
}

/** A job, and when it is queued. Times are milliseconds after the beginning. */
export interface PlannedJob {
  readonly at: number
  readonly scope: number
  readonly template: string
  readonly lasting: number
  /** Its labels are unique to it; otherwise any runner of the template may get it. */
  readonly unique: boolean
  /** When its run is cancelled, if it is. */
  readonly cancelAt: number | undefined
  /** What its hosts hear of it besides polling. */
  readonly deliveries?: ReadonlyArray<Delivery>
}

/** A fault at a moment, usually for a while. */
export type Fault = { readonly at: number } & (
  | { readonly _tag: "Kill"; readonly host: number; readonly lasting: number }
  | { readonly _tag: "PowerLoss"; readonly host: number; readonly lasting: number }
  | { readonly _tag: "Freeze"; readonly host: number; readonly lasting: number }
  | { readonly _tag: "Partition"; readonly host: number; readonly from: "github" | "store"; readonly lasting: number }
  | { readonly _tag: "StoreRestart"; readonly lost: number | "all"; readonly lasting: number }
  | { readonly _tag: "GitHubDown"; readonly lasting: number }
  | { readonly _tag: "GitHubUnsaid"; readonly probability: number; readonly lasting: number }
  | { readonly _tag: "GitHubDenies"; readonly probability: number; readonly lasting: number }
  | { readonly _tag: "GitHubLimited"; readonly lasting: number }
  | { readonly _tag: "GitHubStale"; readonly lag: number; readonly lasting: number }
  | { readonly _tag: "Anka"; readonly host: number; readonly mood: Mood; readonly lasting: number }
  | { readonly _tag: "DiskFull"; readonly host: number; readonly lasting: number }
  | { readonly _tag: "ClockJump"; readonly host: number | "store"; readonly by: number }
  | { readonly _tag: "VmCrash"; readonly host: number }
  | { readonly _tag: "Stop"; readonly host: number; readonly lasting: number }
  | { readonly _tag: "Drain"; readonly host: number; readonly lasting: number }
  | { readonly _tag: "Forget"; readonly host: number; readonly lasting: number }
  | { readonly _tag: "Vanish"; readonly what: "job" | "run" | "repo" | "over" }
  | { readonly _tag: "Runners"; readonly mode: "never-connects" | "idles"; readonly lasting: number }
)

export type FaultKind = Fault["_tag"]

/** Everything in a simulated history that is not decided by chance within it. */
export interface Plan {
  readonly seed: number
  readonly hosts: number
  readonly services: number
  readonly scopes: number
  /** How long faults occur, in milliseconds. Quiet follows. */
  readonly lasting: number
  readonly sleepInterval: number
  readonly beat: number
  readonly lease: number
  /** Hosts share a store; otherwise each works alone, in a repository of its own. */
  readonly isShared: boolean
  /** Jobs are scripts of a CI without runners. */
  readonly areScripts?: boolean
  /** Hosts run a script of their own before each job, and one after it. */
  readonly haveScripts?: boolean
  /** Hosts keep the VM of each job for inspection: for some minutes, and every fourth even if another job needs its place. */
  readonly hold?: boolean
  /** Every service watches all scopes, in one queue. */
  readonly isTogether?: boolean
  readonly registrationTimeout: number
  /** Maximum duration of a pull. */
  readonly pullTakes: number
  readonly skew: number
  readonly weather: Weather
  readonly jobs: ReadonlyArray<PlannedJob>
  readonly faults: ReadonlyArray<Fault>
}

/** The size of the histories. */
export interface Size {
  readonly hosts: number
  readonly hours: number
  /** Jobs per host and hour. */
  readonly jobs: number
  /** Amount of faults, 1 for about two faults per host and hour. */
  readonly trouble: number
  /** Share of the jobs of which GitHub tells hosts; by default none. */
  readonly told?: number
  /** Whether hosts have scripts of their own around each job; by default they have none. */
  readonly scripts?: boolean
  /** Whether hosts keep the VM of each job for inspection; by default they keep none. */
  readonly hold?: boolean
  /** Whether every service watches two scopes; by default each watches one. */
  readonly together?: boolean
}

export const KINDS: ReadonlyArray<FaultKind> = [
  "Kill",
  "PowerLoss",
  "Freeze",
  "Partition",
  "StoreRestart",
  "GitHubDown",
  "GitHubUnsaid",
  "GitHubLimited",
  "GitHubStale",
  "Anka",
  "DiskFull",
  "ClockJump",
  "VmCrash",
  "Stop",
  "Drain",
  "Runners"
]

/** Kinds with random numbers of their own, so that adding them did not change the histories of existing seeds. */
const LATER: ReadonlyArray<FaultKind> = ["Vanish", "GitHubDenies"]

/** The same, for kinds that were added still later. */
const LATEST: ReadonlyArray<FaultKind> = ["Forget"]

/** Faults of the whole world, not of one host: far fewer of them are enough. */
const GLOBAL: ReadonlySet<FaultKind> = new Set([
  "StoreRestart",
  "GitHubDown",
  "GitHubUnsaid",
  "GitHubLimited",
  "GitHubStale",
  "GitHubDenies",
  "Runners"
])

const moodOf = (chance: Chance): Mood => {
  const kind = chance.one(["hangs", "fails", "lies", "mute"] as const)
  return { ...calm, [kind]: kind === "hangs" ? chance.between(0.02, 0.2) : chance.between(0.05, 0.5) }
}

const faultOf = (chance: Chance, kind: FaultKind, at: number, hosts: number): Fault => {
  const host = chance.whole(0, hosts - 1)
  // usually short, sometimes longer than any lease
  const lasting = chance.happens(0.3) ? chance.between(MINUTE, 20 * MINUTE) : chance.between(SECOND, 90 * SECOND)
  switch (kind) {
    case "Kill":
    case "Forget":
    case "PowerLoss":
    case "Freeze":
    case "DiskFull":
    case "Stop":
    case "Drain":
      return { _tag: kind, at, host, lasting }
    case "Partition":
      return { _tag: kind, at, host, from: chance.one(["github", "store"]), lasting }
    case "StoreRestart":
      return { _tag: kind, at, lost: chance.happens(0.3) ? "all" : chance.between(0, 5000), lasting: lasting / 4 }
    case "GitHubDown":
    case "GitHubLimited":
      return { _tag: kind, at, lasting }
    case "GitHubUnsaid":
      return { _tag: kind, at, probability: chance.between(0.05, 0.5), lasting }
    case "GitHubStale":
      return { _tag: kind, at, lag: chance.between(SECOND, 100 * SECOND), lasting }
    case "Anka":
      return { _tag: kind, at, host, mood: moodOf(chance), lasting }
    case "ClockJump":
      return {
        _tag: kind,
        at,
        host: chance.happens(0.1) ? "store" : host,
        by: chance.happens(0.5) ? chance.between(-HOUR, HOUR) : chance.between(-10 * SECOND, 10 * SECOND)
      }
    case "VmCrash":
      return { _tag: kind, at, host }
    case "Vanish":
      return { _tag: kind, at, what: chance.one(["job", "run", "run", "over", "over", "repo"]) }
    case "GitHubDenies":
      return { _tag: kind, at, probability: chance.between(0.02, 0.4), lasting }
    case "Runners":
      return { _tag: kind, at, mode: chance.one(["never-connects", "idles"]), lasting }
  }
}

/** Deliveries of a job: one to three, some of them at once, some late, and some when it should be over. */
const deliveriesOf = (chance: Chance, hosts: ReadonlyArray<number>): ReadonlyArray<Delivery> =>
  Array.from({ length: chance.whole(1, 3) }, () => {
    const [from, to] = chance.one([
      [0, SECOND],
      [0, SECOND],
      [SECOND, 2 * MINUTE],
      [5 * MINUTE, HOUR]
    ] as const)
    return {
      after: chance.between(from, to),
      host: chance.one(hosts),
      as: chance.happens(0.8) ? "announcement" : "hint"
    }
  })

/** The plan of a seed: every seed has its own kinds and amounts of faults. */
export const planOf = (seed: number, size: Size): Plan => {
  const chance = new Chance(seed)
  const { hosts } = size
  const lasting = size.hours * HOUR
  const isShared = chance.happens(0.9)
  const apart = isShared ? (chance.happens(0.3) ? 2 : 1) : hosts
  const isTogether = isShared && size.together === true
  const scopes = isTogether ? 2 : apart
  const kinds = KINDS.filter(() => chance.happens(0.5))
  const measure = chance.between(0.3, 1.7) * size.trouble
  const templates = chance.happens(0.3) ? ["here", "here", "away"] : ["here"]
  const isUnique = chance.happens(0.7)
  const jobs = Array.from({ length: Math.round(hosts * size.hours * size.jobs) }, (): PlannedJob => {
    const at = chance.between(0, lasting)
    return {
      at,
      scope: chance.whole(0, scopes - 1),
      template: chance.one(templates),
      lasting: chance.happens(0.1) ? chance.between(10 * MINUTE, 40 * MINUTE) : chance.between(5 * SECOND, 5 * MINUTE),
      unique: isUnique,
      cancelAt: chance.happens(0.08) ? at + chance.between(0, 10 * MINUTE) : undefined
    }
  })
  const faultsOf = (chance: Chance, kinds: ReadonlyArray<FaultKind>) =>
    kinds.flatMap((kind) => {
      const many = GLOBAL.has(kind) ? 3 : hosts * 0.35
      return Array.from({ length: Math.round(many * size.hours * measure * chance.between(0.5, 1.5)) }, () =>
        faultOf(chance, kind, chance.between(0, lasting), hosts)
      )
    })
  const faults = faultsOf(chance, kinds)
  const later = new Chance(seed + 2_000_003)
  const laterFaults = faultsOf(
    later,
    LATER.filter(() => later.happens(0.5))
  )
  const latest = new Chance(seed + 3_000_017)
  const latestFaults = faultsOf(
    latest,
    LATEST.filter(() => latest.happens(0.5))
  )
  const told = new Chance(seed + 4_000_037)
  const withDeliveries = (job: PlannedJob): PlannedJob => {
    const watchers = Array.from({ length: hosts }, (_, n) => n).filter((n) => isTogether || n % scopes === job.scope)
    return told.happens(size.told ?? 0) ? { ...job, deliveries: deliveriesOf(told, watchers) } : job
  }
  const isCalm = chance.happens(0.4)
  // more happens in less time in the longer ones
  const beat = chance.one(hosts > 20 ? [60, 120] : [10, 30]) * SECOND
  return {
    seed,
    hosts,
    services: chance.happens(0.7) ? 2 : 1,
    scopes,
    lasting,
    sleepInterval: hosts > 20 ? chance.between(5 * MINUTE, 15 * MINUTE) : chance.between(10 * SECOND, 2 * MINUTE),
    beat,
    lease: 6 * beat,
    isShared,
    haveScripts: size.scripts === true,
    hold: size.hold === true,
    isTogether,
    registrationTimeout: chance.one([60, 300]),
    pullTakes: chance.between(MINUTE, 10 * MINUTE),
    skew: chance.happens(0.5) ? 0 : chance.between(SECOND, 5 * MINUTE),
    weather: isCalm
      ? { lost: 0, late: 0, lateBy: 0, doubled: 0 }
      : {
          lost: chance.between(0, 0.02),
          late: chance.between(0, 0.02),
          lateBy: 20 * SECOND,
          doubled: chance.between(0, 0.01)
        },
    jobs: jobs.map(withDeliveries).sort((a, b) => a.at - b.at),
    faults: [...faults, ...laterFaults, ...latestFaults].sort((a, b) => a.at - b.at)
  }
}
