/** How jobs move between queue and owners, and which of them a host may take: what the rules share. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { JobKey, JobRequest } from "../../../domain/Job.ts"
import { classOf, createdAtOf, isLate, type JobClass, late, rankOf } from "../order.ts"
import {
  type Claim,
  type ClaimName,
  type HostId,
  type Owned,
  type Queued,
  type Reply,
  RULES,
  type Seat,
  type State
} from "../protocol.ts"

/** The late rank of a job, whatever rank it had. */
export const putLast = (rank: string, now: number): string => late(rank, now + RULES.due)

/** The order of bytes, which every store has. */
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The place of a job in its class, as text. */
export const placeOf = ({ rank, job }: Pick<Queued, "rank" | "job">): string => `${rank} ${job.key}`

/** A seat as text. */
export const idOf = ({ host, service }: Seat): string => `${host}/${service}`

/** Whether two seats are one. */
export const same = (a: Seat, b: Seat): boolean => a.host === b.host && a.service === b.service

/** The new state, the reply, and the idle services that should look now. */
export interface Outcome {
  readonly state: State
  readonly reply: Reply
  readonly wake: ReadonlyArray<Seat>
}

/** The reply that refuses. */
export const NO: Reply = { _tag: "No" }
const DONE: Reply = { _tag: "Done" }

/** An outcome; without a reply, `Done`. */
export const outcome = (state: State, reply: Reply = DONE, wake: ReadonlyArray<Seat> = []): Outcome => ({
  state,
  reply,
  wake
})

/** Whether a host counts as alive. */
export const isAlive = (state: State, host: HostId, now: number): boolean =>
  Option.exists(HashMap.get(state.hosts, host), ({ until }) => until > now)

/** The job of a claim while that claim holds, so that a late command about an older claim changes nothing. */
export const validClaim = (state: State, host: HostId, claim: ClaimName): Owned | undefined => {
  const owned = ownedOf(state, claim.job.key)
  return owned !== undefined && same(owned, { host, service: claim.service }) && owned.epoch === claim.epoch
    ? owned
    : undefined
}

/** A claimed job. */
export const ownedOf = (state: State, job: JobKey) => Option.getOrUndefined(HashMap.get(state.owned, job))

/** The claim of a seat, which has one at most. */
export const heldBy = (state: State, seat: Seat): Option.Option<Claim> =>
  Option.map(
    Option.fromNullable(Array.from(HashMap.values(state.owned)).find((owned) => same(owned, seat))),
    ({ job, service, epoch, attempt }) => ({ job, service, epoch, attempt })
  )

/** Take a job out of the queue, with the reservation for it. */
export const unqueue = (state: State, key: JobKey): State => ({
  ...state,
  queued: HashMap.remove(state.queued, key),
  reserved: HashMap.filter(state.reserved, ({ job }) => job !== key)
})

/** Whether the CI should have given the job up. */
export const isStale = (rank: string, now: number): boolean => !isLate(rank) && now - createdAtOf(rank) > RULES.stale

/** A job that nobody knew, as it enters the queue: behind all fresh jobs if it is stale. `seen`: number of the look that named it. */
export const newlyQueued = (job: JobRequest, seen: number, now: number): Queued => {
  const rank = rankOf(job)
  return { job, rank: isStale(rank, now) ? putLast(rank, now) : rank, attempt: 0, seen, excluded: [] }
}

/** End a claim. */
export const disown = (state: State, key: JobKey): State => ({ ...state, owned: HashMap.remove(state.owned, key) })

/** Put a job into the queue. */
export const enqueue = (state: State, key: JobKey, queued: Queued): State => ({
  ...state,
  ready: state.ready + 1,
  queued: HashMap.set(state.queued, key, queued)
})

