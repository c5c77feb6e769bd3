/**
 * The rules of who gets which job of one scope, as one pure function: `(state, command, now) -> (state, reply, wake)`.
 *
 * On one host it runs as it is; on many hosts the same rules are Lua scripts (`redis/*.lua`), tested against this one.
 * Times are milliseconds since the epoch. A job here is queued (anybody may claim it), owned (one service of one host
 * has it), or done (a tombstone, so that a stale answer of the CI does not run it twice).
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { JobKey, JobRequest } from "../../domain/Job.ts"
import { REQUEST } from "../../text/Limits.ts"
import { classOf, createdAtOf, dueOf, isLate, type JobClass, late, rankOf } from "./order.ts"

/** A host's identity, from its state directory. Without spaces and slashes. */
export type HostId = string

/** A place that holds one claim at most: a service of a host. */
export interface Seat {
  readonly host: HostId
  readonly service: string
}

/** Our exclusive hold on a job. A later claim of the same job has a higher epoch. */
export interface Claim {
  readonly job: JobRequest
  readonly service: string
  readonly epoch: number
  /** How many times the job has been claimed, this one included; hand-backs that are nobody's fault do not count. */
  readonly attempt: number
}

/** A claim as it is named to the store. */
export type ClaimName = Omit<Claim, "job"> & { readonly job: Pick<JobRequest, "key"> }

/** Why a claimed job goes back, and what that means for the next one who asks. */
export interface HandBack {
  readonly reason: string
  /** For so many milliseconds the job is not claimed again on this host. */
  readonly after: number
  /** Whether it counts as an attempt. Where it does not, the host may take the job sooner if nobody else can. */
  readonly charged: boolean
  /** The try showed that the job itself gets nowhere, wherever it is tried: it comes after all that is fresh. */
  readonly inVain?: boolean
}

/** A host that handed a job back does not take it before this. */
export interface Exclusion {
  readonly host: HostId
  readonly until: number
  readonly soft: boolean
  readonly reason: string
}

interface Queued {
  readonly job: JobRequest
  /** Its place in its class: as its request says, unless it was learned that it comes last. */
  readonly rank: string
  readonly attempt: number
  /** The last look of the CI that named it. */
  readonly seen: number
  readonly excluded: ReadonlyArray<Exclusion>
}

interface Owned extends Seat {
  readonly job: JobRequest
  /** The rank that it had in the queue. */
  readonly rank: string
  readonly epoch: number
  readonly attempt: number
  readonly excluded: ReadonlyArray<Exclusion>
  /** The lease: after this the job is nobody's, if its owner does not say otherwise. */
  readonly until: number
}

interface Host {
  /** One life of its daemon. */
  readonly boot: string
  /** Who it is, for people and for a daemon that finds its identity taken. */
  readonly info: string
  /** What it does, as it last said; for people. */
  readonly status: string
  readonly until: number
}

interface Idle extends Seat {
  readonly since: number
  /** Classes that it can start without a pull. */
  readonly hot: ReadonlyArray<JobClass>
}

/** All that the coordinator knows of a scope. */
export interface State {
  /** Changes when the store has lost its memory. */
  readonly gen: string
  /** After such a loss nobody claims before this, so that owners can say what is theirs. */
  readonly hold: number
  /** What all hosts of the scope must agree on, and who said it first. */
  readonly terms: { readonly value: string; readonly host: HostId }
  readonly hosts: HashMap.HashMap<HostId, Host>
  readonly queued: HashMap.HashMap<JobKey, Queued>
  readonly owned: HashMap.HashMap<JobKey, Owned>
  readonly done: HashMap.HashMap<JobKey, number>
  readonly idle: HashMap.HashMap<string, Idle>
  readonly reserved: HashMap.HashMap<HostId, { readonly job: JobKey; readonly until: number }>
  /** Who looks at the CI for all: the number of the look, when it began, who makes it, and for how long others leave it to that host. */
  readonly turn: { readonly fence: number; readonly began: number; readonly host: HostId; readonly until: number }
  /** The last look that was told to its end, and missed nothing. */
  readonly looked: number
  /** How many jobs were claimed since it was the turn of one that comes last. */
  readonly passed: number
  /** Grows whenever a job becomes claimable. */
  readonly ready: number
  readonly epoch: number
}

