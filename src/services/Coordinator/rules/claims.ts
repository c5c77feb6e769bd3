/** Who gets a job, and what becomes of it: claimed, handed back, finished, swapped, reserved. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { JobKey } from "../../../domain/Job.ts"
import { dueOf, isLate } from "../order.ts"
import {
  type Claim,
  type ClaimName,
  type HandBack,
  type HostId,
  type Queued,
  type Request,
  RULES,
  type State
} from "../protocol.ts"
import {
  byClass,
  choices,
  compare,
  disown,
  enqueue,
  heldBy,
  idOf,
  NO,
  type Outcome,
  outcome,
  own,
  ownedOf,
  placeOf,
  putLast,
  reservationOf,
  reservedBy,
  unidle,
  unqueue,
  validClaim,
  wakeFor
} from "./queue.ts"

/** A job of each class that the host may claim. */
export const waiting = (state: State, host: HostId, now: number): Outcome =>
  outcome(state, {
    _tag: "Heads",
    ready: state.ready,
    jobs: choices(state, host, byClass(state).slice(0, RULES.classes), now).map(({ job }) => job)
  })

/** A service waits; refused if a job became claimable since it looked. */
export const idle = (
  state: State,
  host: HostId,
  command: Request & { readonly _tag: "Idle" },
  now: number
): Outcome => {
  if (command.ready !== state.ready) return outcome(state, NO)
  const { service, hot } = command
  return outcome({
    ...state,
    idle: HashMap.set(state.idle, idOf({ host, service }), { host, service, since: now, hot })
  })
}

/** The service gets the first job of the offered classes; one that holds a claim gets that one again. */
export const claim = (
  state: State,
  host: HostId,
  command: Request & { readonly _tag: "Claim" },
  now: number
): Outcome => {
  const { service, lease } = command
  const until = now + lease
  const held = heldBy(state, { host, service })
  if (Option.isSome(held)) {
    return outcome(own(state, host, held.value, until), { _tag: "Claimed", claim: held })
  }
  const none = outcome(state, { _tag: "Claimed", claim: Option.none() })
  if (state.claimsFrozenUntil > now && state.claimsFrozenUntil - now <= RULES.frozen) return none
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
    // a host with a job leaves looking to others
    turn: turn.host === host ? { ...turn, until: Math.min(turn.until, now) } : turn
  }
  return outcome(after, { _tag: "Claimed", claim: Option.some(claim) })
}

/** Put a claimed job back into the queue. */
const requeue = (
  state: State,
  claim: Claim,
  { rank, attempt, excluded }: Pick<Queued, "rank" | "attempt" | "excluded">,
  now: number
) => {
  const queued: Queued = { job: claim.job, rank, attempt, seen: state.turn.fence, excluded }
  return wakeFor(enqueue(disown(state, claim.job.key), claim.job.key, queued), queued, now)
}

/** A job goes back into the queue: behind all fresh jobs if it fails wherever it is tried. */
export const release = (state: State, host: HostId, claim: ClaimName, handBack: HandBack, now: number): Outcome => {
  const held = validClaim(state, host, claim)
  if (held === undefined) return outcome(state)
  const { after: wait, charged, inVain = false } = handBack
  const reason = handBack.reason.slice(0, RULES.reason)
  const others = held.excluded.filter((it) => it.host !== host && it.until > now)
  const excluded = [...others, ...(wait > 0 ? [{ host, until: now + wait, soft: !charged, reason }] : [])].slice(
    -RULES.excluded
  )
  const attempt = charged ? claim.attempt : claim.attempt - 1
  const isLast = inVain || (charged && attempt >= RULES.failures)
  const rank = isLast ? putLast(held.rank, now) : held.rank
  const [after, wake] = requeue(state, { ...claim, job: held.job }, { rank, attempt, excluded }, now)
  return outcome(after, { _tag: "Done" }, wake)
}

/** A job is done, unless another claim than this holds it now. */
export const finish = (state: State, host: HostId, claim: Claim, now: number): Outcome => {
  const { key } = claim.job
  if (HashMap.has(state.owned, key) && validClaim(state, host, claim) === undefined) return outcome(state)
  return outcome({ ...disown(unqueue(state, key), key), done: HashMap.set(state.done, key, now) })
}

/** A runner got another job than planned: the claim moves to that job, and the planned one goes back. */
export const swap = (
  state: State,
  host: HostId,
  command: Request & { readonly _tag: "Swap" },
  now: number
): Outcome => {
  const { claim, taken, lease } = command
  const other = ownedOf(state, taken.key)
  // a job that another service holds stays with it: then the runner of that service is the free one
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

/** Keep a queued job for a host; a host keeps one job, and a job is kept for one host. */
export const reserve = (state: State, host: HostId, job: JobKey, lasting: number, now: number): Outcome => {
  const mine = reservationOf(state, host, now)
  const theirs = reservedBy(state, job, now)
  if (!HashMap.has(state.queued, job) || (mine !== undefined && mine.job.key !== job)) return outcome(state, NO)
  if (theirs !== undefined && theirs !== host) return outcome(state, NO)
  return outcome({ ...state, reserved: HashMap.set(state.reserved, host, { job, until: now + lasting }) })
}
