/** One job, from claim to conclusion: template, VM, runner, watch. Closing the scopes undoes runner, VM and claim. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import { span } from "../../domain/Format.ts"
import type { Conclusion, JobKey, JobRequest } from "../../domain/Job.ts"
import * as Race from "../../interruption/Race.ts"
import type { ClaimHandle, Verdict } from "../../job/Claim.ts"
import * as Guest from "../../job/Guest.ts"
import { causeOf, type Failure, GIVEN_UP_FOR, givenUp, handedBack, judge } from "../../job/Outcome.ts"
import * as Vm from "../../job/Vm.ts"
import { reached } from "../../services/Activity.ts"
import { Coordinator } from "../../services/Coordinator.ts"
import type { GitHubClient, GitHubError, Job, Look } from "../../services/GitHub.ts"
import { Ledger } from "../../services/Ledger.ts"
import * as Metrics from "../../services/Metrics.ts"
import { Templates } from "../../services/Templates.ts"
import type { ServiceContext } from "../Plugin.ts"
import { type Answer, ask, askWithRun, ifKnown, isDone, type JobAddress } from "./ask.ts"
import { archiveOf, type GitHubConfig, levelOf } from "./config.ts"
import { ciErrorOf } from "./errors.ts"
import * as program from "./program.ts"
import * as refusal from "./refusal.ts"
import { JobDetail, toRequest } from "./request.ts"
import * as runner from "./runner.ts"
import { conclusionOf, LOOK_EVERY, type Outcome, RUN_EVERY, watch } from "./watch.ts"

/** All that seeing a job through needs to know. */
export interface Context {
  readonly service: ServiceContext
  readonly config: GitHubConfig
  readonly client: GitHubClient
  readonly look: (maxAge: Duration.DurationInput) => Effect.Effect<Look, GitHubError>
}

/** Maximum number of replacements of a runner that gets no job; after them the job is given up. */
const REPLACEMENTS = 1

const FINISHED: Verdict = { _tag: "Finished" }
/** A wrong 404 loses no job: one that GitHub goes on listing as queued is taken again a little later. */
const GONE =
  "GitHub does not know the job any more: its run or repository was deleted, or the credential may not see it now. It is let go"

const every = ({ service }: Context) => Duration.min(service.sleepInterval, LOOK_EVERY)

/** What follows from GitHub's answer that a job is over, or gone. */
const doneOf = (answer: Answer): Outcome["decision"] =>
  answer === "gone" ? { _tag: "Gone" } : { _tag: "Over", conclusion: conclusionOf(answer) }

/** What follows from GitHub's answer for a job that a VM is prepared for. */
const decisionOf = (answer: Answer, job: JobKey): Outcome["decision"] | { readonly _tag: "Wait" } => {
  if (answer === "gone" || answer.status === "completed") return doneOf(answer)
  const by = Option.getOrUndefined(answer.runnerName)
  // our own runner may have the job before its start is reported to us
  return answer.status === "in_progress" && by !== undefined && !runner.isNameOf(job, by)
    ? { _tag: "Taken", by }
    : { _tag: "Wait" }
}

/**
 * Waits until GitHub says that there is nothing left to prepare for: the job is over or gone, or a runner has it that is
 * none of ours. A runner that was started may have a job: what becomes of it is for the watch to say.
 */
const lost = Effect.fnUntraced(function* (context: Context, job: JobKey, address: JobAddress) {
  const ledger = yield* Ledger
  const isStarted = Effect.map(ledger.state, ({ runners }) =>
    HashMap.some(runners, ({ named, started }) => named.job === job && started)
  )
  for (let looks = 1; ; looks++) {
    const answer = yield* ifKnown((looks % RUN_EVERY === 0 ? askWithRun : ask)(context.client, address))
    const decision = Option.map(answer, (answer) => decisionOf(answer, job))
    if (Option.exists(decision, ({ _tag }) => _tag === "Gone") && (yield* isStarted)) return yield* Effect.never
    if (Option.isSome(decision) && decision.value._tag !== "Wait") return decision.value
    yield* Effect.sleep(every(context))
  }
})

