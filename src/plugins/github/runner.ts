/** The runner as a scoped resource: written down, registered, started in its VM; closing the scope removes it from GitHub. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { v5 as uuid5 } from "uuid"
import { type JobKey, RUNNER_PREFIX, VM_PREFIX, VmName } from "../../domain/Job.ts"
import * as Finalizer from "../../interruption/Finalizer.ts"
import { within } from "../../interruption/Within.ts"
import type { Runner } from "../../job/Ci.ts"
import * as Guest from "../../job/Guest.ts"
import { RegistrationError } from "../../job/RegistrationError.ts"
import * as Vm from "../../job/Vm.ts"
import { Capacity } from "../../services/Capacity.ts"
import type { Owned } from "../../services/Coordinator.ts"
import {
  type GitHubClient,
  GitHubError,
  type Level,
  type Runner as Registered,
  WrittenLevel
} from "../../services/GitHub.ts"
import type { JournalError } from "../../services/Journal.ts"
import { Ledger, RunnerGone, RunnerKnown, RunnerNamed } from "../../services/Ledger.ts"
import * as Metrics from "../../services/Metrics.ts"
import { hide } from "./jitConfig.ts"
import { RUNNER } from "./program.ts"
import * as refusal from "./refusal.ts"
import { JobDetail } from "./request.ts"

/** What can be asked about a job while its runner is made and removed. */
export interface Asked {
  readonly stillQueued: Effect.Effect<boolean, GitHubError>
  /** Whether the job is still this host's among all hosts. */
  readonly owns: Effect.Effect<Owned>
}

/** What the ledger keeps of a runner: where it is registered, and for which job; older ledgers do not have the job. */
export const RunnerDetail = Schema.Struct({ level: WrittenLevel, job: Schema.optional(JobDetail) })
const encodeDetail = Schema.encodeSync(RunnerDetail)

const NAMESPACE = "5d0f3f2e-4c1b-4f5e-9a53-6a7d7c2b9f10"

/**
 * The k-th name of a job's runner: a pure function of the job, the same on every host.
 *
 * GitHub refuses a second runner of a name (409) and to remove one that is busy (422), and so keeps two hosts from running
 * one job. So a runner that is replaced gives its name to the next one, and another name is only used while a runner of
 * the first one runs some other job.
 */
export const nameOf = (job: JobKey, k: number): string => `${RUNNER_PREFIX}${idOf(job, k)}`

const idOf = (job: JobKey, k: number): string => uuid5(`${job}/${k}`, NAMESPACE)

/** The name that older versions gave to the same runner. It has the form of a VM's, so it also stands for one that is not there. */
const olderNameOf = (job: JobKey, k: number): VmName => VmName.make(`${VM_PREFIX}${idOf(job, k)}`)

/** Maximum number of names tried for a job: each one that is taken belongs to a runner that runs some other job. */
const NAMES = 8

/** Whether a runner of this name is one of the job's, also by the name that an older version gave it. */
export const isNameOf = (job: JobKey, name: string): boolean =>
  Array.from({ length: NAMES }, (_, k) => [nameOf(job, k), olderNameOf(job, k)]).some((names) => names.includes(name))

/** While the store cannot be asked, a foreign runner that stays offline is taken for abandoned after this many attempts at its job. */
const ABANDONED_AFTER_ATTEMPTS = 10
/**
 * A host that shares its queue with nobody may still watch a repository beside another such host, whose runner is offline
 * from its registration until it has been installed and started: one that is offline for longer is left over.
 */
const LEFT_AFTER = "1 minute"
const TRIES = 5
/** A registration that was given up may reach GitHub this much later: a Mac that wakes up sends it then. */
const UNDER_WAY = "5 seconds"
const BETWEEN_TRIES = "2 seconds"
const CREATE_WITHIN = "1 minute"
const REMOVE_WITHIN = "90 seconds"
/** A cancelled job's runner ends by itself in about 10 s: SIGINT, 7.5 s, SIGTERM, 2.5 s, SIGKILL. */
const INTERRUPTED_WITHIN = "30 seconds"

