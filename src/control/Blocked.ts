/** What keeps this host from new jobs: all of them, or one. Whatever tells of it, to people or programs, has it from here. Pure. */

import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { clock, gib, span } from "../domain/Format.ts"
import type { RateLimit } from "../domain/RateLimit.ts"
import type { Note, ServiceActivity } from "../services/Activity.ts"
import type { Lack } from "../services/Capacity.ts"
import type { Exclusion } from "../services/Coordinator.ts"
import type { Pause } from "../services/Drain.ts"
import { anklet } from "../text/Advice.ts"

/** The kinds of reasons why this host takes no job, or not this one; `none` where nothing is in the way. */
export const BlockedReason = Schema.Literal(
  "none",
  "draining",
  "paused",
  "store_away",
  "unknown",
  "failing",
  "rate_limited",
  "too_big",
  "handed_back",
  "reserved",
  "no_room",
  "no_memory",
  "pulling",
  "busy"
)
export type BlockedReason = typeof BlockedReason.Type

/** One reason: its kind, what holds, and what a person can do about it. */
export interface Block {
  readonly reason: Exclude<BlockedReason, "none">
  readonly what: string
  /** Which jobs and VMs it is about, for those who may know the names of jobs; empty where it is about none. */
  readonly which: string
  readonly remedy: string
}

/** This host, as far as it matters to jobs. Times are in milliseconds since the epoch. */
export interface HostSeen {
  readonly now: number
  readonly mode: "open" | "paused" | "draining"
  readonly pauses: ReadonlyArray<Pause>
  readonly services: ReadonlyArray<ServiceActivity>
  /** Null when `anka list` did not answer; `problem` says why. */
  readonly vms: ReadonlyArray<{ readonly name: string; readonly owner: string; readonly job: string }> | null
  readonly problem: string
  readonly vmLimit: number
  readonly pulls: ReadonlyArray<{ readonly template: string; readonly part: number | null }>
  readonly limits: ReadonlyArray<RateLimit>
  readonly stores: ReadonlyArray<{
    readonly name: string
    readonly isAway: boolean
    readonly services: ReadonlyArray<string>
  }>
}

/** A waiting job, as far as it matters to this host. */
export interface JobSeen {
  /** Why this host handed the job back, and until when it does not take it again. */
  readonly handedBack: Option.Option<{ readonly why: string; readonly until: number }>
  /** Name of the other host that keeps room for it; empty where none does. */
  readonly reserver: string
  /** Whether its template is on this host, or could be pulled now. */
  readonly isAvailable: boolean
  /** The memory that its VM would lack on this host, beside the VMs that run. */
  readonly lack: Option.Option<Lack>
}

/** What is known of a job's hand-backs. */
export interface HandedBack {
  /** Id of this host among those of its store. */
  readonly self: string
  readonly hosts: ReadonlyArray<{ readonly id: string; readonly until: number }>
  readonly excluded: ReadonlyArray<Exclusion>
  readonly note: Note | undefined
  readonly now: number
}

/** Why this host handed a job back, as long as that keeps it from the job: not where it was nobody's fault, and there is no other host. */
export const handedBack = ({ self, hosts, excluded, note, now }: HandedBack): JobSeen["handedBack"] => {
  const isAlone = !hosts.some(({ id, until }) => id !== self && until > now)
  const ours = excluded.find(({ host, soft, until }) => host === self && until > now && !(soft && isAlone))
  // a store keeps less of a reason than this host
  return Option.map(Option.fromNullable(ours), ({ reason, until }) => ({
    why: note !== undefined && note.until > now ? note.why : reason,
    until
  }))
}

const NOTHING_TO_DO = "nothing: this passes by itself"

const block = (reason: Block["reason"], what: string, remedy = NOTHING_TO_DO, which = ""): Block => ({
  reason,
  what,
  which,
  remedy
})

/** Whether VMs have all slots of this host; false if `anka list` does not answer. */
const isFull = ({ vms, vmLimit }: HostSeen): boolean => vms !== null && vms.length >= vmLimit

const ofMode = ({ mode, pauses }: HostSeen): ReadonlyArray<Block> => [
  ...(mode === "draining"
    ? [block("draining", "the daemon is draining and accepts no new jobs", "start anklet when it has ended")]
    : []),
  ...pauses.map(({ by, ends }) => block("paused", `this host is paused by ${by}: it accepts no new jobs`, ends))
]

/** Why a service gets no job: it fails, or cannot poll beside the job that it has. */
const troubleOf = ({ doing, trouble }: ServiceActivity): string | undefined =>
  doing._tag === "Failing" ? doing.why : trouble

const ofService = (service: ServiceActivity, now: number): ReadonlyArray<Block> => {
  const why = troubleOf(service)
  if (why === undefined) return []
  const { doing } = service
  return [
    block(
      "failing",
      `service ${service.name} fails: ${why}`,
      doing._tag === "Failing"
        ? `it is tried again in ${span(Math.max(1000, doing.until - now))}; "${anklet("doctor")}" may know more`
        : `"${anklet("doctor")}" may know more; the job that it has goes on`
    )
  ]
}

