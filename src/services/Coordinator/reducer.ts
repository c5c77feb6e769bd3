/**
 * The rules of who gets which job, as one pure function: `(state, command, now) -> (state, reply, wake)`.
 *
 * Times are milliseconds since the epoch. A job here is queued (anybody may claim it), owned (one service has it), or
 * done (a tombstone, so that a stale answer of the CI does not run it twice).
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { JobKey, JobRequest, Scope } from "../../Job.ts"

/** Jobs that ask a host for the same: its template and tag. A host judges a class, never single jobs. */
export type JobClass = string

/** The class of a job. */
export const classOf = (job: JobRequest): JobClass =>
  JSON.stringify([job.template.id, Option.getOrNull(job.template.tag)])

/** Our exclusive hold on a job. A later claim of the same job has a higher epoch. */
export interface Claim {
  readonly job: JobRequest
  readonly service: string
  readonly epoch: number
  /** How many times the job has been claimed, this one included; hand-backs that are nobody's fault do not count. */
  readonly attempt: number
}

/** Why a claimed job goes back, and what that means for the next one who asks. */
export interface HandBack {
  readonly reason: string
  /** Not before this is the job claimed again on this host. */
  readonly until: number
  /** Whether it counts as an attempt. */
  readonly charged: boolean
}

interface Queued {
  readonly job: JobRequest
  readonly attempt: number
  readonly until: number
  /** In how many looks in a row the CI did not name it. */
  readonly missing: number
}

/** All that the coordinator knows. */
export interface State {
  readonly queued: HashMap.HashMap<JobKey, Queued>
  readonly claims: HashMap.HashMap<JobKey, Claim>
  readonly done: HashMap.HashMap<JobKey, number>
  readonly looked: HashMap.HashMap<Scope, number>
  readonly epoch: number
}

export const initial: State = {
  queued: HashMap.empty(),
  claims: HashMap.empty(),
  done: HashMap.empty(),
  looked: HashMap.empty(),
  epoch: 0
}

/** What can be asked of the coordinator. */
export type Command =
  | { readonly _tag: "Ingest"; readonly scope: Scope; readonly at: number; readonly jobs: ReadonlyArray<JobRequest> }
  | {
      readonly _tag: "Claim"
      readonly scope: Scope
      readonly service: string
      readonly classes: ReadonlyArray<JobClass>
    }
  | { readonly _tag: "Release"; readonly claim: Claim; readonly handBack: HandBack }
  | { readonly _tag: "Finish"; readonly claim: Claim }
  | { readonly _tag: "Swap"; readonly claim: Claim; readonly taken: JobRequest }
  | { readonly _tag: "Restore"; readonly claims: ReadonlyArray<Claim> }

/** The new state, the claim that the command is about (if it stands), and whether waiting services should look again. */
export interface Outcome {
  readonly state: State
  readonly claim: Option.Option<Claim>
  readonly wake: boolean
}

/** A tombstone is kept for this long: twice the time after which GitHub gives a queued job up. */
const TOMBSTONE = 48 * 3_600_000
/** A job still called queued so long after it was done is queued again: a wrong "done" must not lose it. */
const RESURRECT_AFTER = 120_000
/** No job is handed back for so long: such a time was set before the clock was set back. */
const HAND_BACK_AT_MOST = 24 * 3_600_000
/** A queued job is dropped when so many looks in a row do not name it. */
const FORGET_AFTER = 2

/** Oldest first, then by name, then by key: the same order on every host. */
const before = (a: JobRequest, b: JobRequest): number =>
  a.createdAt - b.createdAt || compare(a.name, b.name) || compare(a.key, b.key)
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const outcome = (state: State, wake: boolean, claim: Option.Option<Claim> = Option.none()): Outcome => ({
  state,
  wake,
  claim
})

const ingest = (state: State, scope: Scope, at: number, jobs: ReadonlyArray<JobRequest>, now: number): Outcome => {
  // services that share a look tell it more than once
  if (Option.contains(HashMap.get(state.looked, scope), at)) return outcome(state, false)
  let { queued } = state
  let done = HashMap.filter(state.done, (since) => now - since < TOMBSTONE)
  let wake = false
  const named = new Set(jobs.map((job) => job.key))
  for (const [key, entry] of state.queued) {
    if (entry.job.scope !== scope || named.has(key)) continue
    queued =
      entry.missing + 1 >= FORGET_AFTER
        ? HashMap.remove(queued, key)
        : HashMap.set(queued, key, { ...entry, missing: entry.missing + 1 })
  }
  for (const job of jobs) {
    if (HashMap.has(state.claims, job.key)) continue
    const since = HashMap.get(done, job.key)
    if (Option.isSome(since) && at - since.value < RESURRECT_AFTER) continue
    done = HashMap.remove(done, job.key)
    const known = HashMap.get(queued, job.key)
    queued = HashMap.set(
      queued,
      job.key,
      Option.isSome(known) ? { ...known.value, missing: 0 } : { job, attempt: 0, until: 0, missing: 0 }
    )
    wake ||= Option.isNone(known)
  }
  return outcome({ ...state, queued, done, looked: HashMap.set(state.looked, scope, at) }, wake)
}

