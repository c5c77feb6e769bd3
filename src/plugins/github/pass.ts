/** One pass: look, plan, claim, see the job through. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Finalizer from "../../interruption/Finalizer.ts"
import * as Claim from "../../job/Claim.ts"
import { Progress } from "../../services/Activity.ts"
import { type Claim as Claimed, Coordinator, classOf } from "../../services/Coordinator.ts"
import { GitHub } from "../../services/GitHub.ts"
import { Ledger, RunnerGone } from "../../services/Ledger.ts"
import * as Metrics from "../../services/Metrics.ts"
import { Once } from "../../services/Once.ts"
import { Slots } from "../../services/Slots.ts"
import { Templates } from "../../services/Templates.ts"
import { Wake } from "../../services/Wake.ts"
import { PluginError, type ServiceContext } from "../Plugin.ts"
import { askWithRun, isDone, type JobAddress } from "./ask.ts"
import { credentialOf, type GitHubConfig, levelOf, termsOf, watchedOf } from "./config.ts"
import * as confine from "./confine.ts"
import * as job from "./job.ts"
import * as refusal from "./refusal.ts"
import { about, JobDetail, keyOf, scopeOf, sort } from "./request.ts"
import * as runner from "./runner.ts"

/** Whether a job is one of those that the config names, also by the names that they have at GitHub now. */
const isOfConfig = (context: job.Context, address: JobAddress) => {
  const watched = watchedOf(context.config)
  return confine.isWatched(watched, address)
    ? Effect.succeed(true)
    : Effect.map(context.client.named(watched), (now) => confine.isWatched(now, address))
}

/** Runners that could not be removed when their job ended, or that a crash left without a claim. */
const removeLeftovers = Effect.fnUntraced(function* (context: job.Context) {
  const ledger = yield* Ledger
  const { claims, runners } = yield* ledger.state
  const left = [...HashMap.values(runners)].filter(
    ({ named }) => named.service === context.service.name && !HashMap.has(claims, named.job)
  )
  const strike = (name: string, why: string) =>
    Effect.zipRight(
      Effect.logWarning(`runner ${name} of the ledger is left alone, and struck from it: ${why}`),
      ledger.settle(RunnerGone.make({ runner: name }))
    )
  for (const { named, id } of left) {
    const name = named.runner
    const detail = yield* Schema.decodeUnknown(runner.RunnerDetail)(named.detail).pipe(Effect.option)
    const level = Option.match(detail, { onNone: () => levelOf(context.config), onSome: ({ level }) => level })
    const job = Option.flatMap(detail, ({ job }) => Option.fromNullable(job))
    yield* Effect.gen(function* () {
      if (!confine.isRunnerName(name)) return yield* strike(name, "Anklet gives no such name")
      if (!confine.isLevel(context.config, level) || (Option.isSome(job) && !(yield* isOfConfig(context, job.value))))
        return yield* strike(
          name,
          "it belongs to what the config does not name (any more). If it is still there, remove it on GitHub's page of the runners"
        )
      if (Option.isSome(id)) {
        const there = yield* context.client.runner(level, id.value)
        if (Option.isSome(there) && there.value.name !== name)
          return yield* strike(name, `its number ${id.value} is that of another runner`)
      } else if (Option.isSome(job) && !isDone(yield* askWithRun(context.client, job.value))) {
        // known by its name alone, it may be another host's, as long as its job waits or runs
        return
      }
      yield* runner.remove(context.client, level, name, Effect.succeed(true))
      yield* Metrics.orphanRemoved({ kind: "runner" })
    }).pipe(Effect.catchAll((error) => Effect.logDebug(`runner ${name} is still there: ${error.message}`)))
  }
})

/** A claim that the ledger has, of a job that the config does not name, is given up: neither GitHub nor a VM is asked for it. */
const isForeign = Effect.fnUntraced(function* (context: job.Context, claim: Claimed) {
  const address = Schema.decodeUnknownOption(JobDetail)(claim.job.detail)
  const isOurs = Option.isSome(address) && (yield* isOfConfig(context, address.value))
  if (!isOurs)
    yield* Effect.logWarning(
      `job ${claim.job.key} of the ledger is given up: it belongs to what the config does not name (any more)`
    )
  return !isOurs
})

/** The queued jobs that want a VM of ours; labels that cannot be satisfied are reported once. */
const lookAround = Effect.fnUntraced(function* (
  context: job.Context,
  scope: ReturnType<typeof scopeOf>,
  isPartial: Ref.Ref<boolean>
) {
  const { once } = yield* Once
  const progress = yield* Progress
  const look = yield* context.look(0)
  yield* Ref.set(isPartial, !look.isWhole)
  if (look.nothing !== "") yield* progress.idleReason(`nothing is watched: ${look.nothing}`)
  const { requests, refused, doubted, broken } = sort(
    scope,
    look.jobs.filter(({ status }) => status === "queued")
  )
  yield* progress.queued(requests)
  for (const [job, why] of refused) {
    yield* progress.note(keyOf(job), `its labels cannot be satisfied: ${why}`, 0)
    yield* once(
      `labels of ${job.url}`,
      Effect.logWarning(`labels cannot be satisfied: ${why}`).pipe(Effect.annotateLogs(about(job)))
    )
  }
  for (const [job, why] of doubted) {
    yield* once(
      `labels of ${job.url}`,
      Effect.logWarning(`labels may be mistyped: ${why}`).pipe(Effect.annotateLogs(about(job)))
    )
  }
  for (const [job, why] of broken) {
    yield* once(
      `job ${job.id} is left out`,
      Effect.logWarning(`job ${job.id} is left out, the others are taken: nothing can be made of it: ${why}`)
    )
  }
  return requests
})

