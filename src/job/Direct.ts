/**
 * A CI without runners: a job is a bash script that runs in a VM of its own. A small record tells what jobs there are and
 * takes their results; this makes all of it that the course of a job asks of a CI.
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
import { JobKey, JobRequest, LogFields, Scope, Template } from "../domain/Job.ts"
import * as Finalizer from "../interruption/Finalizer.ts"
import { within } from "../interruption/Within.ts"
import { Ledger, RunnerGone, RunnerKnown, RunnerNamed } from "../services/Ledger.ts"
import * as Limits from "../text/Limits.ts"
import { visible } from "../text/Text.ts"
import { type Answer, type Ci, ifKnown, isDone, type JobRef, type JobState, type Polled, type Remark } from "./Ci.ts"
import { CiError } from "./CiError.ts"
import * as Guest from "./Guest.ts"
import * as Script from "./Script.ts"
import type { Vm } from "./Vm.ts"

const textFor = (isFit: (text: string) => boolean, description: string) =>
  Schema.String.pipe(Schema.filter(isFit, { description }))

/** A queued job, as the CI lists it. */
export const DirectJob = Schema.Struct({
  /** Unique in the scope; a re-run has another one. At most 2048 characters. */
  id: textFor((id) => id !== "" && Limits.address(id) === id, "1 to 2048 characters"),
  /** The VM template, and its tag; without one, the newest. */
  template: Schema.Struct({
    id: textFor(Limits.isTemplate, "the name of a template"),
    tag: Schema.optional(textFor(Limits.isTag, "the tag of a template"))
  }),
  /** What people call it; by default, its id. */
  name: Schema.optional(Schema.String),
  /** Milliseconds since the epoch: older jobs go first. By default, when it is polled first. */
  createdAt: Schema.optional(Limits.Moment),
  /** From 0 to 9, lowest first. */
  priority: Schema.optional(Schema.Int.pipe(Schema.between(0, 9))),
  /** What each line of the log about it says beside its name. */
  fields: Schema.optional(LogFields),
  /** What its plugin needs to find it again, as JSON; it is kept on disk and in the store. */
  detail: Schema.optional(Schema.Unknown)
})

/** What identifies a job, also after a restart: `id` and `detail` as they were polled. */
export const DirectRef = Schema.Struct({ id: Schema.String, detail: Schema.optional(Schema.Unknown) })
export type DirectRef = typeof DirectRef.Type

/** How a job stands: `queued` as long as nothing has its result, whatever runs it; `gone` where the CI does not know it. */
export const DirectState = Schema.Literal("queued", "completed", "cancelled", "gone")
export type DirectState = typeof DirectState.Type

/** How a script ended. */
export interface Result {
  readonly exitCode: number
  /** What it printed, both streams in one, unchanged; of more than 1 MiB, the end. */
  readonly log: string
}

/** A CI whose jobs are scripts. Its effects may fail with any error, and have a minute each. */
export interface DirectCi<R> {
  /** What is watched; services and hosts that name the same share its queue. */
  readonly scope: string
  /** The queued jobs. One that is missing in a poll is forgotten, unless it runs. */
  readonly poll: Effect.Effect<ReadonlyArray<typeof DirectJob.Encoded>, unknown, R>
  /** How a job stands now: asked before it runs, and from time to time while it does. One that is `cancelled` or `gone` is stopped. */
  readonly state: (job: DirectRef) => Effect.Effect<DirectState, unknown, R>
  /** What its VM has to run. */
  readonly script: (job: DirectRef) => Effect.Effect<Script.Script, unknown, R>
  /**
   * Take the result of a job, which is `completed` from then on. Tried again until it succeeds, for an hour; after that, or
   * where a stop comes first, the job may run again. After a crash, and after a lost answer, it gets the same result twice.
   */
  readonly finish: (job: DirectRef, result: Result) => Effect.Effect<void, unknown, R>
  /** Tell the job's author why no host can run it. */
  readonly tell?: (job: DirectRef, why: string) => Effect.Effect<void, unknown, R>
}

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

/** The CI of a service, of the plugin that has this name. */
export const ciOf = <R>(plugin: string, service: string, given: DirectCi<R>): Ci<JobState, R | Ledger> => {
  const scope = Scope.make(`${plugin}:${given.scope}`)

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

  const requestOf = (item: unknown, now: number) =>
    Either.map(
      Schema.decodeUnknownEither(DirectJob)(item),
      ({ id, template, name = id, createdAt = now, priority, fields, detail }) =>
        JobRequest.make({
          key: JobKey.make(`${scope}/${id}`),
          scope,
          name: Limits.kept(name, Limits.NAME),
          template: Template.make({ id: template.id, tag: Option.fromNullable(template.tag) }),
          createdAt,
          ...(priority === undefined ? {} : { priority }),
          fields: { workflowJobName: name, ...fields },
          detail: encodeRef({ id, ...(detail === undefined ? {} : { detail }) })
        })
    )

  const polled = (items: ReadonlyArray<unknown>, now: number): Polled => {
    const [broken, requests] = Arr.partitionMap(items, (item) => requestOf(item, now))
    const remarks = broken.map(({ message }): Remark => {
      const why = visible(message, Limits.WORDS)
      const text = `a job of plugin ${plugin} is left out, the others are taken: ${why}`
      return { about: text, text, fields: {}, unfit: Option.none() }
    })
    return { requests, remarks, isPartial: false, nothing: "" }
  }

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

  const strike = (runner: string) => Effect.flatMap(Ledger, (ledger) => ledger.settle(RunnerGone.make({ runner })))

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
        ask("cannot poll its jobs", () => Effect.map(given.poll, (items) => polled(items, now)))
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
      adopt: (name) => Effect.uninterruptible(Finalizer.add(strike(name))),
      takeBack: () => Effect.void,
      state: () => Effect.succeedSome({ online: true, busy: false }),
      retire: () => Effect.succeed(true),
      isNameOf: (_, name) => isScript(name),
      // a runner that this service had with another plugin is not ours to forget
      removeLeft: ({ named: { runner } }) => Effect.as(isScript(runner) ? strike(runner) : Effect.void, false)
    },
    refusals: { terms: scope, triedFirst: false },
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