/** A scope of which nothing is known. */
export const initial: State = {
  gen: "",
  hold: 0,
  terms: { value: "", host: "" },
  hosts: HashMap.empty(),
  queued: HashMap.empty(),
  owned: HashMap.empty(),
  done: HashMap.empty(),
  idle: HashMap.empty(),
  reserved: HashMap.empty(),
  turn: { fence: 0, began: 0, host: "", until: 0 },
  looked: 0,
  passed: 0,
  ready: 0,
  epoch: 0
}

/** A job that the CI calls queued; the request itself is left out when the coordinator should know it. */
export interface Sighting {
  readonly key: JobKey
  readonly request: Option.Option<JobRequest>
}

/** A host says who it is. `lease` is how long it and its claims count without another word. */
export interface Hello {
  readonly _tag: "Hello"
  readonly info: string
  readonly terms: string
  readonly lease: number
  /** What the generation is called if there is none. */
  readonly gen: string
  /** This daemon knew another generation, so others have claims to tell as well. */
  readonly knew: boolean
  /** A life of this host that is proven dead. */
  readonly takes: string
}

/** What a host that said hello may ask. `gen` is the generation that it knows. */
export type Request =
  | { readonly _tag: "Leave"; readonly services: ReadonlyArray<string> }
  | {
      readonly _tag: "Beat"
      readonly lease: number
      /** What the host does, for people; empty when that is not said this time. */
      readonly status: string
      readonly claims: ReadonlyArray<{ readonly job: JobKey; readonly service: string; readonly epoch: number }>
      /** Services that say by this what they hold: one that is told of no claim here holds none. */
      readonly services: ReadonlyArray<string>
    }
  | { readonly _tag: "Restore"; readonly lease: number; readonly claims: ReadonlyArray<Claim> }
  | { readonly _tag: "Poll"; readonly every: number }
  | {
      readonly _tag: "Ingest"
      readonly fence: number
      readonly jobs: ReadonlyArray<Sighting>
      /** Whether this ends the look: what it did not name may be forgotten, unless it was `partial`. */
      readonly last: boolean
      /** A part of the CI could not be looked at: nothing is taken for gone. */
      readonly partial?: boolean
    }
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
  /** What is known of a scope, for people; a page of its hosts from the given one on. */
  | { readonly _tag: "Survey"; readonly from: number }
  /** What is known of a job, for people. */
  | { readonly _tag: "Inspect"; readonly job: JobKey }

/** What can be asked of the coordinator, and by which life of which host. */
export type Command = (Hello | (Request & { readonly gen: string })) & { readonly host: HostId; readonly boot: string }

/** What a claim that a host tells of is worth: it stands, somebody else has the job or it is done, or nobody knows of it. */
export type Verdict = "kept" | "lost" | "unknown"

export type Reply =
  | { readonly _tag: "Done" }
  /** Not now: the turn, the reservation or the swap is not granted, or there is news for one who wants to be idle. */
  | { readonly _tag: "No" }
  /** Say hello (again). */
  | { readonly _tag: "Stranger" }
  /** Another life of this host is here; `info` is what it said of itself. */
  | { readonly _tag: "Taken"; readonly boot: string; readonly info: string }
  /** Hosts of this scope have agreed on other terms. */
  | { readonly _tag: "Mixed"; readonly terms: string; readonly info: string }
  | { readonly _tag: "Welcome"; readonly gen: string }
  /** What was told is worth so much, and these claims were not told: their owner never heard of them. */
  | { readonly _tag: "Heard"; readonly verdicts: ReadonlyArray<Verdict>; readonly unlisted: ReadonlyArray<Claim> }
  | { readonly _tag: "Verdicts"; readonly verdicts: ReadonlyArray<Verdict> }
  | { readonly _tag: "Turn"; readonly fence: number }
  | { readonly _tag: "Unknown"; readonly keys: ReadonlyArray<JobKey> }
  /** `unread`: how many more there are that this version cannot read. */
  | {
      readonly _tag: "Heads"
      readonly ready: number
      readonly jobs: ReadonlyArray<JobRequest>
      readonly unread?: number
    }
  /** `unread`: the job was claimed, and this version cannot read what it asks for. */
  | { readonly _tag: "Claimed"; readonly claim: Option.Option<Claim>; readonly unread?: ClaimName }
  | ({ readonly _tag: "Survey" } & Survey)
  | ({ readonly _tag: "Record" } & JobRecord)

