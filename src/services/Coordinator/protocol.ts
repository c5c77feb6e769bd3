/**
 * What a coordinator knows of a scope, what hosts ask of it, and what it answers.
 *
 * The rules that lead from one to the other are in `rules.ts`. Times are milliseconds since the epoch. A job is queued
 * (any host may claim it), owned (one service of one host has it), or done (a tombstone, so that a stale answer of the
 * CI does not run it twice).
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { JobKey, JobRequest } from "../../domain/Job.ts"
import { REQUEST } from "../../text/Limits.ts"
import type { JobClass } from "./order.ts"

/** A host's identity, from its state directory. Without spaces and slashes. */
export type HostId = string

/** A service of a host, which holds one claim at most. */
export interface Seat {
  readonly host: HostId
  readonly service: string
}

/** The right of one service to run a job. A later claim of the same job has a higher epoch. */
export interface Claim {
  readonly job: JobRequest
  readonly service: string
  readonly epoch: number
  /** Number of claims of the job, including this one; hand-backs that were not charged do not count. */
  readonly attempt: number
}

/** What identifies a claim to the store. */
export type ClaimName = Omit<Claim, "job"> & { readonly job: Pick<JobRequest, "key"> }

/** Why a claimed job goes back, and what follows for its next claim. */
export interface HandBack {
  readonly reason: string
  /** Time for which this host does not claim the job again, in milliseconds. */
  readonly after: number
  /** Whether it counts as an attempt. If not, the host may take the job sooner when no other host can. */
  readonly charged: boolean
  /** The attempt showed that the job fails on every host: it is queued behind all fresh jobs. */
  readonly inVain?: boolean
}

/** A host that handed a job back does not take it before `until`; if `soft`, it may when no other host can. */
export interface Exclusion {
  readonly host: HostId
  readonly until: number
  readonly soft: boolean
  readonly reason: string
}

/** A job that waits for a host. */
export interface Queued {
  readonly job: JobRequest
  /** Its place in its class: that of its request, or a late one (`order.ts`). */
  readonly rank: string
  readonly attempt: number
  /** Number of the last look at the CI that named it, or of the look during or before which it was announced. */
  readonly seen: number
  readonly excluded: ReadonlyArray<Exclusion>
}

/** A job that a service has claimed. */
export interface Owned extends Seat {
  readonly job: JobRequest
  /** The rank that it had in the queue. */
  readonly rank: string
  readonly epoch: number
  readonly attempt: number
  readonly excluded: ReadonlyArray<Exclusion>
  /** End of the lease: unless its owner extends it, the job then has no owner. */
  readonly until: number
}

/** A host that takes part in the scope. */
export interface Host {
  /** Identifies one run of its daemon, from start to exit. */
  readonly life: string
  /** How it describes itself, to people and to a daemon that finds its identity in use. */
  readonly info: string
  /** What it last said that it does; for people. */
  readonly status: string
  /** It counts as dead from then on. */
  readonly until: number
}

/** A service that waits for a job. */
export interface Idle extends Seat {
  readonly since: number
  /** Classes that it can start without a pull. */
  readonly hot: ReadonlyArray<JobClass>
}

/** All that the coordinator knows of a scope. */
export interface State {
  /** Identifies the store's memory: a store that lost it gets another one. */
  readonly generation: string
  /** After such a loss no host claims before this, so that owners can restore their claims. */
  readonly claimsFrozenUntil: number
  /** What all hosts of the scope must agree on, and the host that set it. */
  readonly terms: { readonly value: string; readonly host: HostId }
  readonly hosts: HashMap.HashMap<HostId, Host>
  readonly queued: HashMap.HashMap<JobKey, Queued>
  readonly owned: HashMap.HashMap<JobKey, Owned>
  /** Tombstones: when each job ended. */
  readonly done: HashMap.HashMap<JobKey, number>
  readonly idle: HashMap.HashMap<string, Idle>
  readonly reserved: HashMap.HashMap<HostId, { readonly job: JobKey; readonly until: number }>
  /** The current look at the CI on behalf of all: its number, when it began, the host that makes it, and until when others leave looking to that host. */
  readonly turn: { readonly fence: number; readonly began: number; readonly host: HostId; readonly until: number }
  /** Number of the last look that was reported completely and missed no part of the CI. */
  readonly looked: number
  /** Number of the last look that was reported completely. If it is not that of the current look, that look may be under way. */
  readonly ended: number
  /** When that look began. */
  readonly seenAt: number
  /** Number of jobs claimed since the last late one. */
  readonly passed: number
  /** Grows whenever a job becomes claimable. */
  readonly ready: number
  readonly epoch: number
}

