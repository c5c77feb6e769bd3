/** Looking at the CI on behalf of all: whose turn it is, and what becomes of the jobs that were seen. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { JobKey } from "../../../domain/Job.ts"
import { classOf, type JobClass } from "../order.ts"
import { type HostId, type Queued, type Request, RULES, type Seat, type State } from "../protocol.ts"
import {
  byClass,
  compare,
  disown,
  enqueue,
  isStale,
  NO,
  newlyQueued,
  type Outcome,
  outcome,
  putLast,
  unqueue,
  wakeFor
} from "./queue.ts"

/** A host asks for the turn: granted if the last look is old enough, and the host that made it does not make the next one. A hint shortens the wait, and moves the turn to the host that has it; only a look that is under way holds it up. */
export const poll = (
  state: State,
  host: HostId,
  { every, sooner = false }: Request & { readonly _tag: "Poll" },
  now: number
): Outcome => {
  const { turn, ended } = state
  const interval = sooner ? Math.min(every, RULES.sooner) : every
  // a look that began in the future: the clock was set back since
  const fresh = turn.fence > 0 && turn.began <= now && now - turn.began < interval
  // no host has written a turn that lasts longer
  const until = turn.until - now > Math.max(2 * every + RULES.grace, RULES.turn) ? 0 : turn.until
  const isTheirs = turn.host !== host && until > now && !(sooner && ended === turn.fence)
  if (fresh || (isTheirs && turn.began <= now)) return outcome(state, NO)
  const fence = turn.fence + 1
  return outcome(
    { ...state, turn: { fence, began: now, host, until: now + 2 * every + RULES.grace } },
    { _tag: "Turn", fence }
  )
}

/** Put jobs that have become stale behind all fresh ones. */
const demote = (state: State, now: number): State => {
  const stale = byClass(state)
    .slice(0, RULES.classes)
    .flatMap(([, jobs]) => jobs.filter(({ rank }) => isStale(rank, now)))
    .slice(0, RULES.demoted)
    .map((queued): readonly [JobKey, Queued] => [queued.job.key, { ...queued, rank: putLast(queued.rank, now) }])
  return { ...state, queued: HashMap.union(state.queued, HashMap.fromIterable(stale)) }
}

/** Take in what was seen. Ends expired claims first; the end of a look also forgets jobs that are gone, and wakes services for what waits. */
export const ingest = (
  state: State,
  host: HostId,
  command: Request & { readonly _tag: "Ingest" },
  now: number
): Outcome => {
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
    const added = newlyQueued(request.value, fence, now)
    after = enqueue({ ...after, done: HashMap.remove(after.done, key) }, key, added)
    fresh.add(classOf(added.job))
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
      ended: fence,
      seenAt: after.turn.began,
      done: Array.from(HashMap.entries(after.done))
        .filter(([, since]) => since <= now - RULES.tombstone)
        .sort(([a, x], [b, y]) => x - y || compare(a, b))
        .slice(0, RULES.forgotten)
        .reduce((done, [key]) => HashMap.remove(done, key), after.done)
    }
    after = demote(after, now)
    // the host that was woken for these may have died since
    for (const [name, [head]] of byClass(after).slice(0, RULES.wakes)) {
      if (head !== undefined && !fresh.has(name)) wakeOne(head)
    }
  }
  return outcome(after, { _tag: "Unknown", keys: unknown }, wake)
}
