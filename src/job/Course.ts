/** The course of one job, from claim to verdict: template, VM, runner, watch. Closing the scopes undoes runner and VM. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import { span } from "../domain/Format.ts"
import type { Conclusion, JobRequest } from "../domain/Job.ts"
import * as Race from "../interruption/Race.ts"
import { learned, reached, using } from "../services/Activity.ts"
import { Coordinator } from "../services/Coordinator.ts"
import { Ledger } from "../services/Ledger.ts"
import * as Metrics from "../services/Metrics.ts"
import { Templates } from "../services/Templates.ts"
import type { Additions } from "./Additions.ts"
import * as AroundJob from "./AroundJob.ts"
import { type Answer, type Ci, ifKnown, isDone, type JobState, type Runner, type Wanted } from "./Ci.ts"
import type { ClaimHandle, Verdict } from "./Claim.ts"
import * as Evidence from "./Evidence.ts"
import * as Guest from "./Guest.ts"
import * as Hold from "./Hold.ts"
import { causeOf, type Failure, GIVEN_UP_FOR, givenUp, handedBack, judge } from "./Outcome.ts"
import * as Refusal from "./Refusal.ts"
import * as Vm from "./Vm.ts"
import { conclusionOf, LOOK_EVERY, type Outcome, THOROUGH_EVERY, watch } from "./Watch.ts"

/** Whose job it is: its CI, and the service that has claimed it. */
export interface Context<J extends JobState, R> {
  readonly ci: Ci<J, R>
  readonly service: {
    readonly name: string
    readonly sleepInterval: Duration.Duration
    readonly registry: Option.Option<string>
  }
  /** What this host adds to the VM. */
  readonly additions: Additions
}

/** Maximum number of times that a runner which gets no job is replaced; then the job is given up. */
const REPLACEMENTS = 1

const FINISHED: Verdict = { _tag: "Finished" }
/** A wrong answer loses no job: one that the CI goes on listing as queued is taken again a little later. */
const goneAt = (ci: string) =>
  `${ci} does not know the job any more: its run or repository was deleted, or the credential may not see it now. It is let go`

const every = (service: Context<JobState, never>["service"]) => Duration.min(service.sleepInterval, LOOK_EVERY)

/** What follows from the answer that a job is over, or gone. */
const doneOf = (answer: Answer<JobState>): Outcome["decision"] =>
  answer === "gone" ? { _tag: "Gone" } : { _tag: "Over", conclusion: conclusionOf(answer) }

/**
 * Waits until the CI says that there is nothing left to prepare for: the job is over or gone, or a runner has it that is
 * none of ours. A runner that was started may have a job: what becomes of it is for the watch to say.
 */
const lost = Effect.fnUntraced(function* <J extends JobState, R>({ ci, service }: Context<J, R>, job: JobRequest) {
  const ledger = yield* Ledger
  /** Whether what the answer tells may be the work of a runner that was started here. */
  const isOurs = (answer: Answer<J>) =>
    Effect.map(ledger.state, ({ runners }) =>
      HashMap.some(
        runners,
        ({ named, started }, name) =>
          named.job === job.key && started && (answer === "gone" || Option.contains(answer.runnerName, name))
      )
    )
  /** None as long as the job waits, or may have been given to a runner of ours. */
  const decisionOf = (answer: Answer<J>): Option.Option<Outcome["decision"]> => {
    if (answer === "gone" || answer.status === "completed") return Option.some(doneOf(answer))
    const by = Option.getOrUndefined(answer.runnerName)
    // our own runner may have the job before its start is reported to us
    return answer.status === "in_progress" && by !== undefined && !ci.registry.isNameOf(job.key, by)
      ? Option.some({ _tag: "Taken", by })
      : Option.none()
  }
  for (let looks = 1; ; looks++) {
    const answer = yield* ifKnown(ci.state(job, looks % THOROUGH_EVERY === 0))
    const decision = Option.flatMap(answer, decisionOf)
    if (Option.isSome(answer) && Option.isSome(decision))
      return (yield* isOurs(answer.value)) ? yield* Effect.never : decision.value
    yield* Effect.sleep(every(service))
  }
})

/** What a try came to: also that our runner ran a job to its end that could not be put in the place of the planned one. */
interface Followed {
  readonly decision: Outcome["decision"] | { readonly _tag: "Foreign"; readonly conclusion: Conclusion }
  readonly words: string
  /** The runner that was watched; absent where there was none. */
  readonly ours?: Runner
  readonly lost?: boolean
}

/** What each line of the log about a runner says. */
const fieldsOf = ({ name, vm }: Runner) => ({ vmName: vm.name, runnerName: name })