/** A scope of which nothing is known. */
export const initial: State = {
  generation: "",
  claimsFrozenUntil: 0,
  terms: { value: "", host: "" },
  hosts: HashMap.empty(),
  queued: HashMap.empty(),
  owned: HashMap.empty(),
  done: HashMap.empty(),
  idle: HashMap.empty(),
  reserved: HashMap.empty(),
  turn: { fence: 0, began: 0, host: "", until: 0 },
  looked: 0,
  ended: 0,
  seenAt: 0,
  passed: 0,
  ready: 0,
  epoch: 0
}

/** A job that the CI calls queued; without its request if the coordinator should know that already. */
export interface Sighting {
  readonly key: JobKey
  readonly request: Option.Option<JobRequest>
}

/** A host joins a scope, or makes itself known again. */
export interface Hello {
  readonly _tag: "Hello"
  readonly info: string
  readonly terms: string
  /** Time for which the host counts as alive without another word, in milliseconds. */
  readonly lease: number
  /** The generation to begin if the store has none. */
  readonly generation: string
  /** This daemon knew an earlier generation or holds claims, so other hosts may have claims to restore as well. */
  readonly knewGeneration: boolean
  /** A life of this host that is proven dead, and that this one replaces; empty if none is. */
  readonly replaces: string
}

/** What a host that said hello may ask. */
export type Request =
  | { readonly _tag: "Leave"; readonly services: ReadonlyArray<string> }
  | {
      readonly _tag: "Beat"
      readonly lease: number
      /** What the host does, for people; empty to leave it unchanged. */
      readonly status: string
      readonly claims: ReadonlyArray<{ readonly job: JobKey; readonly service: string; readonly epoch: number }>
      /** Services whose claims are listed completely: one without a claim here holds none. */
      readonly services: ReadonlyArray<string>
    }
  | { readonly _tag: "Restore"; readonly lease: number; readonly claims: ReadonlyArray<Claim> }
  | {
      /** Asks for the turn to look at the CI. */
      readonly _tag: "Poll"
      /** Minimum interval between two looks, in milliseconds. */
      readonly every: number
      /** The CI has hinted at something new: the interval is that of `RULES.sooner`, and the turn may pass from a host that is not looking now. */
      readonly sooner?: boolean
    }
  | {
      readonly _tag: "Ingest"
      readonly fence: number
      readonly jobs: ReadonlyArray<Sighting>
      /** Whether this ends the look: jobs that it did not name may be forgotten, unless it was `partial`. */
      readonly last: boolean
      /** A part of the CI could not be looked at: no job counts as gone. */
      readonly partial?: boolean
    }
  /** Jobs that the CI has told of as queued while nobody looked. In any order, and any number of times. */
  | { readonly _tag: "Announce"; readonly jobs: ReadonlyArray<JobRequest> }
  | { readonly _tag: "Waiting" }
  | { readonly _tag: "Idle"; readonly service: string; readonly hot: ReadonlyArray<JobClass>; readonly ready: number }
  | {
      readonly _tag: "Claim"
      readonly service: string
      readonly classes: ReadonlyArray<JobClass>
      readonly lease: number
    }
  | { readonly _tag: "Release"; readonly claim: ClaimName; readonly handBack: HandBack }
  | { readonly _tag: "Finish"; readonly claim: Claim }
  | { readonly _tag: "Swap"; readonly claim: Claim; readonly taken: JobRequest; readonly lease: number }
  | { readonly _tag: "Reserve"; readonly job: JobKey; readonly lasting: number }
  /** What is known of a scope, for people; one page of its hosts, beginning with the given one. */
  | { readonly _tag: "Survey"; readonly from: number }
  /** The queue, for people; one page of its jobs, beginning with the given one. */
  | { readonly _tag: "List"; readonly from: number }
  /** What is known of a job, for people. */
  | { readonly _tag: "Inspect"; readonly job: JobKey }