const claim = (state: State, scope: Scope, service: string, classes: ReadonlyArray<JobClass>, now: number): Outcome => {
  const held = heldBy(state, service)
  if (Option.isSome(held)) return outcome(state, false, held)
  const first = claimable(state, scope, now)
    .filter(({ job }) => classes.includes(classOf(job)))
    .sort((a, b) => before(a.job, b.job))[0]
  if (first === undefined) return outcome(state, false)
  const epoch = Math.max(state.epoch + 1, now)
  const claim: Claim = { job: first.job, service, epoch, attempt: first.attempt + 1 }
  return outcome(
    {
      ...state,
      epoch,
      queued: HashMap.remove(state.queued, first.job.key),
      claims: HashMap.set(state.claims, first.job.key, claim)
    },
    false,
    Option.some(claim)
  )
}

/** Whether this very claim still stands: a late command of an older one changes nothing. */
const stands = (state: State, claim: Claim): boolean =>
  Option.exists(
    HashMap.get(state.claims, claim.job.key),
    (current) => current.epoch === claim.epoch && current.service === claim.service
  )

const release = (state: State, claim: Claim, handBack: HandBack): Outcome =>
  outcome(
    {
      ...state,
      claims: HashMap.remove(state.claims, claim.job.key),
      queued: HashMap.set(state.queued, claim.job.key, {
        job: claim.job,
        attempt: handBack.charged ? claim.attempt : claim.attempt - 1,
        until: handBack.until,
        missing: 0
      })
    },
    true
  )

const swap = (state: State, claim: Claim, taken: JobRequest): Outcome => {
  const free = release(state, claim, { reason: "swapped", until: 0, charged: false }).state
  const swapped: Claim = { ...claim, job: taken, attempt: 1 }
  return outcome(
    {
      ...free,
      queued: HashMap.remove(free.queued, taken.key),
      claims: HashMap.set(free.claims, taken.key, swapped)
    },
    true,
    Option.some(swapped)
  )
}

/** Apply one command. Total: a command that does not fit the state leaves it as it is. */
export const reduce = (state: State, command: Command, now: number): Outcome => {
  switch (command._tag) {
    case "Ingest":
      return ingest(state, command.scope, command.at, command.jobs, now)
    case "Claim":
      return claim(state, command.scope, command.service, command.classes, now)
    case "Release":
      return stands(state, command.claim) ? release(state, command.claim, command.handBack) : outcome(state, false)
    case "Finish":
      return stands(state, command.claim)
        ? outcome(
            {
              ...state,
              claims: HashMap.remove(state.claims, command.claim.job.key),
              done: HashMap.set(state.done, command.claim.job.key, now)
            },
            true
          )
        : outcome(state, false)
    case "Swap":
      // a job that another service of ours holds stays there: its own runner is then the one that is free
      return stands(state, command.claim) && !HashMap.has(state.claims, command.taken.key)
        ? swap(state, command.claim, command.taken)
        : outcome(state, false)
    case "Restore":
      return outcome(
        {
          ...state,
          epoch: command.claims.reduce((epoch, claim) => Math.max(epoch, claim.epoch), state.epoch),
          claims: command.claims.reduce((claims, claim) => HashMap.set(claims, claim.job.key, claim), state.claims)
        },
        command.claims.length > 0
      )
  }
}

/** The claim a service has: at most one. */
export const heldBy = (state: State, service: string): Option.Option<Claim> =>
  Option.fromNullable(Array.from(HashMap.values(state.claims)).find((claim) => claim.service === service))

const claimable = (state: State, scope: Scope, now: number): ReadonlyArray<Queued> & Array<Queued> =>
  Array.from(HashMap.values(state.queued)).filter(
    ({ job, until }) => job.scope === scope && (until <= now || until - now > HAND_BACK_AT_MOST)
  )

/** A job of each class that could be claimed now, for a host to judge. */
export const classes = (state: State, scope: Scope, now: number): ReadonlyArray<JobRequest> => [
  ...new Map(claimable(state, scope, now).map(({ job }) => [classOf(job), job])).values()
]
