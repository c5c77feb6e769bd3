/**
 * A CI without runners: a job is a bash script that runs in a VM of its own. What a plugin says of it (`DirectCi`) becomes
 * all that the course of a job asks of a CI.
 *
 * There is nothing to register, so the ledger is the registry: a line before the script starts, from which a later daemon
 * adopts it. And there is no arbiter: a host that is cut off from the others for longer than its lease does not know that
 * another one runs its job.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { JobKey, JobRequest, Scope, Template } from "../domain/Job.ts"
import * as Finalizer from "../interruption/Finalizer.ts"
import { within } from "../interruption/Within.ts"
import { Ledger, RunnerGone, RunnerKnown, RunnerNamed } from "../services/Ledger.ts"
import * as Limits from "../text/Limits.ts"
import { visible } from "../text/Text.ts"
import {
  type Answer,
  type Ci,
  ifKnown,
  isDone,
  type JobRef,
  type JobState,
  type Polled,
  type Remark,
  type RunnerTerms
} from "./Ci.ts"
import { CiError } from "./CiError.ts"
import { type DirectCi, DirectJob, DirectRef, DirectState } from "./DirectCi.ts"
import * as Guest from "./Guest.ts"
import * as Script from "./Script.ts"
import type { Vm } from "./Vm.ts"

/** Timeout of each effect of a plugin. */
const ANSWER_WITHIN = Duration.minutes(1)
/** Retries of a report, over an hour. */
const REPORT_RETRIES = Schedule.exponential("1 second").pipe(
  Schedule.union(Schedule.spaced("1 minute")),
  Schedule.upTo("1 hour")
)

/** The name of a script in the ledger: this, and its VM. */
const PREFIX = "script-"
const isScript = (name: string) => name.startsWith(PREFIX)

/** The script in the guest. */
const JOB: Guest.Program = { name: "job", folder: "anklet-job", secrets: [] }

/** What an error of a plugin says, whatever it is. */
export const messageOf = (error: unknown): string =>
  Predicate.hasProperty(error, "message") && Predicate.isString(error.message) ? error.message : String(error)

const decodeState = Schema.decodeUnknown(DirectState)
const decodeScript = Schema.decodeUnknown(Script.Script)
const encodeRef = Schema.encodeSync(DirectRef)
const refOf = ({ detail }: JobRef) => Schema.decodeUnknown(DirectRef)(detail).pipe(Effect.orDie)

/** A job of a poll as a request; fails for one that nothing can be made of. */
const requestOf = (scope: Scope, item: unknown, now: number) =>
  Either.map(
    Schema.decodeUnknownEither(DirectJob)(item),
    ({ id, template, name = id, createdAt = now, priority, fields, detail }) => {
      const shown = Limits.kept(name, Limits.NAME)
      return JobRequest.make({
        key: JobKey.make(`${scope}/${id}`),
        scope,
        name: shown,
        template: Template.make({ id: template.id, tag: Option.fromNullable(template.tag) }),
        createdAt,
        ...(priority === undefined ? {} : { priority }),
        fields: { workflowJobName: shown, ...fields },
        detail: encodeRef({ id, ...(detail === undefined ? {} : { detail }) })
      })
    }
  )

/** The jobs of a poll, each judged by itself. */
const polledOf = (plugin: string, scope: Scope, items: ReadonlyArray<unknown>, now: number): Polled => {
  const [broken, requests] = Arr.partitionMap(items, (item) => requestOf(scope, item, now))
  const remarks = broken.map(({ message }): Remark => {
    const text = `a job of plugin ${plugin} is left out, the others are taken: ${visible(message, Limits.WORDS)}`
    return { about: text, text, fields: {}, unfit: Option.none() }
  })
  return { requests, remarks, isPartial: false, nothing: "" }
}

/** A script that nothing has to look after any more. */
const strike = (runner: string) => Effect.flatMap(Ledger, (ledger) => ledger.settle(RunnerGone.make({ runner })))