/** Watch one of our runners to its end, following it to another job if its CI gave it one. */
const follow = Effect.fnUntraced(function* <J extends JobState, R>(
  { ci, service }: Context<J, R>,
  held: ClaimHandle,
  ours: Runner
) {
  const { job } = yield* held.claim
  const foreign = yield* Ref.make(false)
  const outcome = yield* watch(ci, ours, job, {
    every: every(service),
    took: ({ url }) => Effect.logInfo(`our runner took another job than planned, ${url}: it is watched to its end`),
    claim: ({ request }) =>
      Effect.gen(function* () {
        const swapped = Option.isSome(request) ? yield* held.swap(request.value) : false
        yield* Ref.set(foreign, !swapped)
        return swapped || Option.isNone(request)
      })
  })
  const { decision } = outcome
  if ((decision._tag !== "Over" && decision._tag !== "Gone") || !(yield* Ref.get(foreign))) return { ...outcome, ours }
  const ended: Followed["decision"] = {
    _tag: "Foreign",
    conclusion: decision._tag === "Over" ? decision.conclusion : "unknown"
  }
  return { ...outcome, decision: ended, ours }
})

/** Watch one of our runners to its end, and do what is to be done in its VM before that goes. */
const seen = <J extends JobState, R>(
  context: Context<J, R>,
  held: ClaimHandle,
  ours: Runner,
  evidence: Evidence.Evidence
) =>
  follow(context, held, ours).pipe(
    Effect.tap(kept(evidence)),
    Effect.tap(({ decision, lost }) =>
      (decision._tag === "Over" || decision._tag === "Foreign") && lost !== true
        ? AroundJob.after(ours.vm, context.ci.program, context.additions, decision.conclusion, evidence)
        : Effect.void
    ),
    Effect.tap(({ decision, lost }) =>
      lost !== true && (decision._tag === "Over" || decision._tag === "Replace")
        ? keptForInspection(held, decision)
        : Effect.void
    ),
    Effect.annotateLogs(fieldsOf(ours))
  )

/** Keep the VM of a job that has failed, if somebody asked for it. */
const keptForInspection = (held: ClaimHandle, how: Hold.End) =>
  Effect.flatMap(held.claim, (claim) => Hold.keep(claim, how))

/** The job that is ours now, as one that needs a runner. */
const wantedOf = <J>(
  service: { readonly name: string },
  held: ClaimHandle,
  coordinator: Coordinator["Type"],
  state: J
): Effect.Effect<Wanted<J>> =>
  Effect.map(held.claim, ({ job, attempt }) => ({
    job,
    state,
    attempt,
    service: service.name,
    owns: Effect.flatMap(held.claim, coordinator.owns)
  }))

/** One try: a VM and a runner of its own. */
const attempt = Effect.fn("attempt")(function* <J extends JobState, R>(
  context: Context<J, R>,
  held: ClaimHandle,
  verified: J,
  evidence: Evidence.Evidence
) {
  const { ci, service, additions } = context
  const coordinator = yield* Coordinator
  const wanted = yield* wantedOf(service, held, coordinator, verified)
  const { job } = wanted
  const templates = yield* Templates
  const prepare = Effect.gen(function* () {
    const template = yield* templates.ensure(job.template, service.registry)
    yield* reached("pulled")
    yield* ci.registry.clear(wanted)
    const vm = yield* Vm.make(template, { job: job.key, service: service.name })
    return yield* Effect.gen(function* () {
      yield* AroundJob.prepare(vm, ci.program, additions)
      const { runner, start } = yield* ci.registry.make(wanted, vm)
      yield* using(vm.name, runner.name)
      yield* Refusal.accepted(ci, job)
      yield* reached("registered")
      yield* Guest.start(vm, ci.program, runner.name, start, additions.variables).pipe(
        Effect.annotateLogs("runnerName", runner.name)
      )
      yield* reached("started")
      return runner
    }).pipe(Effect.annotateLogs("vmName", vm.name))
  }).pipe(
    Effect.tapError((error) =>
      isOfVm(error)
        ? Effect.zipRight(evidence.collect(error.message), keptForInspection(held, { _tag: "Failed" }))
        : Effect.void
    )
  )
  // the scope must not delete the VM under a clone or a registration that is still going on
  const ready = yield* Race.first(
    Effect.map(prepare, (ours) => ({ _tag: "Ready" as const, ours })),
    lost(context, job)
  )
  if (ready._tag !== "Ready") return { decision: ready, words: "" }
  return yield* seen(context, held, ready.ours, evidence)
}, Effect.scoped)

/** Whether a failure is that of a VM or what runs in it, and not of a full host or of a CI. */
const isOfVm = (error: Failure): boolean => {
  switch (error._tag) {
    case "AnkaError":
      return error.reason !== "CapacityExceeded" && error.reason !== "Missing" && error.reason !== "LicenseInvalid"
    case "ScriptError":
    case "TimeoutException":
      return true
    default:
      return false
  }
}