/** A request with its sender: the host, this life of it, and the generation of the store that it knows. */
export type Command = (Hello | (Request & { readonly generation: string })) & {
  readonly host: HostId
  readonly life: string
}

/** The answer to a claim listed in a beat or restored: `kept` (valid, lease extended), `lost` (done, or owned by another service), `unknown` (the store does not know it). */
export type Verdict = "kept" | "lost" | "unknown"

/** The coordinator's answer. */
export type Reply =
  | { readonly _tag: "Done" }
  /** Refused for now: the turn, the reservation or the idle state; the last because there are new jobs. */
  | { readonly _tag: "No" }
  /** The host must say hello (again). */
  | { readonly _tag: "Stranger" }
  /** Another life of this host is alive; `info` is how it describes itself. */
  | { readonly _tag: "Taken"; readonly life: string; readonly info: string }
  /** The hosts of this scope have agreed on other terms; `info` describes the host that set them. */
  | { readonly _tag: "Mixed"; readonly terms: string; readonly info: string }
  | { readonly _tag: "Welcome"; readonly generation: string }
  /** Verdicts, in the order of the claims listed; and claims of this host that the beat did not list, because the reply that granted them was lost. */
  | { readonly _tag: "Heard"; readonly verdicts: ReadonlyArray<Verdict>; readonly unlisted: ReadonlyArray<Claim> }
  | { readonly _tag: "Verdicts"; readonly verdicts: ReadonlyArray<Verdict> }
  | { readonly _tag: "Turn"; readonly fence: number }
  /** Jobs whose requests the coordinator needs. */
  | { readonly _tag: "Unknown"; readonly keys: ReadonlyArray<JobKey> }
  /** A job of each class. `unread`: number of further ones that this version cannot read. */
  | {
      readonly _tag: "Heads"
      readonly ready: number
      readonly jobs: ReadonlyArray<JobRequest>
      readonly unread?: number
    }
  /** `unread`: the job was claimed, but this version cannot read its request. */
  | { readonly _tag: "Claimed"; readonly claim: Option.Option<Claim>; readonly unread?: ClaimName }
  | ({ readonly _tag: "Survey" } & Survey)
  /** A page of the queue, without the jobs that this version cannot read; `more` where another page follows. */
  | { readonly _tag: "Listed"; readonly more: boolean; readonly jobs: ReadonlyArray<Listed> }
  | ({ readonly _tag: "Record" } & JobRecord)

/** The turn that a reply grants. */
export const turnOf = (reply: Reply): Option.Option<{ readonly fence: number }> =>
  reply._tag === "Turn" ? Option.some({ fence: reply.fence }) : Option.none()

/** What is known of a scope, for people. */
export interface Survey {
  readonly hosts: ReadonlyArray<{
    readonly id: HostId
    /** It counts as dead from then on. */
    readonly until: number
    readonly info: string
    readonly status: string
  }>
  /** The queue by class. */
  readonly classes: ReadonlyArray<{
    readonly name: JobClass
    readonly jobs: number
    /** Number of those that are behind all fresh jobs. */
    readonly late: number
  }>
  /** Number of claimed jobs. */
  readonly owned: number
  /** The host that looks at the CI on behalf of all, and when its last look began. */
  readonly looker: HostId
  readonly lookedAt: number
  /** When the last look that was reported completely began: the queue is as it was then. 0 if there was none. */
  readonly seenAt: number
  /** No host claims before this, because the store lost its memory. */
  readonly claimsFrozenUntil: number
}