/** Make one pass. */
export const run = (service: ServiceContext, config: GitHubConfig) =>
  Effect.gen(function* () {
    const coordinator = yield* Coordinator
    const wake = yield* Wake
    const progress = yield* Progress
    const slots = yield* Slots
    const templates = yield* Templates
    const client = yield* (yield* GitHub).client(credentialOf(config))
    const watched = watchedOf(config)
    const terms = termsOf(config)
    const context: job.Context = { service, config, client, look: (maxAge) => client.look(watched, maxAge) }

    yield* removeLeftovers(context)
    const left = yield* coordinator.held(service.name)
    // Registered first so that it runs last: when our job has left its VM slot, other services check for room again. A pass that
    // found nothing to do must not wake anybody: it would wake itself forever
    const hadJob = yield* Ref.make(false)
    yield* Finalizer.add(Effect.flatMap(Ref.get(hadJob), (hadJob) => (hadJob ? wake.all : Effect.void)))
    if (Option.isSome(left) && (yield* isForeign(context, left.value))) return yield* coordinator.finish(left.value)
    if (Option.isSome(left)) {
      // a job that runs is seen through, with or without the store
      yield* Effect.ignore(coordinator.join(left.value.job.scope, terms))
      yield* slots.occupy
      const { fields } = left.value.job
      return yield* Claim.use(Claim.resume(left.value), (held) =>
        Effect.zipRight(Ref.set(hadJob, true), Effect.annotateLogs(job.resume(context, held), fields))
      )
    }

    // hosts whose configs call a renamed repository by different names share one queue
    const scope = scopeOf(yield* client.named(watched), config.api_url)
    yield* coordinator.join(scope, terms)
    const isPartial = yield* Ref.make(false)
    yield* coordinator.refresh(scope, {
      service: service.name,
      every: service.sleepInterval,
      look: lookAround(context, scope, isPartial),
      isPartial: Ref.get(isPartial)
    })
    // another service may have looked in our place: a job is not to be taken with a credential that GitHub refuses
    yield* client.admitted
    const waiting = yield* coordinator.waiting(scope, service.name)
    const refused = yield* refusal.current(config)
    const now = yield* Clock.currentTimeMillis
    // a service that GitHub refuses does not work again because there is nothing to do
    const unlessRefused = refusal.fails(config, service.name)
    if (waiting.length === 0 || Option.exists(refused, ({ until }) => until > now)) return yield* unlessRefused
    const runnable = yield* Effect.filter(waiting, ({ template }) => templates.available(template))
    if (runnable.length === 0) {
      yield* progress.idleReason("jobs wait for the pull that is under way on this host")
      yield* Effect.logDebug("jobs wait for the pull that is under way on this host")
      return yield* unlessRefused
    }
    yield* service.checkFiles
    if (!(yield* slots.take)) {
      yield* progress.idleReason("jobs wait: no room for another VM on this host")
      yield* Effect.logDebug("jobs wait: no room for another VM on this host")
      return yield* unlessRefused
    }
    yield* Claim.use(Claim.take(scope, service.name, runnable.map(classOf)), (held) =>
      Effect.gen(function* () {
        yield* Ref.set(hadJob, true)
        const claim = yield* held.claim
        return yield* job.run(context, held).pipe(Effect.annotateLogs(claim.job.fields))
      })
    )
    yield* unlessRefused
  }).pipe(
    Effect.annotateLogs({
      owner: config.owner,
      ...Option.match(config.repo, { onNone: () => ({}), onSome: (repo) => ({ repo }) })
    }),
    Effect.mapError((error) =>
      error._tag === "PluginError"
        ? error
        : new PluginError({ reason: reasonOf(error), detail: error.message, ...troubleOf(error), cause: error })
    )
  )

/** Whatever was asked with it: a refused credential is one trouble. */
const troubleOf = (error: { readonly _tag: string; readonly reason?: string }) =>
  error._tag === "GitHubError" && error.reason === "Unauthorized" ? { trouble: "GitHub refuses the credential" } : {}

const reasonOf = (error: { readonly _tag: string; readonly reason?: string }): PluginError["reason"] => {
  if (error._tag === "AnkaError")
    return error.reason === "Missing" || error.reason === "LicenseInvalid" ? "Anka" : "Failed"
  if (error._tag === "CoordinatorError") return "Store"
  if (error._tag !== "GitHubError") return "Failed"
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