/** What is known of a scope. Times are milliseconds since the epoch. */
export interface Survey {
  readonly hosts: ReadonlyArray<{
    readonly id: HostId
    /** It counts as dead from then on. */
    readonly until: number
    readonly info: string
    readonly status: string
  }>
  /** Queued jobs by what they need of a host. */
  readonly classes: ReadonlyArray<{
    readonly name: JobClass
    readonly jobs: number
    /** How many of them come after all that is fresh. */
    readonly late: number
  }>
  /** How many jobs are claimed. */
  readonly owned: number
  /** Who looks at the CI for all, and when the last look began. */
  readonly looker: HostId
  readonly lookedAt: number
  /** Nobody claims before this: the store lost its memory. */
  readonly hold: number
}

/** How a job stands. */
export interface JobRecord {
  readonly state: "unknown" | "queued" | "owned" | "done"
  readonly attempt: number
  /** So many jobs of its class go before it. */
  readonly ahead: number
  readonly owner: string
  readonly service: string
  /** When it is due, although it comes after all that is fresh, whatever its priority; 0 when it does not. */
  readonly late: number
  /** The host that keeps a place for it. */
  readonly reserver: HostId
  /** Hosts that handed it back and do not take it for now. */
  readonly excluded: ReadonlyArray<Exclusion>
}

/** The new state, the reply, and which idle services should look now. */
export interface Outcome {
  readonly state: State
  readonly reply: Reply
  readonly wake: ReadonlyArray<Seat>
}

/** Limits that the scripts share. All times in milliseconds. */
export const RULES = {
  /** A tombstone is kept for this long: twice the time after which GitHub gives a queued job up. */
  tombstone: 48 * 3_600_000,
  /** A job still called queued so long after it was done is queued again: a wrong "done" must not lose it. */
  resurrect: 120_000,
  /** No job is handed back for so long: such a time was set before the clock was set back. */
  exclude: 24 * 3_600_000,
  /** Hosts that are remembered as having handed a job back. */
  excluded: 8,
  /** GitHub fails a job that is queued for longer (docs.github.com, usage limits of self-hosted runners): one that is still called queued hardly ever gets a runner, and comes last. */
  stale: 24 * 3_600_000,
  /** A job whose tries fail so often comes last, whoever is to blame for it. */
  failures: 3,
  /** After so long what comes last is due: */
  due: 3_600_000,
  /** when so many others were claimed since the last such job, the next claim is for one that is due. What gets nowhere must neither wait for ever nor crowd out the rest. */
  share: 10,
  /** So many jobs become stale in one look. */
  demoted: 100,
  /** A job that waits for so long may go to a host that handed it back without a fault. */
  patience: 600_000,
  /** How long a big job is kept for a host that makes room for it. */
  reserve: 600_000,
  /** How long nobody claims after the store lost its memory. */
  hold: 20_000,
  /** So many of a class are looked at for one that this host may take. */
  depth: 16,
  /** So many classes are told to a host, and so many are woken for at the end of a look. */
  classes: 64,
  wakes: 16,
  /** So many idle services are considered for one job. */
  idlers: 8,
  /** So much is cleared away in one look. */
  lapsed: 20,
  forgotten: 100,
  /** A host that was not heard of for so long is forgotten. */
  absent: 24 * 3_600_000,
  absentees: 10,
  /** So many hosts are told at once to a person. */
  page: 100,
  /** Characters of a reason that are kept. */
  reason: 200,
  /** Others leave looking to a host for two of their intervals, or this, at most. */
  turn: 600_000,
  /** Characters of a job's request that is read. */
  request: REQUEST,
  /** Others leave looking to a host for two of its intervals, and this. */
  grace: 5000
} as const

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const placeOf = ({ rank, job }: Pick<Queued, "rank" | "job">): string => `${rank} ${job.key}`
const idOf = ({ host, service }: Seat): string => `${host}/${service}`
const same = (a: Seat, b: Seat): boolean => a.host === b.host && a.service === b.service

