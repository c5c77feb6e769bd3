/** What people ask: a survey of the scope, which jobs wait, and how one job stands. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { JobKey } from "../../../domain/Job.ts"
import { classOf, dueOf, isLate } from "../order.ts"
import { type JobRecord, type Listed, RULES, type State, type Survey } from "../protocol.ts"
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
  // a host of an older version does not write when its look began
  seenAt: state.ended === state.turn.fence ? state.turn.began : state.seenAt,
  claimsFrozenUntil: state.claimsFrozenUntil
})

/** One page of the queue from the given job on: class by class, each in its order. */
export const list = (
  state: State,
  from: number,
  now: number
): { readonly more: boolean; readonly jobs: ReadonlyArray<Listed> } => {
  const all = byClass(state).flatMap(([, jobs]) => jobs.map((queued, ahead) => ({ queued, ahead })))
  return {
    more: all.length > from + RULES.page,
    jobs: all.slice(from, from + RULES.page).map(({ queued, ahead }) => ({
      job: queued.job,
      record: {
        state: "queued",
        attempt: queued.attempt,
        ahead,
        owner: "",
        service: "",
        late: dueOf(queued.rank),
        reserver: reservedBy(state, queued.job.key, now) ?? "",
        excluded: queued.excluded.filter(({ until }) => until > now)
      }
    }))
  }
}

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