/** A removal that did not succeed is tried again when the ledger is next compared with GitHub. */
const settle = Effect.fnUntraced(function* (name: string) {
  const ledger = yield* Ledger
  yield* ledger.settle(RunnerGone.make({ runner: name }))
})

/**
 * Remove a runner by id; gone is as good as removed. Where the reply that had the id was lost, a runner of its name may
 * already be another host's: it is removed if `mayTake` says so, and otherwise not ours to remember either.
 */
export const remove = Effect.fn("runner.remove")(function* <R>(
  client: GitHubClient,
  level: Level,
  name: string,
  mayTake: Effect.Effect<boolean, GitHubError, R>
) {
  const ledger = yield* Ledger
  const known = HashMap.get((yield* ledger.state).runners, name)
  // struck from the ledger: it turned out to be somebody else's
  if (Option.isNone(known)) return
  const { id, started } = known.value
  if (Option.isSome(id)) yield* client.removeRunner(level, id.value)
  else {
    const takeAway = Effect.gen(function* () {
      const found = yield* client.runnerByName(level, name)
      // one with a job that was never started here is another host's
      if (Option.isNone(found) || (found.value.busy && !started)) return
      if (yield* mayTake) yield* client.removeRunner(level, found.value.id)
    })
    // what is found first may be that of another host, whose job is over: ours may still come after it
    yield* takeAway
    yield* Effect.sleep(UNDER_WAY)
    yield* takeAway
  }
  yield* settle(name)
  yield* Effect.logDebug(`runner ${name} removed`)
})

/** After these the runner may be there still, with a job. */
const UNSURE: ReadonlySet<string> = new Set(["Busy", "Unavailable", "Protocol", "RateLimited"])

/**
 * Give a runner up that waits: false if GitHub has just given it a job, which is not to be disturbed, or cannot be asked,
 * so that it may have. Other failures are left to the scope's own removal.
 */
export const retire = (client: GitHubClient, level: Level, name: string) =>
  remove(client, level, name, Effect.succeed(true)).pipe(
    Effect.as(true),
    Effect.catchAll(({ reason }) => Effect.succeed(!UNSURE.has(reason)))
  )

/** Have GitHub make a runner: intent, effect and the id that came back are one step, because an interrupted stop in between would lose the id. */
const create = Effect.fnUntraced(function* (client: GitHubClient, named: RunnerNamed, asking: refusal.Asking) {
  const ledger = yield* Ledger
  const { runner: name } = named
  // an intent of an earlier life, or an earlier reply that was lost: then a runner of this name is ours
  const isOurs = HashMap.has((yield* ledger.state).runners, name)
  const refused = (error: GitHubError): Effect.Effect<never, GitHubError | RegistrationError, Ledger> =>
    Option.match(refusal.of(error, asking), {
      onNone: () => error,
      // what GitHub refused is not there, and need not be looked for
      onSome: (refused) => Effect.zipRight(isOurs ? Effect.void : settle(name), new RegistrationError(refused))
    })
  return yield* ledger.append(named).pipe(
    Effect.zipRight(client.createRunner(asking.level, { name, labels: asking.labels, group: asking.group })),
    Effect.tap(({ jitConfig }) => hide(jitConfig)),
    Effect.tap(({ runner }) => ledger.append(RunnerKnown.make({ runner: name, id: runner.id }))),
    within(CREATE_WITHIN),
    Effect.catchIf((error) => error._tag === "GitHubError", refused)
  )
})

/** Whether a runner of the job's name that this host has not written down is left over: then the host that has the job now may take its name. */
const isLeft = Effect.fnUntraced(function* (
  client: GitHubClient,
  level: Level,
  { id, name, online }: Registered,
  owns: Owned,
  attempt: number
) {
  switch (owns) {
    case "yes":
      return true
    case "no":
      return false
    case "unknown":
      return !online && attempt >= ABANDONED_AFTER_ATTEMPTS
    case "alone": {
      if (online) return false
      yield* Effect.sleep(LEFT_AFTER)
      const again = yield* client.runnerByName(level, name)
      return Option.exists(again, (again) => again.id === id && !again.online && !again.busy)
    }
  }
})