/** Keep what there is of a job that did not run, or that lost its VM. */
const kept =
  ({ collect }: Evidence.Evidence) =>
  ({ decision, lost }: Followed) =>
    decision._tag === "Replace"
      ? collect(decision.reason)
      : lost === true && decision._tag === "Over"
        ? collect("its VM was lost while it ran")
        : Effect.void

/** The names of the CI and the service that a job belongs to. */
interface Names {
  readonly ci: { readonly name: string }
  readonly service: { readonly name: string }
}

/** What becomes of the job after a try that needs no other one. */
const conclude = (names: Names, followed: Followed, evidence: Evidence.Evidence, runners = 1) =>
  Effect.annotateLogs(
    concluded(names, followed, evidence, runners),
    followed.ours === undefined ? {} : fieldsOf(followed.ours)
  )

const concluded = Effect.fnUntraced(function* (
  { ci, service }: Names,
  { decision, words, lost }: Followed,
  evidence: Evidence.Evidence,
  runners: number
) {
  const keptIn = yield* evidence.words
  switch (decision._tag) {
    case "Over":
      yield* lost === true
        ? Effect.logError(`job ended: ${decision.conclusion}, because its VM was lost${keptIn}`)
        : Effect.logInfo(`job ended: ${decision.conclusion}`)
      yield* learned({ conclusion: decision.conclusion })
      yield* reached("done")
      yield* Metrics.jobConcluded({ service: service.name, conclusion: decision.conclusion })
      return FINISHED
    case "Foreign":
      yield* Effect.logInfo(`job ended: ${decision.conclusion}`)
      yield* Metrics.jobConcluded({ service: service.name, conclusion: decision.conclusion })
      return handedBack("our runner ran another job", 0, false)
    case "Gone":
      yield* Effect.logInfo(goneAt(ci.name))
      return FINISHED
    case "Taken":
      yield* Effect.logInfo(`runner ${decision.by} has the job`)
      return FINISHED
    case "Replace":
      yield* Effect.logError(
        `job given up after ${runners} ${runners === 1 ? "runner" : "runners"} that did not get it: ${decision.reason}. It is tried again in ${span(GIVEN_UP_FOR)}${keptIn}${words}`
      )
      yield* Metrics.jobFailed({ cause: "runner_without_job" })
      yield* learned({ cause: "runner_without_job" })
      return givenUp(decision.reason, decision.inVain === true)
  }
})

/** Whatever goes wrong on the way decides what becomes of the job; the pass itself goes on. */
const settled =
  <J extends JobState, R>({ ci, service }: Context<J, R>, held: ClaimHandle, evidence: Evidence.Evidence) =>
  <R2>(step: Effect.Effect<Verdict, Failure, R2>) =>
    Effect.catchAll(step, (error) =>
      Effect.gen(function* () {
        const claim = yield* held.claim
        const { job } = claim
        // what could not be done for a job that is gone is no failure
        const isDenied =
          (error._tag === "CiError" && error.reason === "NotFound") ||
          (error._tag === "RegistrationError" && error.reason === "Refused")
        const answer = isDenied ? yield* ifKnown(ci.state(job, true)) : Option.none<Answer<J>>()
        if (Option.isSome(answer) && isDone(answer.value)) {
          return yield* conclude({ ci, service }, { decision: doneOf(answer.value), words: "" }, evidence)
        }
        yield* Metrics.jobFailed({ cause: causeOf(error) })
        yield* learned({ cause: causeOf(error) })
        const verdict = yield* judge(error, claim, (why) => ci.tell(job, why), yield* evidence.words)
        if (error._tag === "RegistrationError" && (error.reason === "Unfit" || error.reason === "Refused")) {
          const { reason, detail } = error
          yield* Refusal.remember(ci, service.name, job, { reason, detail })
        }
        return verdict
      })
    )

/** Whether others wait for this job's room, which it hardly needs: then one runner is enough. */
const comesLast = (coordinator: Coordinator["Type"], { scope, key }: JobRequest) =>
  coordinator.inspect(scope, key).pipe(
    Effect.map(({ late }) => late > 0),
    Effect.orElseSucceed(() => false)
  )

/** Interval before a job is tried again that its CI could not be asked about. */
const UNANSWERED_FOR = Duration.minutes(1)

/** Maximum interval before a job is considered again whose CI refused a runner: somebody may have fixed the cause. */
const REFUSED_FOR = Duration.minutes(2)

/** See a fresh claim through. */
export const run = <J extends JobState, R>(context: Context<J, R>, held: ClaimHandle) =>
  Effect.flatMap(Evidence.of(held.claim, context.ci.program), (evidence) =>
    fresh(context, held, evidence).pipe(settled(context, held, evidence))
  )

