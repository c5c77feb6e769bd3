/** What a CI refused to a service, and asking again does not change: no VM is made for it again. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { JobKey } from "../domain/Job.ts"
import { Refusals } from "../services/Refusals.ts"
import type { Ci, JobState } from "./Ci.ts"
import { PluginError } from "./PluginError.ts"

type Refusing = Pick<Ci<JobState, never>, "name" | "refusals">

/** Whether a registration is to be rehearsed before a VM is made for it: one was refused, or none was ever tried. */
export const isDoubtful = ({ refusals: { terms, triedFirst } }: Refusing, job: JobKey) =>
  Effect.gen(function* () {
    const refusals = yield* Refusals
    if (yield* refusals.isDoubted(terms, job)) return true
    return triedFirst && (yield* refusals.isUntried(terms))
  })

/** The CI took a runner. */
export const accepted = ({ refusals: { terms } }: Refusing) =>
  Effect.flatMap(Refusals, (refusals) => refusals.accepted(terms))

/** The CI took none: of this job, or of any. */
export const remember = (
  { refusals: { terms } }: Refusing,
  service: string,
  job: JobKey,
  { reason, detail }: { readonly reason: "Unfit" | "Refused"; readonly detail: string }
) =>
  Effect.flatMap(Refusals, (refusals) =>
    reason === "Unfit" ? refusals.refusedJob(terms, job) : refusals.refused(terms, service, detail)
  )

/** The refusal that stands between this service and its jobs. */
export const current = ({ refusals: { terms } }: Refusing) =>
  Effect.flatMap(Refusals, (refusals) => refusals.current(terms))

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