const inTheWay = ({ name, online }: Registered) =>
  new RegistrationError({
    reason: "Elsewhere",
    detail: `another host has a runner for the job: ${name} is ${online ? "online" : "offline"} and idle. If there is no such host, it is left over: remove it on GitHub's page of the runners`,
    runner: name
  })

/**
 * See to a runner that has the job's name already, before a VM is made for the job: one that is left over is removed, and
 * where it is another host's, this fails with `Elsewhere`. What GitHub does not tell now is found out at the registration.
 */
export const clear = Effect.fn("runner.clear")(function* (registration: Owning) {
  const { client, level, job, attempt } = registration
  const name = nameOf(job, 0)
  const isOurs = HashMap.has((yield* (yield* Ledger).state).runners, name)
  const found = isOurs ? Option.none() : yield* Effect.option(client.runnerByName(level, name))
  const existing = Option.flatten(found)
  // with a job: whether it is this one is asked at the registration
  if (Option.isNone(existing) || existing.value.busy) return
  if (!(yield* isLeft(client, level, existing.value, yield* registration.owns, attempt)))
    return yield* inTheWay(existing.value)
  yield* Effect.logWarning(
    `runner ${name} has the job's name, is ${existing.value.online ? "online" : "offline"} and idle, and is in no ledger of this host: it is removed`
  )
  yield* client.removeRunner(level, existing.value.id).pipe(
    Effect.catchIf(
      (error) => error.reason === "Busy",
      () => new RegistrationError({ reason: "Elsewhere", detail: "its runner just got a job" })
    )
  )
})

/**
 * Take back the runner of a job that an earlier life of this daemon had, and whose lines the ledger has lost. One that is
 * online, or has a job, is not removed here. Where GitHub does not answer, the runner is written down again, so that it is
 * looked for until it is gone.
 */
export const takeBack = Effect.fn("runner.takeBack")(function* (
  client: GitHubClient,
  level: Level,
  { job, service, address, owns }: Pick<Owning, "job" | "service" | "address" | "owns">
) {
  const ledger = yield* Ledger
  // the earlier life may have ended for an upgrade
  for (const name of [nameOf(job, 0), olderNameOf(job, 0)]) {
    if (HashMap.has((yield* ledger.state).runners, name)) continue
    const owned = yield* owns
    if (owned !== "yes" && owned !== "alone") return
    yield* client.runnerByName(level, name).pipe(
      Effect.map(Option.filter(({ online, busy }) => !online && !busy)),
      Effect.tap(
        Option.match({
          onNone: () => Effect.void,
          onSome: ({ id }) =>
            Effect.zipRight(
              Effect.logWarning(
                `runner ${name} was registered by an earlier life of this daemon, and is not in its ledger any more: it is removed`
              ),
              client.removeRunner(level, id)
            )
        })
      ),
      Effect.catchTag("GitHubError", ({ message }) => {
        const detail = encodeDetail({ level, job: address })
        const named = RunnerNamed.make({ runner: name, vm: olderNameOf(job, 0), job, service, detail })
        return Effect.zipRight(Effect.logDebug(message), ledger.append(named))
      })
    )
  }
})