const fresh = Effect.fn("job.run")(function* <J extends JobState, R>(
  context: Context<J, R>,
  held: ClaimHandle,
  evidence: Evidence.Evidence
) {
  const { ci, service } = context
  const coordinator = yield* Coordinator
  const { job } = yield* held.claim
  const asked = yield* Effect.either(ci.state(job, false))
  if (Either.isLeft(asked)) {
    const error = asked.left
    if (error.reason !== "Unavailable") return yield* error
    // its repository may be one of many, and the only one that does not answer: the poll reports it
    yield* Effect.logInfo(`not now: ${error.message}`)
    return handedBack(error.message, UNANSWERED_FOR, true)
  }
  const verified = asked.right
  if (verified === "gone") return yield* conclude(context, { decision: { _tag: "Gone" }, words: "" }, evidence)
  if (verified.status !== "queued") {
    yield* Effect.logInfo(`job is ${verified.status} by now: left alone`)
    return FINISHED
  }
  const refusal = yield* Refusal.inForce(ci, job)
  if (Option.isSome(refusal)) {
    const { why, until } = refusal.value
    yield* Effect.logInfo(`not now: ${why}`)
    const left = Duration.millis(until - (yield* Clock.currentTimeMillis))
    // behind the jobs for which a runner is to be had
    return { ...handedBack(why, Duration.min(left, REFUSED_FOR), true), inVain: true }
  }
  if (yield* Refusal.isDoubtful(ci, job)) {
    yield* Effect.logDebug(`a registration is tried without a VM: ${ci.name} may refuse it`)
    yield* ci.registry.rehearse(yield* wantedOf(service, held, coordinator, verified))
    yield* Refusal.accepted(ci, job)
  }
  yield* Effect.logInfo("job claimed")
  for (let replaced = 0; ; replaced++) {
    const outcome: Followed = yield* attempt(context, held, verified, evidence)
    const { decision, words } = outcome
    if (decision._tag !== "Replace") return yield* conclude(context, outcome, evidence)
    // this host may have slept for so long that another one has the job: it took our runner's place at the CI
    if ((yield* coordinator.owns(yield* held.claim)) === "no") {
      yield* Effect.logInfo("another host has the job by now")
      return handedBack("another host has the job", 0, false)
    }
    if (replaced === REPLACEMENTS || (yield* comesLast(coordinator, job))) {
      return yield* conclude(context, outcome, evidence, replaced + 1)
    }
    yield* Effect.logWarning(`runner is replaced: ${decision.reason}${words}`)
  }
})

/** See a claim through that a crash interrupted: adopt what still runs, undo the rest. */
export const resume = <J extends JobState, R>(context: Context<J, R>, held: ClaimHandle) =>
  Effect.flatMap(Evidence.of(held.claim, context.ci.program), (evidence) =>
    interrupted(context, held, evidence).pipe(settled(context, held, evidence))
  )

const interrupted = Effect.fn("job.resume")(function* <J extends JobState, R>(
  context: Context<J, R>,
  held: ClaimHandle,
  evidence: Evidence.Evidence
) {
  const { ci, service } = context
  const claim = yield* held.claim
  const { job, attempt } = claim
  const coordinator = yield* Coordinator
  const ledger = yield* Ledger
  const { vms, runners } = yield* ledger.state
  const wanted = { job, attempt, service: service.name, owns: Effect.flatMap(held.claim, coordinator.owns) }
  const known = [...HashMap.values(runners)].filter(({ named }) => named.job === job.key)
  yield* Effect.logInfo("found a job of an earlier life of this daemon")
  for (const { vm: name } of [...HashMap.values(vms)].filter((vm) => vm.job === job.key)) {
    const adopted = yield* Vm.adopt(name)
    const vm = yield* Vm.named(name)
    const theirs = known.filter(({ named }) => named.vm === name)
    for (const { named } of theirs) yield* ci.registry.adopt(named.runner, vm, wanted)
    const started = theirs.find(({ id, started }) => started && Option.isSome(id))
    if (Option.isNone(adopted) || started === undefined) continue
    if (!(yield* Guest.began(vm, ci.program))) {
      yield* Effect.logInfo(`the runner in VM ${name} was never started: the job is tried again`)
      continue
    }
    yield* Effect.logInfo(`VM ${name} still runs: its job is watched to its end`)
    const ours: Runner = { name: started.named.runner, id: Option.getOrThrow(started.id), vm }
    yield* using(name, ours.name)
    yield* reached("started")
    const outcome: Followed = yield* seen(context, held, ours, evidence)
    const { decision, words } = outcome
    if (decision._tag !== "Replace") return yield* conclude(context, outcome, evidence)
    yield* Effect.logWarning(`runner is replaced: ${decision.reason}${words}`)
  }
  yield* ci.registry.takeBack(wanted)
  return handedBack("interrupted by a crash", 0, false)
}, Effect.scoped)