/** Services that fail or have jobs, where no other is free. */
const ofServices = ({ services, now }: HostSeen): ReadonlyArray<Block> => {
  const present = services.filter(({ doing }) => doing._tag !== "Drained")
  const isFree = (service: ServiceActivity) => service.doing._tag !== "Working" && troubleOf(service) === undefined
  if (present.some(isFree)) return []
  const working = present.flatMap(({ name, doing }) =>
    doing._tag === "Working" ? [`"${doing.job.name}" in ${name}`] : []
  )
  return [
    ...present.flatMap((service) => ofService(service, now)),
    ...(working.length === 0
      ? []
      : [
          block(
            "busy",
            working.length === 1 ? "the service has a job" : `all ${working.length} services have jobs`,
            "more services or more Macs run more jobs at a time",
            working.join(", ")
          )
        ])
  ]
}

const ofStores = ({ stores, services }: HostSeen): ReadonlyArray<Block> => {
  const away = stores.filter(({ isAway }) => isAway)
  const isCutOff = services.every(({ name }) => away.some((store) => store.services.includes(name)))
  return isCutOff
    ? away.map(({ name }) => block("store_away", `${name} does not answer: no new jobs are accepted`, anklet("doctor")))
    : []
}

const ofLimits = ({ limits, now }: HostSeen): ReadonlyArray<Block> =>
  limits.length > 0 && limits.every(({ waitsUntil }) => waitsUntil > now)
    ? limits.map(({ credential, waitsUntil }) =>
        block(
          "rate_limited",
          `the rate limit is reached with ${credential}: no polling until ${clock(waitsUntil)}`,
          "raise sleep_interval, or use a credential that nobody else uses"
        )
      )
    : []

const ofRoom = (host: HostSeen): ReadonlyArray<Block> => {
  const vms = host.vms ?? []
  return isFull(host)
    ? [
        block(
          "no_room",
          `no free VM slot: ${vms.length} of ${host.vmLimit} are in use`,
          'the job starts when one ends; "anka delete" removes a VM that nobody needs',
          vms.map(({ name, owner, job }) => `${job === "" ? name : `"${job}"`} of ${owner}`).join(", ")
        )
      ]
    : []
}

const ofAnka = ({ vms, problem }: HostSeen): ReadonlyArray<Block> =>
  vms === null ? [block("unknown", `the VMs of this host are not known: ${problem}`, "anka list")] : []

/** What must be fixed before this host takes any job: it is not merely full. */
export const troubles = (host: HostSeen): ReadonlyArray<Block> => [
  ...ofMode(host),
  ...ofStores(host),
  ...ofAnka(host),
  ...ofServices(host).filter(({ reason }) => reason === "failing"),
  ...ofLimits(host)
]

/** What keeps this host from every job, whatever its template; the most telling reason first. */
export const ofHost = (host: HostSeen): ReadonlyArray<Block> => [
  ...troubles(host),
  ...ofRoom(host),
  ...ofServices(host).filter(({ reason }) => reason === "busy")
]

const ofMemory = ({ lack }: JobSeen): ReadonlyArray<Block> =>
  Option.toArray(lack).map(({ wanted, taken, total }) =>
    wanted > total
      ? block(
          "too_big",
          `too big for this host: its VM needs ${gib(wanted)} of memory, of ${gib(total)}`,
          "a Mac with more memory, or a template with less"
        )
      : block(
          "no_memory",
          `not enough memory: its VM needs ${gib(wanted)}, and running VMs use ${gib(taken)} of ${gib(total)}`,
          "the job starts when one of them has ended"
        )
  )

const ofHandBack = ({ handedBack }: JobSeen, now: number): ReadonlyArray<Block> =>
  Option.toArray(handedBack)
    .filter(({ until }) => until > now)
    .map(({ why, until }) =>
      block(
        "handed_back",
        `handed back by this host: ${why}; tried here again in ${span(Math.max(1000, until - now))}`,
        "fix the cause; another host may take the job at once"
      )
    )

const ofPulls = ({ pulls }: HostSeen, { isAvailable }: JobSeen): ReadonlyArray<Block> =>
  isAvailable
    ? []
    : pulls.map(({ template, part }) =>
        block(
          "pulling",
          `its template is not on this host, and another pull is under way: ${template}${part === null ? "" : ` (${Math.round(part * 100)} %)`}`,
          "its pull starts when that one has ended"
        )
      )

/** What keeps this host from a job that waits; the most telling reason first, and nothing where it will be claimed in a moment. */
export const ofJob = (host: HostSeen, job: JobSeen): ReadonlyArray<Block> => {
  const memory = ofMemory(job)
  return [
    ...troubles(host),
    ...memory.filter(({ reason }) => reason === "too_big"),
    ...ofHandBack(job, host.now),
    ...(job.reserver === "" ? [] : [block("reserved", `it is reserved for ${job.reserver}, which keeps room for it`)]),
    ...ofRoom(host),
    ...memory.filter(({ reason }) => reason === "no_memory"),
    ...ofPulls(host, job),
    ...ofServices(host).filter(({ reason }) => reason === "busy")
  ]
}