const register = Effect.fnUntraced(function* (
  client: GitHubClient,
  level: Level,
  name: string,
  options: Asked & {
    readonly labels: ReadonlyArray<string>
    readonly group: number
    readonly attempt: number
    readonly named: RunnerNamed
  }
) {
  const ledger = yield* Ledger
  // an intent of an earlier life, or an earlier reply that was lost: then a runner of this name is ours
  let ours = HashMap.has((yield* ledger.state).runners, name)
  // a request of ours may still be under way: then the line stays, and the scope's removal looks for its runner
  const elsewhere = (detail: string) =>
    Effect.zipRight(
      ours ? Effect.void : settle(name),
      Effect.fail(new RegistrationError({ reason: "Elsewhere", detail }))
    )

  for (let tries = 0; tries < TRIES; tries++) {
    if (tries > 0) yield* Effect.sleep(BETWEEN_TRIES)
    const created = yield* create(client, options.named, { level, ...options }).pipe(
      Effect.map(Option.some),
      Effect.catchIf(isUnsettled, (error) => {
        // only an answer that never came can mean that the runner is there because of us
        ours ||= error._tag === "TimeoutException" || error.reason !== "Conflict"
        return Effect.as(Effect.logDebug(error.message), Option.none())
      })
    )
    if (Option.isSome(created)) return created.value
    const existing: Option.Option<Registered> = yield* client.runnerByName(level, name)
    if (Option.isNone(existing)) continue
    if (existing.value.busy) {
      if (!(yield* options.stillQueued)) return yield* elsewhere("the job runs elsewhere, or is over")
      if (!ours) yield* settle(name)
      return yield* new RegistrationError({ reason: "Failed", detail: BUSY_WITH_ANOTHER })
    }
    const owns = yield* options.owns
    if (ours && owns === "no") {
      // we may have slept since, and another host made it; if it is ours, it is removed with the scope
      return yield* new RegistrationError({ reason: "Elsewhere", detail: "another host has the job" })
    }
    if (!ours && !(yield* isLeft(client, level, existing.value, owns, options.attempt))) {
      yield* settle(name)
      return yield* inTheWay(existing.value)
    }
    if (!(yield* options.stillQueued)) {
      // written down as ours, it is removed with the scope
      return yield* new RegistrationError({ reason: "Elsewhere", detail: "the job runs elsewhere, or is over" })
    }
    const removed = yield* client.removeRunner(level, existing.value.id).pipe(
      Effect.as(true),
      Effect.catchIf(
        (error) => error.reason === "Busy",
        () => Effect.succeed(false)
      )
    )
    if (!removed) return yield* elsewhere("its runner just got a job")
  }
  return yield* new RegistrationError({
    reason: "Failed",
    detail: `GitHub did not register runner ${name} in ${TRIES} tries`
  })
})

/** The runner may be there although we were not told, or was there before. */
const isUnsettled = (
  error: GitHubError | JournalError | RegistrationError | Cause.TimeoutException
): error is GitHubError | Cause.TimeoutException =>
  error._tag === "TimeoutException" ||
  (error._tag === "GitHubError" && ["Conflict", "Unavailable", "Protocol"].includes(error.reason))

/** The name is taken by a runner that runs some other job: the next name of this job is free. */
const BUSY_WITH_ANOTHER = "its runner is busy with another job"

/** What it takes to remove the runner of a job. */
export interface Owning extends Asked {
  readonly client: GitHubClient
  readonly level: Level
  readonly job: JobKey
  readonly service: string
  /** Which attempt at the job this is, over all passes. */
  readonly attempt: number
  /** The job at GitHub. */
  readonly address: typeof JobDetail.Type
}

/** What it takes to register a runner for a job. */
export interface Registration extends Owning {
  readonly labels: ReadonlyArray<string>
  readonly group: number
}

/** Whether the job's runner is this host's to remove: nobody else has the job, or nobody waits for a runner of it any more. */
const mayTake = ({ owns, stillQueued }: Asked) =>
  Effect.flatMap(owns, (owns) => (owns === "no" ? Effect.map(stillQueued, (queued) => !queued) : Effect.succeed(true)))

const removeFrom = (client: GitHubClient, level: Level, name: string, vm: Vm.Vm, asked: Asked) => {
  const removed = remove(client, level, name, mayTake(asked))
  return removed.pipe(
    Effect.catchIf(
      (error) => error.reason === "Busy",
      () =>
        Effect.zipRight(
          Guest.interrupt(vm, RUNNER),
          removed.pipe(
            Effect.retry({ while: (error) => error.reason === "Busy", schedule: Schedule.spaced("1 second") }),
            Effect.timeoutFail({ duration: INTERRUPTED_WITHIN, onTimeout: () => stillBusy(name) })
          )
        )
    ),
    Effect.retry({
      while: (error) => error.reason === "Unavailable" || error.reason === "Protocol",
      schedule: Schedule.intersect(Schedule.exponential("500 millis"), Schedule.recurs(4))
    }),
    within(REMOVE_WITHIN),
    Effect.catchAll((error) => {
      const reason = error._tag === "GitHubError" ? error.reason : ""
      if (reason === "Busy") {
        return Effect.logWarning(
          `runner ${name} still runs a job at GitHub, which frees it in about 10 minutes; it is removed then`
        )
      }
      return reason === "RateLimited"
        ? Effect.logWarning(`runner ${name} is removed from GitHub later: ${error.message}`)
        : Effect.zipRight(
            Effect.logError(
              `runner ${name} could not be removed from GitHub; it is tried again in the next pass`,
              error
            ),
            Metrics.removalFailed({ kind: "runner" })
          )
    })
  )
}

