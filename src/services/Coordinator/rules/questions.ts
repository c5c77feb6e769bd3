/** What people ask: a survey of the scope, and how one job stands. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { JobKey } from "../../../domain/Job.ts"
import { classOf, dueOf, isLate } from "../order.ts"
import { type JobRecord, RULES, type State, type Survey } from "../protocol.ts"
import { byClass, compare, ownedOf, reservedBy } from "./queue.ts"

/** The scope, with one page of its hosts from the given one on. */
export const survey = (state: State, from: number): Survey => ({
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
  claimsFrozenUntil: state.claimsFrozenUntil
})

/** One job. */
export const inspect = (state: State, job: JobKey, now: number): JobRecord => {
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
