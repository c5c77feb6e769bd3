/** The queue of Anklet 1 and 2 in a store: lists of jobs, which this version neither reads nor changes. */
import * as Effect from "effect/Effect"
import type { Setting } from "../config/Setting.ts"
import { counted } from "../domain/Format.ts"
import type { Redis } from "../services/Redis.ts"

/** Number of jobs in a list, which may be of any type. */
const LENGTH = `#!lua flags=no-writes
return {redis.call('TYPE', KEYS[1]).ok == 'list' and string.format('%.0f', redis.call('LLEN', KEYS[1])) or '0'}
`

/** Maximum number of owners whose lists are read: each takes three questions. */
const OWNERS = 20

/** What waits there, what waits for room, and what runs. */
const LISTS = ["queued", "paused", "in_progress"] as const

/** The owners, and the enterprises, whose jobs the services of this config run: the names of the lists. */
export const ownersIn = (settings: ReadonlyArray<Setting>): ReadonlyArray<string> => {
  // of a service, or of a scope that it watches
  const named = settings.flatMap(({ path, value }) =>
    path[0] === "services" && /^(?:owner|enterprise)$/.test(`${path.at(-1)}`) && typeof value === "string"
      ? [value]
      : []
  )
  return [...new Set(named)].slice(0, OWNERS)
}

/**
 * What the lists of these owners have, in words: one text for each owner with jobs in them. A list that this user may
 * not read counts as empty.
 */
export const olderQueues = Effect.fn("Doctor.olderQueues")(function* (redis: Redis, owners: ReadonlyArray<string>) {
  const { hashed } = yield* Effect.promise(() => import("../services/Coordinator/redis/scripts.ts"))
  const script = hashed(LENGTH)
  const lengthOf = (key: string) =>
    redis.run(script, [key], []).pipe(
      Effect.map(([length]) => Number(length)),
      Effect.orElseSucceed(() => 0)
    )
  const found = yield* Effect.forEach(
    owners,
    (owner) =>
      Effect.map(
        Effect.forEach(LISTS, (list) => lengthOf(`anklet/jobs/github/${list}/${owner}`)),
        ([queued = 0, paused = 0, running = 0]) =>
          queued + paused + running === 0
            ? []
            : [`${counted(queued + paused, "job")} of ${owner} in its queue, and ${running} running`]
      ),
    { concurrency: 4 }
  )
  return found.flat()
})