const addressOf = (job: JobRequest) => Schema.decodeUnknown(JobDetail)(job.detail).pipe(Effect.orDie)

/** What a try came to: also that our runner ran a job to its end that could not be put in the place of the planned one. */
interface Followed {
  readonly decision: Outcome["decision"] | { readonly _tag: "Foreign"; readonly conclusion: Conclusion }
  readonly words: string
}

/** Watch one of our runners to its end, following it to another job if GitHub gave it one. */
const follow = Effect.fnUntraced(function* (
  context: Context,
  held: ClaimHandle,
  address: JobAddress,
  ours: runner.Runner
) {
  const foreign = yield* Ref.make(false)
  const outcome = yield* watch(context.client, levelOf(context.config), ours, address, {
    every: every(context),
    limit: Duration.seconds(context.config.registration_timeout),
    taken: Effect.map(context.look(0), ({ jobs }) =>
      Option.fromNullable(jobs.find((job) => Option.contains(job.runnerName, ours.name)))
    ),
    swapped: (job: Job) =>
      Effect.gen(function* () {
        yield* Effect.logInfo(`our runner took another job than planned, ${job.url}: it is watched to its end`)
        const { job: planned } = yield* held.claim
        const request = toRequest(planned.scope, job)
        const swapped = Option.isSome(request) ? yield* held.swap(request.value) : false
        yield* Ref.set(foreign, !swapped)
      })
  })
  const { decision } = outcome
  if ((decision._tag !== "Over" && decision._tag !== "Gone") || !(yield* Ref.get(foreign))) return outcome
  const ended: Followed["decision"] = {
    _tag: "Foreign",
    conclusion: decision._tag === "Over" ? decision.conclusion : "unknown"
  }
  return { ...outcome, decision: ended }
})

/** What a runner's registration and removal may ask about its job. */
const asking = (
  { client }: Context,
  held: ClaimHandle,
  coordinator: Coordinator["Type"],
  address: JobAddress
): runner.Asked => ({
  stillQueued: Effect.map(askWithRun(client, address), (answer) => answer !== "gone" && answer.status === "queued"),
  owns: Effect.flatMap(held.claim, coordinator.owns)
})

/** What registering a runner for the job takes. */
const registering = Effect.fnUntraced(function* (
  context: Context,
  held: ClaimHandle,
  address: JobAddress,
  labels: ReadonlyArray<string>
) {
  const { job, attempt } = yield* held.claim
  const registration: runner.Registration = {
    client: context.client,
    level: levelOf(context.config),
    job: job.key,
    service: context.service.name,
    labels,
    group: context.config.runner_group,
    attempt,
    address,
    ...asking(context, held, yield* Coordinator, address)
  }
  return registration
})

/** One try: a VM and a runner of its own. */
const attempt = Effect.fn("attempt")(function* (
  context: Context,
  held: ClaimHandle,
  address: JobAddress,
  labels: ReadonlyArray<string>
) {
  const { config, service } = context
  const { job } = yield* held.claim
  const registration = yield* registering(context, held, address, labels)
  const templates = yield* Templates
  const prepare = Effect.gen(function* () {
    const template = yield* templates.ensure(job.template, config.registry_url)
    yield* reached("pulled")
    yield* runner.clear(registration)
    const vm = yield* Vm.make(template, { job: job.key, service: service.name })
    return yield* Effect.gen(function* () {
      const registered = yield* runner.make(registration, vm)
      yield* refusal.accepted(config)
      yield* reached("registered")
      const start = program.startOf({
        directory: service.directory,
        archive: archiveOf(config, process.arch),
        jitConfig: registered.jitConfig
      })
      yield* Guest.start(vm, program.RUNNER, registered.runner.name, start)
      yield* reached("started")
      return registered.runner
    }).pipe(Effect.annotateLogs("vmName", vm.name))
  })
  // the scope must not delete the VM under a clone or a registration that is still going on
  const ready = yield* Race.first(
    Effect.map(prepare, (ours) => ({ _tag: "Ready" as const, ours })),
    lost(context, job.key, address)
  )
  if (ready._tag !== "Ready") return { decision: ready, words: "" }
  return yield* follow(context, held, address, ready.ours).pipe(Effect.annotateLogs("vmName", ready.ours.vm.name))
}, Effect.scoped)

