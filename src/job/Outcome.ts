/** What a failed attempt means for its job: what the log says, which host may try next, and when. */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { span } from "../domain/Format.ts"
import type { JobRequest } from "../domain/Job.ts"
import type { AnkaError } from "../services/Anka.ts"
import { Capacity } from "../services/Capacity.ts"
import type { Claim } from "../services/Coordinator.ts"
import type { HostLockError } from "../services/HostLock.ts"
import type { JournalError } from "../services/Journal.ts"
import type * as Metrics from "../services/Metrics.ts"
import { Once } from "../services/Once.ts"
import type { TemplateError } from "../services/Templates.ts"
import type { CiError } from "./CiError.ts"
import type { Verdict } from "./Claim.ts"
import type { ScriptError } from "./Guest.ts"
import type { RegistrationError } from "./RegistrationError.ts"

/** All that can go wrong between a claim and a running job. */
export type Failure =
  | AnkaError
  | Cause.TimeoutException
  | CiError
  | HostLockError
  | JournalError
  | RegistrationError
  | ScriptError
  | TemplateError

/** `CapacityExceeded` as `capacity_exceeded`. */
type Snake<S extends string> = S extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : ""
type Words<S extends string> = Snake<Uncapitalize<S>>

/** `CapacityExceeded` as `capacity_exceeded`: how causes are written. */
export const words = <S extends string>(name: S) => name.replace(/(?!^)[A-Z]/g, "_$&").toLowerCase() as Words<S>

/** What a failure counts as. */
export const causeOf = (error: Failure): Metrics.Cause => {
  switch (error._tag) {
    case "AnkaError":
      return `anka_${words(error.reason)}`
    case "CiError":
      return error.counted ?? "ci_failed"
    case "TemplateError":
      return `template_${words(error.reason)}`
    case "RegistrationError":
      return `registration_${words(error.reason)}`
    case "ScriptError":
      return "script"
    case "HostLockError":
      return "host_lock"
    case "JournalError":
      return "journal"
    case "TimeoutException":
      return "timeout"
  }
}

/** A job that was given up, or that no registry can satisfy, is tried again after this: somebody may have fixed the cause. */
export const GIVEN_UP_FOR = Duration.minutes(30)
/** A CI keeps a queued job no longer than this: it is not tried again. */
const FOR_GOOD = Duration.hours(24)
/** Disk space does not come back by itself. */
const NO_SPACE_FOR = Duration.minutes(10)
/** Somebody else sees to the job; if not, it is still queued then. */
const ELSEWHERE_FOR = Duration.minutes(1)
/** A full host has room again when a VM ends. */
const FULL_FOR = Duration.seconds(10)
/** After the first, second, … failed attempt: one bad clone is tried again soon, a broken host is left in peace. */
const BACK_OFF = [Duration.seconds(5), Duration.minutes(1), Duration.minutes(5)] as const
const BACK_OFF_AT_MOST = Duration.minutes(15)

/** Give a job back. */
export const handedBack = (
  reason: string,
  after: Duration.DurationInput,
  charged: boolean
): Extract<Verdict, { readonly _tag: "HandedBack" }> => ({
  _tag: "HandedBack",
  reason,
  after,
  charged
})

/** Give up a job. `inVain` when it would get nowhere on any other host either: then it comes after all that is new. */
export const givenUp = (reason: string, inVain: boolean): Verdict => ({
  ...handedBack(reason, GIVEN_UP_FOR, true),
  inVain
})

/** After this wait, in milliseconds, a job whose room smaller jobs keep taking gets a reservation. */
const PATIENCE = 60_000

/** Whether a job found no room beside other VMs for so long that they must stop coming. Alone on a host, it will never fit. */
const isCrowdedOut = ({ createdAt }: JobRequest): Effect.Effect<boolean, never, Capacity> =>
  Effect.gen(function* () {
    const capacity = yield* Capacity
    const present = yield* Effect.orElseSucceed(capacity.present, () => 0)
    return present > 1 && (yield* Clock.currentTimeMillis) - createdAt > PATIENCE
  })

/** Judge a failure: log it as what it is (a busy host is no error), with where `evidence` of it is, and tell `unknown` why no host can ever run the job. */
export const judge = <R>(
  error: Failure,
  { job, attempt }: Claim,
  unknown: (reason: string) => Effect.Effect<void, never, R>,
  evidence = ""
): Effect.Effect<Verdict, never, Capacity | Once | R> => {
  const backOff = BACK_OFF[attempt - 1] ?? BACK_OFF_AT_MOST
  const again = (after: Duration.Duration) => `The job is tried again in ${span(after)}`
  const failed = (after: Duration.Duration) =>
    Effect.as(Effect.logError(`${error.message}. ${again(after)}${evidence}`), handedBack(error.message, after, true))
  const notNow = (after: Duration.DurationInput, charged: boolean) =>
    Effect.as(Effect.logInfo(`not now: ${error.message}`), handedBack(error.message, after, charged))

  switch (error._tag) {
    case "TemplateError":
      switch (error.reason) {
        case "PullBusy":
          return notNow(0, false)
        case "Unknown":
          return Effect.flatMap(Once, ({ once }) =>
            once(
              `unknown template ${job.key}`,
              Effect.zipRight(Effect.logError(`${error.message}. ${again(GIVEN_UP_FOR)}`), unknown(error.message))
            )
          ).pipe(Effect.as(givenUp(error.message, true)))
        case "NoSpace":
          return failed(NO_SPACE_FOR)
        default:
          return failed(backOff)
      }
    case "AnkaError":
      return error.reason === "CapacityExceeded"
        ? Effect.zipWith(notNow(FULL_FOR, false), isCrowdedOut(job), (verdict, kept) => ({ ...verdict, kept }))
        : failed(backOff)
    case "RegistrationError":
      switch (error.reason) {
        case "Elsewhere":
          // the first time, it may be another host that is about to start it
          return error.runner !== undefined && attempt > 1
            ? Effect.as(
                Effect.logWarning(`not now, at attempt ${attempt}: ${error.message}. ${again(ELSEWHERE_FOR)}`),
                handedBack(error.message, ELSEWHERE_FOR, true)
              )
            : notNow(ELSEWHERE_FOR, true)
        case "Unfit":
          return Effect.flatMap(Once, ({ once }) =>
            once(
              `unfit ${job.key}`,
              Effect.zipRight(Effect.logError(`${error.message}. The job is not tried again`), unknown(error.message))
            )
          ).pipe(Effect.as(handedBack(error.message, FOR_GOOD, true)))
        case "Refused":
          // the service tells it: it is not about this job
          return Effect.succeed(handedBack(error.message, 0, false))
        default:
          return failed(backOff)
      }
    case "CiError": {
      const { until } = error
      // the service's trouble, not the job's: its next pass says so, and another service or host may take the job
      if (error.reason === "Unauthorized") return notNow(0, false)
      return until === undefined
        ? failed(backOff)
        : Effect.flatMap(Clock.currentTimeMillis, (now) => notNow(Duration.millis(Math.max(0, until - now)), false))
    }
    default:
      return failed(backOff)
  }
}