/** The CI of a service, of the plugin that has this name. */
export const ciOf = <R>(plugin: string, service: string, given: DirectCi<R>): Ci<JobState, R | Ledger> => {
  const scope = Scope.make(`${plugin}:${given.scope}`)
  const terms: RunnerTerms = { terms: scope, triedFirst: false }

  const failed = (what: string) => (error: unknown) =>
    error instanceof CiError
      ? error
      : new CiError({ reason: "Failed", detail: `plugin ${plugin} ${what}: ${messageOf(error)}`, cause: error })

  /** Run what a plugin gives. That one throws must not cost a job its back-off. */
  const ask = <A>(what: string, question: () => Effect.Effect<A, unknown, R>) =>
    Effect.suspend(question).pipe(
      Effect.timeout(ANSWER_WITHIN),
      Effect.catchAllDefect(Effect.fail),
      Effect.mapError(failed(what))
    )

  /** The VM in which this service runs the job. */
  const runnerOf = (job: JobKey) =>
    Effect.gen(function* () {
      const { runners } = yield* (yield* Ledger).state
      const ours = [...HashMap.values(runners)].find(
        ({ named, started }) => started && named.job === job && named.service === service
      )
      return Option.map(Option.fromNullable(ours), ({ named }) => named.runner)
    })

  const stateOf = (job: JobRef): Effect.Effect<Answer<JobState>, CiError, R | Ledger> =>
    Effect.gen(function* () {
      const ref = yield* refOf(job)
      const state = yield* ask("cannot say how a job stands", () => Effect.flatMap(given.state(ref), decodeState))
      if (state === "gone") return "gone"
      const runnerName = yield* runnerOf(job.key)
      if (state !== "queued") {
        const conclusion = state === "cancelled" ? Option.some(state) : Option.none<string>()
        return { status: "completed", conclusion, runnerName }
      }
      return { status: Option.isSome(runnerName) ? "in_progress" : "queued", conclusion: Option.none(), runnerName }
    })

  /** Report an end; where the CI does not want it any more, it is an end all the same. */
  const report = Effect.fnUntraced(function* (job: JobRef, vm: Vm, exitCode: number) {
    const ref = yield* refOf(job)
    const log = yield* Guest.logOf(vm, JOB).pipe(
      Effect.catchAll((error) => Effect.as(Effect.logWarning(`the job's log is lost: ${error.message}`), ""))
    )
    const isWanted = Effect.map(ifKnown(stateOf(job)), (answer) => !Option.exists(answer, isDone))
    // a stop lets a report end, or the job would run again although its result is there
    const once = Effect.suspend(() => given.finish(ref, { exitCode, log })).pipe(
      Effect.catchAllDefect(Effect.fail),
      within(ANSWER_WITHIN),
      Effect.mapError(failed("cannot take the result of a job"))
    )
    const again = Effect.retry(Effect.delay(once, "1 second"), { while: () => isWanted, schedule: REPORT_RETRIES })
    yield* once.pipe(
      Effect.catchAll((error) =>
        Effect.zipRight(Effect.logWarning(`${error.message}. That is tried again for an hour`), again)
      ),
      Effect.catchAll((error) => Effect.flatMap(isWanted, (wanted) => (wanted ? error : Effect.void)))
    )
    return exitCode === 0 ? "success" : "failure"
  })

  return {
    name: plugin,
    fields: {},
    scope: Effect.succeed(scope),
    terms: "",
    poll: () =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        ask("cannot poll its jobs", () => Effect.map(given.poll, (items) => polledOf(plugin, scope, items, now)))
      ),
    admitted: Effect.void,
    isOurs: (job) => Effect.succeed(job.scope === scope),
    state: stateOf,
    taken: () => Effect.succeedNone,
    registry: {
      clear: () => Effect.void,
      make: ({ job, service }, vm) =>
        Effect.gen(function* () {
          const ledger = yield* Ledger
          const runner = `${PREFIX}${vm.name}`
          const ref = yield* refOf(job)
          const script = yield* ask("has no script for a job", () => Effect.flatMap(given.script(ref), decodeScript))
          const named = RunnerNamed.make({ runner, vm: vm.name, job: job.key, service, detail: {} })
          yield* Finalizer.acquire(ledger.append(named, RunnerKnown.make({ runner, id: 0 })), () => strike(runner))
          return { runner: { name: runner, id: 0, vm }, start: Script.startOf(JOB, script) }
        }),
      rehearse: () => Effect.void,
      adopt: (name) => Effect.uninterruptible(Finalizer.addUnlessHandedOver(strike(name))),
      takeBack: () => Effect.void,
      state: () => Effect.succeedSome({ online: true, busy: false }),
      retire: () => Effect.succeed(true),
      isNameOf: (_, name) => isScript(name),
      // a runner that this service had with another plugin is not ours to forget
      removeLeft: ({ named: { runner } }) => Effect.as(isScript(runner) ? strike(runner) : Effect.void, false)
    },
    refusals: { of: () => Effect.succeed(terms), all: [terms] },
    program: JOB,
    isAtWork: () => Effect.succeed(false),
    idleHint: "",
    registrationTimeout: Duration.infinity,
    tell: (job, why) =>
      Effect.flatMap(refOf(job), (ref) =>
        ask("cannot tell why a job does not run", () => given.tell?.(ref, why) ?? Effect.void)
      ).pipe(Effect.catchAll((error) => Effect.logDebug(error.message))),
    report: (job, { vm }, exitCode) => report(job, vm, exitCode)
  }
}