/** What becomes of the job after a try that needs no other one. */
const conclude = Effect.fnUntraced(function* ({ decision, words }: Followed, runners = 1) {
  switch (decision._tag) {
    case "Over":
      yield* Effect.logInfo(`job ended: ${decision.conclusion}`)
      yield* reached("done")
      yield* Metrics.jobConcluded({ conclusion: decision.conclusion })
      return FINISHED
    case "Foreign":
      yield* Effect.logInfo(`job ended: ${decision.conclusion}`)
      yield* Metrics.jobConcluded({ conclusion: decision.conclusion })
      return handedBack("our runner ran another job", 0, false)
    case "Gone":
      yield* Effect.logInfo(GONE)
      return FINISHED
    case "Taken":
      yield* Effect.logInfo(`runner ${decision.by} has the job`)
      return FINISHED
    case "Replace":
      yield* Effect.logError(
        `job given up after ${runners} ${runners === 1 ? "runner" : "runners"} that did not get it: ${decision.reason}. It is tried again in ${span(GIVEN_UP_FOR)}${words}`
      )
      yield* Metrics.jobFailed({ cause: "runner_without_job" })
      return givenUp(decision.reason, decision.inVain === true)
  }
})

/** Whatever goes wrong on the way decides what becomes of the job; the pass itself goes on. */
const settled =
  (context: Context, held: ClaimHandle) =>
  <R>(step: Effect.Effect<Verdict, Failure | GitHubError, R>) =>
    step.pipe(
      Effect.catchTag("GitHubError", (error) => ciErrorOf(error)),
      Effect.catchAll((error) =>
        Effect.gen(function* () {
          const claim = yield* held.claim
          const address = yield* addressOf(claim.job)
          const { owner, repo, id } = address
          // what could not be done for a job that is gone is no failure
          const isDenied =
            (error._tag === "CiError" && error.reason === "NotFound") ||
            (error._tag === "RegistrationError" && error.reason === "Refused")
          const answer = isDenied ? yield* ifKnown(askWithRun(context.client, address)) : Option.none<Answer>()
          if (Option.isSome(answer) && isDone(answer.value)) {
            return yield* conclude({ decision: doneOf(answer.value), words: "" })
          }
          const tell = (reason: string) =>
            context.client.job(owner, repo, id).pipe(
              Effect.flatMap((job) => context.client.tell(job, "Anklet cannot run this job", reason)),
              Effect.catchAll((error) => Effect.logDebug(error.message)),
              Effect.asVoid
            )
          yield* Metrics.jobFailed({ cause: causeOf(error) })
          const verdict = yield* judge(error, claim, tell)
          if (error._tag === "RegistrationError" && (error.reason === "Unfit" || error.reason === "Refused")) {
            const { reason, detail } = error
            yield* refusal.remember(context.config, context.service.name, claim.job.key, { reason, detail })
          }
          return verdict
        })
      )
    )

/** Whether others wait for this job's room, which it hardly needs: then one runner is enough. */
const comesLast = (coordinator: Coordinator["Type"], { scope, key }: JobRequest) =>
  coordinator.inspect(scope, key).pipe(
    Effect.map(({ late }) => late > 0),
    Effect.orElseSucceed(() => false)
  )

/** A job after which GitHub could not be asked is not asked after again before this. */
const UNANSWERED_FOR = Duration.minutes(1)

/** See a fresh claim through. */
export const run = (context: Context, held: ClaimHandle) => fresh(context, held).pipe(settled(context, held))

