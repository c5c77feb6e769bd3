/** One service: pass after pass until it drains, and its intakes as long. Holds the only catch-all in the program. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import * as Finding from "../domain/Finding.ts"
import * as Race from "../interruption/Race.ts"
import { besideJobs, Polling } from "../job/Polling.ts"
import { type ExamineContext, PluginError, type Service } from "../plugins/Plugin.ts"
import { Progress } from "../services/Activity.ts"
import { Coordinator } from "../services/Coordinator.ts"
import { Drain } from "../services/Drain.ts"
import * as Metrics from "../services/Metrics.ts"
import { Wake } from "../services/Wake.ts"

/** Maximum interval between two passes of a failing service. */
const BACK_OFF_AT_MOST = Duration.minutes(5)

/** The pause after a number of failures in a row: twice the interval, four times, … up to the maximum. A random half to all of it, so that services that fail together do not retry together. */
const backOff = (interval: Duration.Duration, failures: number) =>
  Effect.map(Random.nextRange(0.5, 1), (jitter) =>
    Duration.times(
      Duration.min(Duration.times(Duration.max(interval, "1 second"), 2 ** Math.min(failures, 20)), BACK_OFF_AT_MOST),
      jitter
    )
  )

const isWaiting = (cause: Cause.Cause<PluginError>) =>
  Option.exists(Cause.failureOption(cause), ({ reason }) => reason === "Waiting")

/** The message of a failure; without the stack of a fault, which differs from pass to pass. */
const messageOf = (cause: Cause.Cause<PluginError>) =>
  Option.match(Cause.failureOption(cause), {
    onNone: () => Cause.pretty(cause).replaceAll(/\n\s+at .*/g, ""),
    onSome: ({ message }) => message
  })

/** What failures in a row have in common when a person sees them as one. */
const troubleOf = (cause: Cause.Cause<PluginError>) =>
  Option.match(Cause.failureOption(cause), {
    onNone: () => messageOf(cause),
    onSome: ({ message, trouble }) => trouble ?? message
  })

/** Log a failure at ERROR once, not at every repetition; a wait is no error. `who`: the service or an intake of it, and what it ran. */
const report = (
  who: { readonly name: string; readonly ran: string },
  cause: Cause.Cause<PluginError>,
  failures: number,
  before: Option.Option<string>
) => {
  const failure = Cause.failureOption(cause)
  if (isWaiting(cause)) return Effect.logDebug(Cause.squash(cause))
  const what = messageOf(cause)
  return Option.contains(before, troubleOf(cause))
    ? Effect.logDebug(`${who.name} is still failing, ${failures + 1} times in a row: ${what}`)
    : Option.isSome(failure)
      ? Effect.logError(`${who.name} is failing: ${what}`)
      : Effect.logError(`${who.name} is failing: ${who.ran} died; this is a fault in its plugin`, cause)
}

/**
 * Run what a plugin gives, and fail with the cause of its failure. This is the one catch-all: a plugin that throws, dies or
 * interrupts itself must not touch another service.
 */
const attempt: <A, E, R>(given: Effect.Effect<A, E, R>) => Effect.Effect<A, Cause.Cause<E>, R> = Effect.sandbox

const SERVICE = { name: "service", ran: "a pass" }

/** A pass that leaves nothing open. */
const attemptPass = <R>({ pass }: Service<R>) => attempt(Effect.scoped(pass))

/** Make exactly one pass; a failure is reported, and is the service's own. */
const once = <R>(service: Service<R>) =>
  attemptPass(service).pipe(
    Effect.tapError((cause) => report(SERVICE, cause, 0, Option.none())),
    Effect.mapError((cause) =>
      Option.getOrElse(
        Cause.failureOption(cause),
        () => new PluginError({ reason: "Failed", detail: Cause.pretty(cause) })
      )
    )
  )

/** Make passes until drained. Never fails: a pass that failed is reported, and made again after a pause that grows. */
const forever = <R>(service: Service<R>) =>
  Effect.gen(function* () {
    const drain = yield* Drain
    const coordinator = yield* Coordinator
    const wake = yield* Wake
    const progress = yield* Progress
    const polling = yield* Polling
    const failures = yield* Ref.make(0)
    const said = yield* Ref.make(Option.none<string>())
    while (!(yield* drain.begun)) {
      yield* progress.state({ _tag: "Looking" })
      const passed = yield* Effect.either(attemptPass(service))
      if (Either.isRight(passed)) {
        if (Option.isSome(yield* Ref.getAndSet(said, Option.none()))) yield* Effect.logInfo("service has recovered")
        yield* Ref.set(failures, 0)
        yield* Metrics.passEnded({ service: service.name, result: "ok" })
        const [pause] = yield* drain.pauses
        const interval = yield* polling.pause(service.name, service.sleepInterval)
        yield* progress.state({
          _tag: "Waiting",
          why:
            pause === undefined
              ? "no job waits for this host"
              : `paused by ${pause.by}: nothing new is taken on this host`,
          until: (yield* Clock.currentTimeMillis) + Duration.toMillis(interval)
        })
        yield* Effect.raceAll([Effect.sleep(interval), coordinator.woken(service.name), drain.wait])
        continue
      }
      const cause = passed.left
      yield* Metrics.passEnded({ service: service.name, result: isWaiting(cause) ? "waiting" : "failed" })
      const count = yield* Ref.getAndUpdate(failures, (n) => n + 1)
      yield* report(SERVICE, cause, count, yield* Ref.getAndSet(said, Option.some(troubleOf(cause))))
      const pause = yield* backOff(service.sleepInterval, count)
      const until = (yield* Clock.currentTimeMillis) + Duration.toMillis(pause)
      const why = messageOf(cause)
      yield* progress.state(
        isWaiting(cause) ? { _tag: "Waiting", why, until } : { _tag: "Failing", why, failures: count + 1, until }
      )
      // when the store is back, the pause ends
      const isStore = Option.exists(Cause.failureOption(cause), ({ reason }) => reason === "Store")
      yield* Effect.raceAll([Effect.sleep(pause), isStore ? wake.called(service.name) : Effect.never, drain.wait])
    }
    yield* progress.state({ _tag: "Drained" })
    yield* Effect.logInfo("service has drained")
  })