const DONE: Reply = { _tag: "Done" }
const NO: Reply = { _tag: "No" }
const outcome = (state: State, reply: Reply = DONE, wake: ReadonlyArray<Seat> = []): Outcome => ({ state, reply, wake })

const isAlive = (state: State, host: HostId, now: number): boolean =>
  Option.exists(HashMap.get(state.hosts, host), ({ until }) => until > now)

/** The seat that holds this very claim: a late command of an older one changes nothing. */
const validClaim = (state: State, host: HostId, claim: ClaimName): Owned | undefined => {
  const owned = ownedOf(state, claim.job.key)
  return owned !== undefined && same(owned, { host, service: claim.service }) && owned.epoch === claim.epoch
    ? owned
    : undefined
}

const ownedOf = (state: State, job: JobKey) => Option.getOrUndefined(HashMap.get(state.owned, job))

/** The claim a service of a host has: at most one. */
export const heldBy = (state: State, seat: Seat): Option.Option<Claim> =>
  Option.map(
    Option.fromNullable(Array.from(HashMap.values(state.owned)).find((owned) => same(owned, seat))),
    ({ job, service, epoch, attempt }) => ({ job, service, epoch, attempt })
  )

const unqueue = (state: State, key: JobKey): State => ({
  ...state,
  queued: HashMap.remove(state.queued, key),
  reserved: HashMap.filter(state.reserved, ({ job }) => job !== key)
})
const disown = (state: State, key: JobKey): State => ({ ...state, owned: HashMap.remove(state.owned, key) })
const enqueue = (state: State, key: JobKey, queued: Queued): State => ({
  ...state,
  ready: state.ready + 1,
  queued: HashMap.set(state.queued, key, queued)
})
const own = (state: State, host: HostId, claim: Claim, until: number): State => {
  const { key } = claim.job
  const known = Option.orElse(HashMap.get(state.queued, key), () => HashMap.get(state.owned, key))
  const { excluded, rank } = Option.getOrElse(known, () => ({ excluded: [], rank: rankOf(claim.job) }))
  return {
    ...unqueue(state, key),
    epoch: Math.max(state.epoch, claim.epoch),
    owned: HashMap.set(state.owned, key, { ...claim, rank, host, excluded, until })
  }
}

/** The jobs of each class in their order, the classes in theirs. */
const byClass = (state: State): ReadonlyArray<readonly [JobClass, ReadonlyArray<Queued>]> => {
  const classes = new Map<JobClass, Array<Queued>>()
  for (const queued of HashMap.values(state.queued)) {
    const name = classOf(queued.job)
    classes.set(name, [...(classes.get(name) ?? []), queued])
  }
  return [...classes]
    .sort(([a], [b]) => compare(a, b))
    .map(([name, jobs]) => [name, jobs.sort((a, b) => compare(placeOf(a), placeOf(b)))])
}

const reservationOf = (state: State, host: HostId, now: number): Queued | undefined => {
  const reserved = Option.getOrUndefined(HashMap.get(state.reserved, host))
  return reserved !== undefined && reserved.until > now
    ? Option.getOrUndefined(HashMap.get(state.queued, reserved.job))
    : undefined
}

const reservedBy = (state: State, job: JobKey, now: number): HostId | undefined =>
  Array.from(HashMap.entries(state.reserved)).find(([, it]) => it.job === job && it.until > now)?.[0]

const mayTake = (state: State, host: HostId, { job, rank, excluded }: Queued, now: number): boolean => {
  const reserver = reservedBy(state, job.key, now)
  if (reserver !== undefined && reserver !== host) return false
  const exclusion = excluded.find((it) => it.host === host)
  if (exclusion === undefined || exclusion.until <= now || exclusion.until - now > RULES.exclude) return true
  if (!exclusion.soft) return false
  const others = Array.from(HashMap.entries(state.hosts)).some(([id, { until }]) => id !== host && until > now)
  return !others || now - createdAtOf(rank) >= RULES.patience
}