const fresh = Effect.fn("job.run")(function* (context: Context, held: ClaimHandle) {
  const coordinator = yield* Coordinator
  const { job } = yield* held.claim
  const address = yield* addressOf(job)
  const asked = yield* Effect.either(ask(context.client, address))
  if (Either.isLeft(asked)) {
    const error = asked.left
    if (error.reason !== "Unavailable" && error.reason !== "Protocol") return yield* error
    // its repository may be one of many, and the only one that does not answer: the look tells of it
    yield* Effect.logInfo(`not now: ${error.message}`)
    return handedBack(error.message, UNANSWERED_FOR, true)
  }
  const verified = asked.right
  if (verified === "gone") return yield* conclude({ decision: { _tag: "Gone" }, words: "" })
  if (verified.status !== "queued") {
    yield* Effect.logInfo(`job is ${verified.status} by now: left alone`)
    return FINISHED
  }
  if (yield* refusal.isDoubtful(context.config, job.key)) {
    yield* Effect.logDebug("a registration is tried without a VM: GitHub may refuse it")
    yield* runner.rehearse(yield* registering(context, held, address, verified.labels))
    yield* refusal.accepted(context.config)
  }
  yield* Effect.logInfo("job claimed")
  for (let replaced = 0; ; replaced++) {
    const outcome = yield* attempt(context, held, address, verified.labels)
    const { decision, words } = outcome
    if (decision._tag !== "Replace") return yield* conclude(outcome)
    // this host may have slept for so long that another one has the job: it took our runner's place at GitHub
    if ((yield* coordinator.owns(yield* held.claim)) === "no") {
      yield* Effect.logInfo("another host has the job by now")
      return handedBack("another host has the job", 0, false)
    }
    if (replaced === REPLACEMENTS || (yield* comesLast(coordinator, job))) {
      return yield* conclude(outcome, replaced + 1)
    }
    yield* Effect.logWarning(`runner is replaced: ${decision.reason}${words}`)
  }
})

/** See a claim through that a crash interrupted: adopt what still runs, undo the rest. */
export const resume = (context: Context, held: ClaimHandle) => interrupted(context, held).pipe(settled(context, held))

const interrupted = Effect.fn("job.resume")(function* (context: Context, held: ClaimHandle) {
  const claim = yield* held.claim
  const coordinator = yield* Coordinator
  const ledger = yield* Ledger
  const { vms, runners } = yield* ledger.state
  const address = yield* addressOf(claim.job)
  const level = levelOf(context.config)
  const known = [...HashMap.values(runners)].filter(({ named }) => named.job === claim.job.key)
  yield* Effect.logInfo("found a job of an earlier life of this daemon")
  for (const vm of [...HashMap.values(vms)].filter(({ job }) => job === claim.job.key)) {
    const adopted = yield* Vm.adopt(vm.vm)
    const theirs = known.filter(({ named }) => named.vm === vm.vm)
    for (const { named } of theirs) {
      yield* runner.adopt(
        context.client,
        level,
        named.runner,
        yield* Vm.named(vm.vm),
        asking(context, held, coordinator, address)
      )
    }
    const started = theirs.find(({ id, started }) => started && Option.isSome(id))
    if (Option.isNone(adopted) || started === undefined) continue
    if (!(yield* Guest.began(adopted.value, program.RUNNER))) {
      yield* Effect.logInfo(`the runner in VM ${vm.vm} was never started: the job is tried again`)
      continue
    }
    yield* Effect.logInfo(`VM ${vm.vm} still runs: its job is watched to its end`)
    yield* reached("started")
    const outcome = yield* follow(context, held, address, {
      name: started.named.runner,
      id: Option.getOrThrow(started.id),
      vm: adopted.value
    }).pipe(Effect.annotateLogs("vmName", vm.vm))
    const { decision, words } = outcome
    if (decision._tag !== "Replace") return yield* conclude(outcome)
    yield* Effect.logWarning(`runner is replaced: ${decision.reason}${words}`)
  }
  yield* runner.takeBack(context.client, level, {
    ...asking(context, held, coordinator, address),
    job: claim.job.key,
    service: context.service.name,
    address
  })
  return handedBack("interrupted by a crash", 0, false)
}, Effect.scoped)
