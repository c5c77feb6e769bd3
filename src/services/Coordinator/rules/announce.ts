/** Jobs that a CI told of while nobody looked. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { JobRequest } from "../../../domain/Job.ts"
import type { Seat, State } from "../protocol.ts"
import { enqueue, newlyQueued, type Outcome, outcome, wakeFor } from "./queue.ts"

/**
 * Take in jobs that were announced as queued. An announcement may be late or come twice, so it adds what is not known
 * and changes nothing else: a job that has an owner stays with it, one that is over stays over, and only a look can say
 * that a job is gone. Two whole looks after the announcement have to miss a job before it is forgotten.
 */
export const announce = (state: State, jobs: ReadonlyArray<JobRequest>, now: number): Outcome => {
  let after = state
  const wake: Array<Seat> = []
  for (const job of jobs) {
    const { key } = job
    if (HashMap.has(after.owned, key) || HashMap.has(after.done, key)) continue
    const seen = after.turn.fence
    const queued = Option.getOrUndefined(HashMap.get(after.queued, key))
    if (queued !== undefined) {
      after = { ...after, queued: HashMap.set(after.queued, key, { ...queued, seen }) }
      continue
    }
    const added = newlyQueued(job, seen, now)
    const [next, woken] = wakeFor(enqueue(after, key, added), added, now)
    after = next
    wake.push(...woken)
  }
  return outcome(after, { _tag: "Done" }, wake)
}
