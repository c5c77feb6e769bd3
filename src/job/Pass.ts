/** One pass of a service: poll, choose, claim, see the job through. It takes one job at most. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type { Scope } from "../domain/Job.ts"
import * as Finalizer from "../interruption/Finalizer.ts"
import { Progress } from "../services/Activity.ts"
import { Capacity } from "../services/Capacity.ts"
import { Coordinator, classOf } from "../services/Coordinator.ts"
import { Ledger } from "../services/Ledger.ts"
import * as Metrics from "../services/Metrics.ts"
import { Once } from "../services/Once.ts"
import { Templates } from "../services/Templates.ts"
import { Wake } from "../services/Wake.ts"
import { type Additions, NONE } from "./Additions.ts"
import type { Ci, JobState } from "./Ci.ts"
import * as Claim from "./Claim.ts"
import * as Course from "./Course.ts"
import * as Hold from "./Hold.ts"
import { PluginError } from "./PluginError.ts"
import { besideJobs, Polling } from "./Polling.ts"
import * as Refusal from "./Refusal.ts"

/** The service that makes the pass. */
export interface PassContext {
  /** Unique in this daemon. */
  readonly name: string
  readonly sleepInterval: Duration.Duration
  /** Where templates are pulled from; none is the hypervisor's own default. */
  readonly registry: Option.Option<string>
  /** Fails where a file that the jobs need cannot be used: a host that would fail each job leaves them to others. */
  readonly checkFiles: Effect.Effect<void, PluginError>
  /** What this host adds to the VM of each job, as it is now; fails where a file of it cannot be used. */
  readonly additions: Effect.Effect<Additions, PluginError>
}

/** Remove runners that could not be removed when their job ended, or that a crash left without a claim. */
const removeLeftovers = Effect.fnUntraced(function* <J extends JobState, R>(ci: Ci<J, R>, service: PassContext) {
  const ledger = yield* Ledger
  const { claims, runners } = yield* ledger.state
  const left = [...HashMap.values(runners)].filter(
    ({ named }) => named.service === service.name && !HashMap.has(claims, named.job)
  )
  for (const runner of left) {
    yield* ci.registry.removeLeft(runner).pipe(
      Effect.flatMap((removed) => (removed ? Metrics.orphanRemoved({ kind: "runner" }) : Effect.void)),
      Effect.catchAll((error) => Effect.logDebug(`runner ${named(runner)} is still there: ${error.message}`))
    )
  }
})

const named = ({ named }: { readonly named: { readonly runner: string } }) => named.runner

/** The queued jobs that want a VM of ours; what a person should know of them is logged once. */
const polled = Effect.fnUntraced(function* <J extends JobState, R>(ci: Ci<J, R>, scope: Scope) {
  const { once } = yield* Once
  const progress = yield* Progress
  const polled = yield* ci.poll(scope)
  if (polled.nothing !== "") yield* progress.idleReason(`nothing is watched: ${polled.nothing}`)
  yield* progress.queued(polled.requests)
  for (const { about, text, fields, unfit } of polled.remarks) {
    if (Option.isSome(unfit)) yield* progress.note(unfit.value.job, unfit.value.why, 0)
    yield* once(about, Effect.logWarning(text).pipe(Effect.annotateLogs(fields)))
  }
  return { jobs: polled.requests, isPartial: polled.isPartial }
})

/** A VM that is kept for inspection goes when a job has waited for its place for this long. */
const GIVE_UP_AFTER = "2 seconds"

type Polls = Pick<PassContext, "name" | "sleepInterval">

/** Poll on behalf of all services and hosts of the scope, if that is due. */
const poll = <J extends JobState, R>(service: Polls, ci: Ci<J, R>, scope: Scope, apart?: Duration.Duration) =>
  Effect.flatMap(Polling, (polling) =>
    polling.poll(scope, {
      service: service.name,
      every: service.sleepInterval,
      ...(apart === undefined ? {} : { apart }),
      look: polled(ci, scope)
    })
  )

/** Look at the CI beside the job of a service, and claim nothing: the queue that people see is the one that there is. */
export const look = <J extends JobState, R>(service: Polls, ci: Ci<J, R>) =>
  Effect.gen(function* () {
    const scope = yield* ci.scope
    yield* (yield* Coordinator).join(scope, ci.terms)
    yield* poll(service, ci, scope, besideJobs(service.sleepInterval))
  }).pipe(Effect.annotateLogs(ci.fields), Effect.mapError(asPluginError(ci.name)))

