/** Reporting to the store what a look saw: in parts, and each request once. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { JobKey, JobRequest } from "../../domain/Job.ts"
import type { Reply, Sighting } from "./protocol.ts"

/** Maximum number of jobs in one part: one keeps Redis from other hosts for well under a millisecond. */
const CHUNK = 100

/** Divide what is sent into parts that do not keep the store from others. */
export const chunks = <A>(list: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, n) => list.slice(n * CHUNK, (n + 1) * CHUNK))

/** A part of a report; the last one ends the look. */
export interface Part {
  readonly jobs: ReadonlyArray<Sighting>
  readonly last: boolean
}

/** Send all jobs that were seen. The store should know the requests of those that are `known`, and says if it does not. */
export const send = <E>(
  ingest: (part: Part) => Effect.Effect<Reply, E>,
  seen: { readonly jobs: ReadonlyArray<JobRequest>; readonly known: ReadonlySet<JobKey> }
): Effect.Effect<void, E> => {
  const requests = new Map(seen.jobs.map((job) => [job.key, job]))
  const sendAll = (jobs: ReadonlyArray<Sighting>) =>
    Effect.forEach(chunks(jobs), (jobs) =>
      Effect.map(ingest({ jobs, last: false }), (reply) => (reply._tag === "Unknown" ? reply.keys : []))
    ).pipe(Effect.map((keys) => keys.flat()))
  const sightings = seen.jobs.map(
    (job): Sighting => ({ key: job.key, request: seen.known.has(job.key) ? Option.none() : Option.some(job) })
  )
  return sendAll(sightings).pipe(
    Effect.flatMap((unknown) =>
      sendAll(unknown.map((key) => ({ key, request: Option.fromNullable(requests.get(key)) })))
    ),
    Effect.zipRight(ingest({ jobs: [], last: true })),
    Effect.asVoid
  )
}