/** Give a job to the service of a host; from the queue, or from a former owner. */
export const own = (state: State, host: HostId, claim: Claim, until: number): State => {
  const { key } = claim.job
  const known = Option.orElse(HashMap.get(state.queued, key), () => HashMap.get(state.owned, key))
  const { excluded, rank } = Option.getOrElse(known, () => ({ excluded: [], rank: rankOf(claim.job) }))
  return {
    ...unqueue(state, key),
    epoch: Math.max(state.epoch, claim.epoch),
    owned: HashMap.set(state.owned, key, { ...claim, rank, host, excluded, until })
  }
}

/** The queue by class: classes in order, and the jobs of each in order. */
export const byClass = (state: State): ReadonlyArray<readonly [JobClass, ReadonlyArray<Queued>]> => {
  const classes = new Map<JobClass, Array<Queued>>()
  for (const queued of HashMap.values(state.queued)) {
    const name = classOf(queued.job)
    classes.set(name, [...(classes.get(name) ?? []), queued])
  }
  return [...classes]
    .sort(([a], [b]) => compare(a, b))
    .map(([name, jobs]) => [name, jobs.sort((a, b) => compare(placeOf(a), placeOf(b)))])
}

/** The job that a host has reserved. */
export const reservationOf = (state: State, host: HostId, now: number): Queued | undefined => {
  const reserved = Option.getOrUndefined(HashMap.get(state.reserved, host))
  return reserved !== undefined && reserved.until > now
    ? Option.getOrUndefined(HashMap.get(state.queued, reserved.job))
    : undefined
}

/** The host that has reserved a job. */
export const reservedBy = (state: State, job: JobKey, now: number): HostId | undefined =>
  Array.from(HashMap.entries(state.reserved)).find(([, it]) => it.job === job && it.until > now)?.[0]

/** Whether neither a reservation nor an exclusion keeps a host from a job. */
const mayTake = (state: State, host: HostId, { job, rank, excluded }: Queued, now: number): boolean => {
  const reserver = reservedBy(state, job.key, now)
  if (reserver !== undefined && reserver !== host) return false
  const exclusion = excluded.find((it) => it.host === host)
  if (exclusion === undefined || exclusion.until <= now || exclusion.until - now > RULES.exclude) return true
  if (!exclusion.soft) return false
  const others = Array.from(HashMap.entries(state.hosts)).some(([id, { until }]) => id !== host && until > now)
  return !others || now - createdAtOf(rank) >= RULES.patience
}

/** The first job of each class that a host may take. A host with a reservation may take the reserved job alone, or also fresh ones if that is late. */
export const choices = (
  state: State,
  host: HostId,
  classes: ReadonlyArray<readonly [JobClass, ReadonlyArray<Queued>]>,
  now: number
): ReadonlyArray<Queued> => {
  const reserved = reservationOf(state, host, now)
  const isFree = ({ job, rank }: Queued) =>
    reserved === undefined || job.key === reserved.job.key || (isLate(reserved.rank) && !isLate(rank))
  return classes.flatMap(
    ([, jobs]) => jobs.slice(0, RULES.depth).find((queued) => isFree(queued) && mayTake(state, host, queued, now)) ?? []
  )
}

/** A service waits no more. */
export const unidle = (state: State, id: string): State => ({ ...state, idle: HashMap.remove(state.idle, id) })

/** Wake one service for a job: of those that can start it without a pull, or else of all, the one that has been idle for longest. */
export const wakeFor = (
  state: State,
  { job, excluded }: Queued,
  now: number
): readonly [State, ReadonlyArray<Seat>] => {
  let after = state
  const name = classOf(job)
  for (const isHot of [true, false]) {
    const candidates = [...HashMap.entries(after.idle)]
      .filter(([, { hot }]) => !isHot || hot.includes(name))
      .sort(([idA, a], [idB, b]) => a.since - b.since || compare(idA, idB))
      .slice(0, RULES.idlers)
    for (const [id, { host, service }] of candidates) {
      if (!isAlive(after, host, now)) after = unidle(after, id)
      else if (!excluded.some((it) => it.host === host && it.until > now)) {
        return [unidle(after, id), [{ host, service }]]
      }
    }
  }
  return [after, []]
}