/** What is known of one job, for people. */
export interface JobRecord {
  readonly state: "unknown" | "queued" | "owned" | "done"
  readonly attempt: number
  /** Number of jobs of its class before it. */
  readonly ahead: number
  readonly owner: string
  readonly service: string
  /** When it is due although it is behind all fresh jobs, whatever its priority; 0 if it is not. */
  readonly late: number
  /** The host that holds a reservation for it. */
  readonly reserver: HostId
  /** Hosts that handed it back and do not take it for now. */
  readonly excluded: ReadonlyArray<Exclusion>
}

/** A job of the queue, and what is known of it, for people. */
export interface Listed {
  readonly job: JobRequest
  readonly record: JobRecord
}

/** The limits of the rules, which the scripts share. All times in milliseconds. */
export const RULES = {
  /** Lifetime of a tombstone: twice the time after which GitHub gives a queued job up. */
  tombstone: 48 * 3_600_000,
  /** A job that the CI still calls queued this long after it was done is queued again: a wrong "done" must not lose it. */
  resurrect: 120_000,
  /** Longest valid exclusion. A later `until` can only come from a clock that was set back, and is ignored. */
  exclude: 24 * 3_600_000,
  /** Longest valid lease or reservation in a shared store. A later end was not written by a host, or before the clock was set back, and counts as over. */
  lease: 24 * 3_600_000,
  /** Maximum number of exclusions that a job remembers. */
  excluded: 8,
  /** GitHub fails a job that is queued for longer (docs.github.com, usage limits of self-hosted runners): one that is still called queued hardly ever gets a runner, and goes behind all fresh jobs. */
  stale: 24 * 3_600_000,
  /** A job with this many failed attempts goes behind all fresh jobs, whatever the cause. */
  failures: 3,
  /** Delay after which a late job is due. */
  due: 3_600_000,
  /** After this many claims since the last late job, the next claim is for a job that is due: late jobs neither wait forever nor crowd out the rest. */
  share: 10,
  /** Maximum number of jobs that become late in one look. */
  demoted: 100,
  /** Age from which a job may go to a host that handed it back without a fault of the job. */
  patience: 600_000,
  /** Lifetime of the reservation of a big job for a host that makes room for it. */
  reserve: 600_000,
  /** Time for which no host claims after the store lost its memory. */
  frozen: 20_000,
  /** Maximum number of jobs of a class that are tried to find one that a host may take. */
  depth: 16,
  /** Maximum number of classes in one reply. */
  classes: 64,
  /** Maximum number of classes for which a service is woken at the end of a look. */
  wakes: 16,
  /** Maximum number of idle services considered for one job. */
  idlers: 8,
  /** Maximum number of expired claims cleared in one look. */
  lapsed: 20,
  /** Maximum number of jobs, and of tombstones, forgotten in one look. */
  forgotten: 100,
  /** A host that was silent for longer is forgotten. */
  absent: 24 * 3_600_000,
  /** Maximum number of hosts forgotten when another one says hello. */
  absentees: 10,
  /** Number of hosts in one page of a survey, and of jobs in one page of the queue. */
  page: 100,
  /** Maximum number of characters kept of a reason. */
  reason: 200,
  /** Minimum interval between two looks when the CI hints at something new, unless the interval asked for is shorter: a flood of hints is no flood of looks. */
  sooner: 1000,
  /** Hosts leave looking to the one whose turn it is for two intervals and this. */
  grace: 5000,
  /** Longest valid turn, or two intervals and `grace` if that is longer. A later end was not written by a host, and is ignored. */
  turn: 600_000,
  /** Maximum number of characters of a job's request. */
  request: REQUEST
} as const