const stillBusy = (name: string) =>
  new GitHubError({ reason: "Busy", request: `DELETE runner ${name}`, detail: "it still runs a job" })

const own = Effect.fnUntraced(function* (client: GitHubClient, level: Level, name: string, vm: Vm.Vm, asked: Asked) {
  yield* Finalizer.addUnlessHandedOver(removeFrom(client, level, name, vm, asked))
})

/**
 * Whether a runner of this name is at work in another VM of this host: it was made for the job and got another one, which
 * another service now sees to its end. What the ledger says of it must stay, or a crash would end that job. One that waits
 * is not at work: two of a job must not wait at once.
 */
const isElsewhereHere = Effect.fnUntraced(function* ({ client, level }: Registration, name: string, vm: Vm.Vm) {
  const { runners } = yield* (yield* Ledger).state
  const inUse = yield* (yield* Capacity).owned
  const isHere = Option.exists(HashMap.get(runners, name), ({ named }) => named.vm !== vm.name && inUse.has(named.vm))
  return isHere && Option.exists(yield* client.runnerByName(level, name), ({ busy }) => busy)
})

/** Register the job's runner; the secret that starts it is in the reply and nowhere else. */
export const make = Effect.fn("runner.make")(function* (registration: Registration, vm: Vm.Vm) {
  const { client, level, job, service, address } = registration
  const attempt = (
    k: number
  ): Effect.Effect<
    { readonly runner: Runner; readonly jitConfig: Redacted.Redacted<string> },
    RegistrationError | GitHubError | Effect.Effect.Error<ReturnType<typeof register>>,
    Effect.Effect.Context<ReturnType<typeof register | typeof own | typeof isElsewhereHere>>
  > =>
    Effect.gen(function* () {
      const name = nameOf(job, k)
      if (yield* isElsewhereHere(registration, name, vm))
        return yield* new RegistrationError({ reason: "Failed", detail: BUSY_WITH_ANOTHER })
      // as it will be read from the disk
      const detail = encodeDetail({ level, job: address })
      const named = RunnerNamed.make({ runner: name, vm: vm.name, job, service, detail })
      yield* own(client, level, name, vm, registration)
      const created = yield* register(client, level, name, { ...registration, named })
      return { runner: { name, id: created.runner.id, vm }, jitConfig: created.jitConfig }
    }).pipe(
      Effect.catchIf(
        (error) => error._tag === "RegistrationError" && error.detail === BUSY_WITH_ANOTHER && k + 1 < NAMES,
        () => attempt(k + 1)
      )
    )
  return yield* attempt(0)
})

/**
 * Register a runner of the job and remove it at once, without a VM: tells whether GitHub takes one. Its name is none that
 * a runner with a VM ever has, so that it is in nobody's way.
 */
export const rehearse = Effect.fn("runner.rehearse")(function* (registration: Registration) {
  const { client, level, job, service, address } = registration
  const name = nameOf(job, NAMES)
  const vm = yield* Vm.named(olderNameOf(job, NAMES))
  const detail = encodeDetail({ level, job: address })
  yield* own(client, level, name, vm, { ...registration, owns: Effect.succeed("yes") })
  yield* create(client, RunnerNamed.make({ runner: name, vm: vm.name, job, service, detail }), registration).pipe(
    // one of an earlier rehearsal, which is removed now: GitHub took it
    Effect.catchIf(
      (error) => error._tag === "GitHubError" && error.reason === "Conflict",
      () => Effect.void
    )
  )
}, Effect.scoped)

/** Own again a runner that a crash left behind. */
export const adopt = (client: GitHubClient, level: Level, name: string, vm: Vm.Vm, asked: Asked) =>
  Effect.uninterruptible(own(client, level, name, vm, asked))