/** The first job of each class that the host may take; with a reservation, only the reserved one, and what is fresh if that one is not. */
const choices = (
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

const unidle = (state: State, id: string): State => ({ ...state, idle: HashMap.remove(state.idle, id) })

/** Choose who should look for a job: whoever is idle the longest, and can start it without a pull if there is one. */
const wakeFor = (state: State, { job, excluded }: Queued, now: number): readonly [State, ReadonlyArray<Seat>] => {
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

const hello = (state: State, command: Hello & { readonly host: HostId; readonly boot: string }, now: number) => {
  const { host, boot, info, terms } = command
  const known = Option.getOrUndefined(HashMap.get(state.hosts, host))
  if (known !== undefined && known.boot !== boot && known.boot !== command.takes && known.until > now) {
    return outcome(state, { _tag: "Taken", boot: known.boot, info: known.info })
  }
  const others = Array.from(HashMap.entries(state.hosts)).filter(([id, { until }]) => id !== host && until > now)
  if (state.terms.value !== terms && others.length > 0) {
    const said = Option.getOrUndefined(HashMap.get(state.hosts, state.terms.host))
    return outcome(state, { _tag: "Mixed", terms: state.terms.value, info: said?.info ?? "" })
  }
  const isNew = state.gen === ""
  const absent = Array.from(HashMap.entries(state.hosts))
    .filter(([, { until }]) => until < now - RULES.absent)
    .sort(([a, x], [b, y]) => x.until - y.until || compare(a, b))
    .slice(0, RULES.absentees)
  const hosts = absent.reduce((hosts, [id]) => HashMap.remove(hosts, id), state.hosts)
  return outcome(
    {
      ...state,
      gen: isNew ? command.gen : state.gen,
      hold: isNew && command.knew ? now + RULES.hold : state.hold,
      terms: state.terms.value === terms ? state.terms : { value: terms, host },
      hosts: HashMap.set(hosts, host, { boot, info, status: "", until: now + command.lease })
    },
    { _tag: "Welcome", gen: isNew ? command.gen : state.gen }
  )
}

const leave = (state: State, host: HostId, services: ReadonlyArray<string>, now: number): State => ({
  ...services.reduce((state, service) => unidle(state, idOf({ host, service })), state),
  hosts: HashMap.remove(state.hosts, host),
  reserved: HashMap.remove(state.reserved, host),
  turn: state.turn.host === host ? { ...state.turn, until: Math.min(state.turn.until, now) } : state.turn
})

const beat = (state: State, host: HostId, command: Request & { readonly _tag: "Beat" }, now: number): Outcome => {
  let after: State = {
    ...state,
    hosts: HashMap.modify(state.hosts, host, (it) => ({
      ...it,
      status: command.status === "" ? it.status : command.status,
      until: now + command.lease
    }))
  }
  const verdicts = command.claims.map(({ job, service, epoch }): Verdict => {
    const owned = ownedOf(after, job)
    if (owned === undefined) return HashMap.has(after.done, job) ? "lost" : "unknown"
    if (!same(owned, { host, service })) return "lost"
    if (owned.epoch !== epoch) return "unknown"
    after = { ...after, owned: HashMap.set(after.owned, job, { ...owned, until: now + command.lease }) }
    return "kept"
  })
  const unlisted = command.services.flatMap((service) =>
    Option.toArray(heldBy(after, { host, service })).filter(
      ({ job }) => !command.claims.some((it) => it.job === job.key)
    )
  )
  return outcome(after, {
    _tag: "Heard",
    verdicts,
    unlisted: unlisted.map(({ job, service, epoch, attempt }) => ({ job, service, epoch, attempt }))
  })
}

const restore = (state: State, host: HostId, command: Request & { readonly _tag: "Restore" }, now: number): Outcome => {
  let after = state
  const verdicts = command.claims.map((claim): Verdict => {
    const seat = { host, service: claim.service }
    const owned = ownedOf(after, claim.job.key)
    if (HashMap.has(after.done, claim.job.key)) return "lost"
    if (owned !== undefined && !same(owned, seat) && owned.epoch >= claim.epoch) return "lost"
    const other = heldBy(after, seat)
    if (Option.isSome(other) && other.value.job.key !== claim.job.key) after = disown(after, other.value.job.key)
    after = own(after, host, claim, now + command.lease)
    return "kept"
  })
  return outcome(after, { _tag: "Verdicts", verdicts })
}

const poll = (state: State, host: HostId, every: number, now: number): Outcome => {
  const { turn } = state
  // a beginning in the future was written before the clock was set back
  const fresh = turn.fence > 0 && turn.began <= now && now - turn.began < every
  // nobody leaves looking to one host for longer, whoever wrote that
  const until = turn.until - now > Math.max(2 * every + RULES.grace, RULES.turn) ? 0 : turn.until
  if (fresh || (turn.host !== host && until > now && turn.began <= now)) return outcome(state, NO)
  const fence = turn.fence + 1
  return outcome(
    { ...state, turn: { fence, began: now, host, until: now + 2 * every + RULES.grace } },
    { _tag: "Turn", fence }
  )
}

/** Whether GitHub should have given the job up. */
const isStale = (rank: string, now: number): boolean => !isLate(rank) && now - createdAtOf(rank) > RULES.stale

/** The rank of a job that comes last from now on. */
const last = (rank: string, now: number): string => late(rank, now + RULES.due)

/** What has become stale comes last. */
const demote = (state: State, now: number): State => {
  const stale = byClass(state)
    .slice(0, RULES.classes)
    .flatMap(([, jobs]) => jobs.filter(({ rank }) => isStale(rank, now)))
    .slice(0, RULES.demoted)
    .map((queued): readonly [JobKey, Queued] => [queued.job.key, { ...queued, rank: last(queued.rank, now) }])
  return { ...state, queued: HashMap.union(state.queued, HashMap.fromIterable(stale)) }
}

const ingest = (state: State, host: HostId, command: Request & { readonly _tag: "Ingest" }, now: number): Outcome => {
  const { fence, jobs, partial = false } = command
  if (state.turn.fence !== fence || state.turn.host !== host) return outcome(state, NO)
  let after = state
  const wake: Array<Seat> = []
  const wakeOne = (queued: Queued) => {
    const [next, woken] = wakeFor(after, queued, now)
    after = next
    wake.push(...woken)
  }
  const lapsed = Array.from(HashMap.entries(after.owned))
    .filter(([, { until }]) => until <= now)
    .sort(([a, x], [b, y]) => x.until - y.until || compare(a, b))
    .slice(0, RULES.lapsed)
  for (const [key] of lapsed) after = disown(after, key)

  const unknown: Array<JobKey> = []
  const fresh = new Set<JobClass>()
  for (const { key, request } of jobs) {
    if (HashMap.has(after.owned, key)) continue
    const queued = Option.getOrUndefined(HashMap.get(after.queued, key))
    if (queued !== undefined) {
      after = { ...after, queued: HashMap.set(after.queued, key, { ...queued, seen: fence }) }
      continue
    }
    const since = Option.getOrUndefined(HashMap.get(after.done, key))
    if (since !== undefined && after.turn.began - since < RULES.resurrect) continue
    if (Option.isNone(request)) {
      unknown.push(key)
      continue
    }
    const job = request.value
    const rank = rankOf(job)
    const added: Queued = {
      job,
      rank: isStale(rank, now) ? last(rank, now) : rank,
      attempt: 0,
      seen: fence,
      excluded: []
    }
    after = enqueue({ ...after, done: HashMap.remove(after.done, key) }, key, added)
    fresh.add(classOf(job))
    wakeOne(added)
  }
  if (command.last) {
    const forgotten = Array.from(HashMap.entries(after.queued))
      .filter(([, { seen }]) => !partial && seen < after.looked)
      .sort(([a, x], [b, y]) => x.seen - y.seen || compare(a, b))
      .slice(0, RULES.forgotten)
    for (const [key] of forgotten) after = unqueue(after, key)
    after = {
      ...after,
      looked: partial ? after.looked : fence,
      done: Array.from(HashMap.entries(after.done))
        .filter(([, since]) => since <= now - RULES.tombstone)
        .sort(([a, x], [b, y]) => x - y || compare(a, b))
        .slice(0, RULES.forgotten)
        .reduce((done, [key]) => HashMap.remove(done, key), after.done)
    }
    after = demote(after, now)
    // whoever was woken for these may be dead by now
    for (const [name, [head]] of byClass(after).slice(0, RULES.wakes)) {
      if (head !== undefined && !fresh.has(name)) wakeOne(head)
    }
  }
  return outcome(after, { _tag: "Unknown", keys: unknown }, wake)
}

const waiting = (state: State, host: HostId, now: number): Outcome =>
  outcome(state, {
    _tag: "Heads",
    ready: state.ready,
    jobs: choices(state, host, byClass(state).slice(0, RULES.classes), now).map(({ job }) => job)
  })

const idle = (state: State, host: HostId, command: Request & { readonly _tag: "Idle" }, now: number): Outcome => {
  if (command.ready !== state.ready) return outcome(state, NO)
  const { service, hot } = command
  return outcome({
    ...state,
    idle: HashMap.set(state.idle, idOf({ host, service }), { host, service, since: now, hot })
  })
}

const claim = (state: State, host: HostId, command: Request & { readonly _tag: "Claim" }, now: number): Outcome => {
  const { service, lease } = command
  const until = now + lease
  const held = heldBy(state, { host, service })
  if (Option.isSome(held)) {
    return outcome(own(state, host, held.value, until), { _tag: "Claimed", claim: held })
  }
  const none = outcome(state, { _tag: "Claimed", claim: Option.none() })
  if (state.hold > now && state.hold - now <= RULES.hold) return none
  const offered = new Set(command.classes)
  const classes = byClass(state).filter(([name]) => offered.has(name))
  const isDue = ({ rank }: Queued) => isLate(rank) && dueOf(rank) <= now
  const isTheirTurn = state.passed >= RULES.share
  const overdue = !isTheirTurn ? [] : classes.map(([name, jobs]) => [name, jobs.filter(isDue)] as const)
  const [first] = [overdue, classes].flatMap((classes) =>
    [...choices(state, host, classes, now)].sort((a, b) => compare(placeOf(a), placeOf(b)))
  )
  if (first === undefined) return none
  const epoch = Math.max(state.epoch + 1, now)
  const claim: Claim = { job: first.job, service, epoch, attempt: first.attempt + 1 }
  const { turn } = state
  const after: State = {
    ...own(unidle(state, idOf({ host, service })), host, claim, until),
    passed: isTheirTurn || isLate(first.rank) ? 0 : state.passed + 1,
    // who has a job to see to leaves looking to others
    turn: turn.host === host ? { ...turn, until: Math.min(turn.until, now) } : turn
  }
  return outcome(after, { _tag: "Claimed", claim: Option.some(claim) })
}

const requeue = (
  state: State,
  claim: Claim,
  { rank, attempt, excluded }: Pick<Queued, "rank" | "attempt" | "excluded">,
  now: number
) => {
  const queued: Queued = { job: claim.job, rank, attempt, seen: state.turn.fence, excluded }
  return wakeFor(enqueue(disown(state, claim.job.key), claim.job.key, queued), queued, now)
}

const release = (
  state: State,
  host: HostId,
  held: Owned,
  claim: ClaimName,
  handBack: HandBack,
  now: number
): Outcome => {
  const { after: wait, charged, inVain = false } = handBack
  const reason = handBack.reason.slice(0, RULES.reason)
  const others = held.excluded.filter((it) => it.host !== host && it.until > now)
  const excluded = [...others, ...(wait > 0 ? [{ host, until: now + wait, soft: !charged, reason }] : [])].slice(
    -RULES.excluded
  )
  const attempt = charged ? claim.attempt : claim.attempt - 1
  const isLast = inVain || (charged && attempt >= RULES.failures)
  const rank = isLast ? last(held.rank, now) : held.rank
  const [after, wake] = requeue(state, { ...claim, job: held.job }, { rank, attempt, excluded }, now)
  return outcome(after, DONE, wake)
}

const finish = (state: State, claim: Claim, now: number): State => ({
  ...disown(unqueue(state, claim.job.key), claim.job.key),
  done: HashMap.set(state.done, claim.job.key, now)
})

const swap = (state: State, host: HostId, command: Request & { readonly _tag: "Swap" }, now: number): Outcome => {
  const { claim, taken, lease } = command
  const other = ownedOf(state, taken.key)
  // a job that another service holds stays there: its own runner is then the one that is free
  const held = validClaim(state, host, claim)
  if (held === undefined || (other !== undefined && other.until > now)) {
    return outcome(state, { _tag: "Claimed", claim: Option.none() })
  }
  const epoch = Math.max(state.epoch + 1, now)
  const swapped: Claim = { job: taken, service: claim.service, epoch, attempt: 1 }
  const [after, wake] = requeue(state, claim, { ...held, attempt: claim.attempt - 1 }, now)
  return outcome(
    own({ ...after, done: HashMap.remove(after.done, taken.key) }, host, swapped, now + lease),
    { _tag: "Claimed", claim: Option.some(swapped) },
    wake
  )
}

const reserve = (state: State, host: HostId, job: JobKey, lasting: number, now: number): Outcome => {
  const mine = reservationOf(state, host, now)
  const theirs = reservedBy(state, job, now)
  if (!HashMap.has(state.queued, job) || (mine !== undefined && mine.job.key !== job)) return outcome(state, NO)
  if (theirs !== undefined && theirs !== host) return outcome(state, NO)
  return outcome({ ...state, reserved: HashMap.set(state.reserved, host, { job, until: now + lasting }) })
}

const survey = (state: State, from: number): Survey => ({
  hosts: Array.from(HashMap.entries(state.hosts))
    .sort(([a, x], [b, y]) => x.until - y.until || compare(a, b))
    .slice(from, from + RULES.page)
    .map(([id, { until, info, status }]) => ({ id, until, info, status })),
  classes: byClass(state)
    .slice(0, RULES.classes)
    .map(([name, jobs]) => ({ name, jobs: jobs.length, late: jobs.filter(({ rank }) => isLate(rank)).length })),
  owned: HashMap.size(state.owned),
  looker: state.turn.host,
  lookedAt: state.turn.began,
  hold: state.hold
})

const inspect = (state: State, job: JobKey, now: number): JobRecord => {
  const queued = Option.getOrUndefined(HashMap.get(state.queued, job))
  const owned = ownedOf(state, job)
  const known = queued ?? owned
  const peers = queued === undefined ? [] : (byClass(state).find(([name]) => name === classOf(queued.job))?.[1] ?? [])
  return {
    state:
      queued !== undefined
        ? "queued"
        : owned !== undefined
          ? "owned"
          : HashMap.has(state.done, job)
            ? "done"
            : "unknown",
    attempt: known?.attempt ?? 0,
    ahead: Math.max(
      0,
      peers.findIndex((it) => it.job.key === job)
    ),
    owner: owned?.host ?? "",
    service: owned?.service ?? "",
    late: known === undefined ? 0 : dueOf(known.rank),
    reserver: reservedBy(state, job, now) ?? "",
    excluded: (known?.excluded ?? []).filter(({ until }) => until > now)
  }
}

/** Apply one command. Total: a command that does not fit the state leaves it as it is. */
export const reduce = (state: State, command: Command, now: number): Outcome => {
  const { host, boot } = command
  if (command._tag === "Hello") return hello(state, command, now)
  const known = Option.getOrUndefined(HashMap.get(state.hosts, host))
  if (state.gen !== command.gen || known === undefined) return outcome(state, { _tag: "Stranger" })
  if (known.boot !== boot) return outcome(state, { _tag: "Taken", boot: known.boot, info: known.info })
  switch (command._tag) {
    case "Leave":
      return outcome(leave(state, host, command.services, now))
    case "Beat":
      return beat(state, host, command, now)
    case "Restore":
      return restore(state, host, command, now)
    case "Poll":
      return poll(state, host, command.every, now)
    case "Ingest":
      return ingest(state, host, command, now)
    case "Waiting":
      return waiting(state, host, now)
    case "Idle":
      return idle(state, host, command, now)
    case "Claim":
      return claim(state, host, command, now)
    case "Release": {
      const held = validClaim(state, host, command.claim)
      return held === undefined ? outcome(state) : release(state, host, held, command.claim, command.handBack, now)
    }
    case "Finish": {
      const isTheirs =
        HashMap.has(state.owned, command.claim.job.key) && validClaim(state, host, command.claim) === undefined
      return outcome(isTheirs ? state : finish(state, command.claim, now))
    }
    case "Swap":
      return swap(state, host, command, now)
    case "Reserve":
      return reserve(state, host, command.job, command.lasting, now)
    case "Survey":
      return outcome(state, { _tag: "Survey", ...survey(state, command.from) })
    case "Inspect":
      return outcome(state, { _tag: "Record", ...inspect(state, command.job, now) })
  }
}