/** Minimum time that an intake must have run for its next failure to count as a new one. */
const HEALTHY_AFTER = BACK_OFF_AT_MOST

/** Run something for as long as the service runs. Never ends: what failed, or ended by itself, is reported, and run again after a pause that grows. */
const kept = <R>(
  who: { readonly name: string; readonly ran: string },
  listening: Effect.Effect<void, PluginError, R>
) =>
  Effect.gen(function* () {
    let failures = 0
    let said = Option.none<string>()
    while (true) {
      const since = yield* Clock.currentTimeMillis
      const cause = yield* Effect.flip(attempt(Effect.zipRight(listening, ENDED)))
      if ((yield* Clock.currentTimeMillis) - since >= Duration.toMillis(HEALTHY_AFTER)) {
        failures = 0
        said = Option.none()
      }
      yield* report(who, cause, failures, said)
      said = Option.some(troubleOf(cause))
      yield* Effect.sleep(yield* backOff(Duration.zero, failures++))
    }
  })

const ENDED = Effect.suspend(() => new PluginError({ reason: "Failed", detail: "it ended, although its service runs" }))

/** Run the intakes of a service beside its passes, which end both. */
const besideIntakes = <A, R, R2>(passes: Effect.Effect<A, never, R>, { intakes }: Service<R2>) =>
  intakes === undefined
    ? passes
    : Race.first(
        passes,
        kept(
          { name: "the intakes of the plugin", ran: "asking for them" },
          Effect.flatMap(intakes, (intakes) =>
            Effect.forEach(
              intakes,
              ({ name, run }) => kept({ name: `intake ${name}`, ran: "it" }, Effect.scoped(run)),
              { concurrency: "unbounded", discard: true }
            ).pipe(Effect.zipRight(Effect.never))
          )
        )
      )

/**
 * Look at the CI from time to time while the service has a job, so that the queue is known then, too. Never ends, and
 * never fails: a look that failed is reported, and made again after the same interval.
 */
export const looksBesideJobs = <R>(service: Service<R>, hasJob: Effect.Effect<boolean>) =>
  Effect.gen(function* () {
    const progress = yield* Progress
    let said = Option.none<string>()
    while (true) {
      yield* Effect.sleep(besideJobs(service.sleepInterval))
      if (service.look === undefined || !(yield* hasJob)) continue
      const looked = yield* Effect.either(attempt(Effect.scoped(service.look)))
      const cause = Option.filter(Either.getLeft(looked), (cause) => !isWaiting(cause))
      const trouble = Option.map(cause, troubleOf)
      yield* progress.trouble(Option.match(cause, { onNone: () => "", onSome: messageOf }))
      if (Option.isSome(trouble) && !Option.contains(said, trouble.value)) {
        // the service has work: that it gets no other is for its next pass to report as a failure
        yield* Effect.logWarning(`the queue cannot be polled beside the job: ${trouble.value}`)
      }
      said = trouble
    }
  }).pipe(Effect.annotateLogs({ serviceName: service.name, plugin: service.plugin }))

export const KINDS = {
  "plugin-died": {
    level: "warning",
    why: "A plugin that dies while it is examined may well die in a pass, too.",
    remedy: "mend the plugin, or ask whoever wrote it"
  }
} as const satisfies Finding.Kinds

/** What the plugin of a service finds on this host. A plugin that throws, dies, or gives no list of findings is a finding itself. */
export const examine = <R>({ plugin, examine }: Service<R>, context: ExamineContext) =>
  (examine?.(context) ?? Effect.succeed([])).pipe(
    Effect.filterOrDieMessage((found) => Finding.areFindings(found), "it gives something that is no list of findings"),
    attempt,
    Effect.catchAll((cause) => {
      const [why] = Cause.pretty(cause).split("\n")
      return Effect.succeed([
        Finding.about("plugins", KINDS)("plugin-died", `plugin ${plugin} died when it was asked: ${why}`)
      ])
    })
  )

/** Run a service: one pass with `once`, else pass after pass until drained, with its intakes beside them. */
export const run = <R>(service: Service<R>, options: { readonly once: boolean }) =>
  Effect.zipRight(
    Effect.logInfo("service starts"),
    options.once ? once(service) : besideIntakes(forever(service), service)
  ).pipe(Effect.annotateLogs({ serviceName: service.name, plugin: service.plugin }))
