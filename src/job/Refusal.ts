/** What a CI refused to a service, and asking again does not change: no VM is made for it again. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Refusals } from "../services/Refusals.ts"
import type { Ci, JobRef, JobState } from "./Ci.ts"
import { PluginError } from "./PluginError.ts"

type Refusing = Pick<Ci<JobState, never>, "name" | "refusals">

/** Whether a registration is to be rehearsed before a VM is made for it: one was refused, or none was ever tried. */
export const isDoubtful = ({ refusals }: Refusing, job: JobRef) =>
  Effect.gen(function* () {
    const { terms, triedFirst } = yield* refusals.of(job)
    const remembered = yield* Refusals
    if (yield* remembered.isDoubted(terms, job.key)) return true
    return triedFirst && (yield* remembered.isUntried(terms))
  })

/** The CI took a runner for a job. */
export const accepted = ({ refusals }: Refusing, job: JobRef) =>
  Effect.flatMap(Effect.all([Refusals, refusals.of(job)]), ([remembered, { terms }]) => remembered.accepted(terms))

/** The CI took none: of this job, or of any. */
export const remember = (
  { refusals }: Refusing,
  service: string,
  job: JobRef,
  { reason, detail }: { readonly reason: "Unfit" | "Refused"; readonly detail: string }
) =>
  Effect.flatMap(Effect.all([Refusals, refusals.of(job)]), ([remembered, { terms }]) =>
    reason === "Unfit" ? remembered.refusedJob(terms, job.key) : remembered.refused(terms, service, detail)
  )

/** Why no runner is tried for a job now, and until when. */
export const inForce = ({ refusals }: Refusing, job: JobRef) =>
  Effect.gen(function* () {
    const { terms } = yield* refusals.of(job)
    const refusal = yield* (yield* Refusals).current(terms)
    const now = yield* Clock.currentTimeMillis
    return Option.filter(refusal, ({ until }) => until > now)
  })

/** The refusal that stands between this service and all of its jobs: the one that is tried again first. */
export const current = ({ refusals: { all } }: Refusing) =>
  Effect.gen(function* () {
    const remembered = yield* Refusals
    const refusals = Option.all(yield* Effect.forEach(all, ({ terms }) => remembered.current(terms)))
    return Option.flatMap(refusals, (refusals) =>
      Option.fromNullable([...refusals].sort((one, other) => one.until - other.until)[0])
    )
  })

/** Fails as long as the CI refuses all runners of a service: one service tells a person, the others wait for the same. */
export const fails = (ci: Refusing, self: string): Effect.Effect<void, PluginError> =>
  Effect.flatMap(
    current(ci),
    Option.match({
      onNone: () => Effect.void,
      onSome: ({ why, service }) =>
        new PluginError({
          reason: service === self ? "Failed" : "Waiting",
          detail: `${why}. No VM is made until ${ci.name} takes a runner: that is tried from time to time, and at once after a restart`
        })
    })
  )