/** Make one pass. */
export const run = <J extends JobState, R>(service: PassContext, ci: Ci<J, R>) =>
  Effect.gen(function* () {
    const coordinator = yield* Coordinator
    const wake = yield* Wake
    const progress = yield* Progress
    const capacity = yield* Capacity
    const templates = yield* Templates

    yield* removeLeftovers(ci, service)
    const left = yield* coordinator.held(service.name)
    // registered first, so that it runs last: when our job's resources are gone, other services check for room again. Only
    // after a job, because a pass that found nothing to do would wake itself forever
    const hadJob = yield* Ref.make(false)
    yield* Finalizer.addUnlessHandedOver(Effect.flatMap(Ref.get(hadJob), (hadJob) => (hadJob ? wake.all : Effect.void)))
    if (Option.isSome(left)) {
      const { job } = left.value
      if (!(yield* ci.isOurs(job))) {
        yield* Effect.logWarning(
          `job ${job.key} of the ledger is given up: it belongs to what the config does not name (any more)`
        )
        return yield* coordinator.finish(left.value)
      }
      // a job that runs is seen through, with or without the store
      yield* Effect.ignore(coordinator.join(job.scope, ci.terms))
      yield* capacity.occupy(job.template)
      // its VM is prepared already, and what comes after the job must not keep it from being seen through
      const additions = yield* service.additions.pipe(
        Effect.catchAll((error) => Effect.as(Effect.logWarning(`${error.message}. It is left out for this job`), NONE))
      )
      yield* Claim.use(Claim.resume(left.value), (held) =>
        Effect.zipRight(
          Ref.set(hadJob, true),
          Effect.annotateLogs(Course.resume({ ci, service, additions }, held), job.fields)
        )
      )
      return
    }

    const scope = yield* ci.scope
    yield* coordinator.join(scope, ci.terms)
    yield* poll(service, ci, scope)
    // another service may have polled in our place: a job is not to be taken with a credential that is refused
    yield* ci.admitted
    const waiting = yield* coordinator.waiting(scope, service.name)
    const refused = yield* Refusal.current(ci)
    const now = yield* Clock.currentTimeMillis
    // a service whose runners are refused does not work again because there is nothing to do
    const unlessRefused = Refusal.fails(ci, service.name)
    if (waiting.length === 0 || Option.exists(refused, ({ until }) => until > now)) return yield* unlessRefused
    const runnable = yield* Effect.filter(waiting, ({ template }) => templates.available(template))
    if (runnable.length === 0) {
      yield* progress.idleReason("jobs wait for the pull that is under way on this host")
      yield* Effect.logDebug("jobs wait for the pull that is under way on this host")
      return yield* unlessRefused
    }
    yield* service.checkFiles
    const additions = yield* service.additions
    let room = yield* capacity.reserve(runnable)
    if (Option.isNone(room) && (yield* Hold.canGiveUp)) {
      // another service may just be taking the only job, and has the room for it
      yield* Effect.sleep(GIVE_UP_AFTER)
      const isNeeded = (yield* coordinator.waiting(scope, service.name)).length > 0
      room = yield* capacity.reserve(runnable)
      while (isNeeded && Option.isNone(room) && (yield* Hold.giveUp)) room = yield* capacity.reserve(runnable)
    }
    if (Option.isNone(room)) {
      yield* progress.idleReason("jobs wait: no room for another VM on this host")
      yield* Effect.logDebug("jobs wait: no room for another VM on this host")
      return yield* unlessRefused
    }
    yield* Claim.use(Claim.take(scope, service.name, room.value.jobs.map(classOf)), (held) =>
      Effect.gen(function* () {
        yield* Ref.set(hadJob, true)
        const { job } = yield* held.claim
        yield* room.value.narrow(job.template)
        return yield* Course.run({ ci, service, additions }, held).pipe(Effect.annotateLogs(job.fields))
      })
    )
    yield* unlessRefused
  }).pipe(Effect.annotateLogs(ci.fields), Effect.mapError(asPluginError(ci.name)))

/** A failure of a service, for those who do not know its CI. `ci`: how the CI is called in sentences. */
export const asPluginError =
  (ci: string) =>
  (error: Error & { readonly _tag: string; readonly reason?: string; readonly cause?: unknown }): PluginError => {
    if (error instanceof PluginError) return error
    const cause = error._tag === "CiError" ? (error.cause ?? error) : error
    return new PluginError({ reason: reasonOf(error), detail: error.message, ...troubleOf(ci, error), cause })
  }

/** However what was asked differs: a refused credential is one trouble. */
const troubleOf = (ci: string, error: { readonly _tag: string; readonly reason?: string }) =>
  error._tag === "CiError" && error.reason === "Unauthorized" ? { trouble: `${ci} refuses the credential` } : {}

const reasonOf = (error: { readonly _tag: string; readonly reason?: string }): PluginError["reason"] => {
  if (error._tag === "AnkaError")
    return error.reason === "Missing" || error.reason === "LicenseInvalid" ? "Anka" : "Failed"
  if (error._tag === "CoordinatorError") return "Store"
  if (error._tag !== "CiError") return "Failed"
  switch (error.reason) {
    case "Unauthorized":
    case "Forbidden":
      return "Credentials"
    case "RateLimited":
      return "Waiting"
    default:
      return "Failed"
  }
}
