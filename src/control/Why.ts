/** Why a job waits, in words and with what to do: the answer to `anklet why`. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { gib, span } from "../domain/Format.ts"
import type { JobRequest } from "../domain/Job.ts"
import type { Found, PluginError } from "../plugins/Plugin.ts"
import { Activity, type Note } from "../services/Activity.ts"
import { type JobRecord, RULES, type Survey } from "../services/Coordinator.ts"
import { Coordinators } from "../services/Coordinators.ts"
import * as HostStatus from "../services/HostStatus.ts"
import * as Memory from "../services/Memory.ts"
import { Templates } from "../services/Templates.ts"
import * as Status from "./Status.ts"

/** A service that can find a job of its CI. */
export interface Finder<R> {
  readonly name: string
  readonly sleepInterval: Duration.Duration
  readonly find: (job: string) => Effect.Effect<Option.Option<Found>, PluginError, R | Scope.Scope>
}

/** One reason: what is so, on which host if on one, and what to do about it. */
const Reason = Schema.Struct({ where: Schema.String, what: Schema.String, remedy: Schema.String })
type Reason = typeof Reason.Type

/** The answer. */
export const Why = Schema.Struct({
  job: Schema.String,
  url: Schema.String,
  /** The answer in one sentence. */
  answer: Schema.String,
  /** What else is known, the most telling first. */
  reasons: Schema.Array(Reason)
})
export type Why = typeof Why.Type

const NOWHERE = "nothing to do: it needs no one"

const reason = (what: string, remedy = NOWHERE, where = "this host"): Reason => ({ where, what, remedy })

/** All that an answer follows from. */
export interface Facts {
  readonly found: Found
  readonly record: JobRecord
  readonly hosts: Survey["hosts"]
  readonly looker: string
  readonly lookedAt: number
  readonly hold: number
  readonly nameOf: (info: string) => string
  readonly note: Note | undefined
  /** The template is here, or could be pulled now. */
  readonly isAvailable: boolean
  /** What its VM would lack here, beside those that run. */
  readonly lack: Option.Option<Memory.Lack>
  readonly status: Status.Status
  readonly service: string
  readonly interval: number
  readonly now: number
}

const inTime = (until: number, now: number) => span(Math.max(1000, until - now))

/** What a service that waits or fails says. */
const ofServices = ({ status, found, now }: Facts): ReadonlyArray<Reason> =>
  status.services.flatMap(({ name, doing }) => {
    if (doing._tag === "Failing") {
      return [
        reason(
          `service ${name} fails: ${doing.why}`,
          `it is tried again in ${inTime(doing.until, now)}; "anklet doctor" may know more`
        )
      ]
    }
    return doing._tag === "Working" && doing.job.key !== found.key
      ? [
          reason(
            `service ${name} is at work on "${doing.job.name}"`,
            "more services, or more Macs, take more jobs at a time"
          )
        ]
      : []
  })

/** What keeps this host from taking a job that is in the queue. */
const ofHost = (facts: Facts): ReadonlyArray<Reason> => {
  const { status, note, now, isAvailable } = facts
  const room = status.vms?.length ?? 0
  return [
    ...status.pauses.map(({ by, ends }) => reason(`this host is paused by ${by}: it takes nothing new`, ends)),
    ...(status.mode === "draining"
      ? [reason("the daemon is draining and takes nothing new", "anklet, when it has left")]
      : []),
    ...(note !== undefined && note.until > now
      ? [
          reason(
            `handed back by this host: ${note.why}; not tried here again for ${inTime(note.until, now)}`,
            "mend the cause; another host may take it at once"
          )
        ]
      : note === undefined
        ? []
        : [reason(`the last time here: ${note.why}`, "mend the cause if it stays")]),
    ...status.limits.flatMap(({ credential, waitsUntil }) =>
      waitsUntil > now
        ? [
            reason(
              `GitHub's rate limit is reached with ${credential}: no polling for ${inTime(waitsUntil, now)}`,
              "raise sleep_interval, or use a GitHub App"
            )
          ]
        : []
    ),
    ...(status.vms === null ? [reason(`the VMs of this host are not known: ${status.problem}`, "anka list")] : []),
    ...(room >= status.vmLimit
      ? [
          reason(
            `no room: ${room} of ${status.vmLimit} VMs run (${(status.vms ?? []).map(({ name, owner, job }) => `${job === "" ? name : `"${job}"`} of ${owner}`).join(", ")})`,
            'it starts when one ends; a VM that nobody needs goes with "anka delete"'
          )
        ]
      : []),
    ...Option.match(facts.lack, {
      onNone: () => [],
      onSome: ({ wanted, taken, total }) => [
        reason(
          `not enough memory: its VM wants ${gib(wanted)}, and of ${gib(total)} here VMs that run have ${gib(taken)}`,
          wanted > total ? "a Mac with more memory, or a template with less" : "it fits when one of them has ended"
        )
      ]
    }),
    ...(isAvailable
      ? []
      : status.pulls.map(({ template, part }) =>
          reason(
            `its template is not here, and another pull is under way: ${template}${part === null ? "" : ` (${Math.round(part * 100)} %)`}`,
            "it goes on when that pull has ended"
          )
        )),
    ...ofServices(facts)
  ]
}

/** What keeps other hosts from it, as far as they said. */
const ofOthers = ({ hosts, record, nameOf, now }: Facts, self: string): ReadonlyArray<Reason> =>
  hosts.flatMap(({ id, info, until, status }) => {
    if (id === self) return []
    const name = nameOf(info)
    if (until <= now) return [reason(`silent for ${inTime(now, until)}`, "see whether that Mac is up", name)]
    const excluded = record.excluded.find(({ host }) => host === id)
    if (excluded !== undefined) {
      return [
        reason(
          `handed it back: ${excluded.reason}; not for another ${inTime(excluded.until, now)}`,
          "mend the cause there",
          name
        )
      ]
    }
    const said = Option.getOrUndefined(HostStatus.decode(status))
    if (said === undefined) return []
    if (said.mode !== "open") return [reason(`is ${said.mode}`, "anklet resume there", name)]
    const busy = said.services.filter(({ doing }) => doing === "Working").length
    const failing = said.services.find(({ doing }) => doing === "Failing")
    if (failing !== undefined)
      return [reason(`${failing.name} fails: ${failing.why ?? ""}`, "anklet doctor there", name)]
    return busy === said.services.length ? [reason(`all ${busy} services are at work`, NOWHERE, name)] : []
  })

const hostOf = ({ hosts, nameOf }: Facts, id: string): string => {
  const host = hosts.find((host) => host.id === id)
  return host === undefined ? "a host that is not known any more" : nameOf(host.info)
}

const lateBecause = ({ attempt }: JobRecord) =>
  attempt === 0
    ? `GitHub has called it queued for longer than the ${RULES.stale / 3_600_000} hours after which it fails such a job`
    : attempt === 1
      ? "it was tried in vain"
      : `it was tried ${attempt} times in vain`

/** The answer that follows from the facts. Pure. */
export const explain = (facts: Facts, self: string): Why => {
  const { found, record, now } = facts
  const doubts = (found.doubts ?? []).map((what) =>
    reason(what, 'change `runs-on` in the workflow file; README, "In a workflow"', "the workflow")
  )
  const of = (answer: string, reasons: ReadonlyArray<Reason> = []): Why => ({
    job: found.name,
    url: found.url,
    answer,
    reasons: found.state === "over" ? reasons : [...reasons, ...doubts]
  })
  if (found.state === "over") return of(`it is over: ${found.detail}`)
  const owner = record.state === "owned" ? `${record.service} of ${hostOf(facts, record.owner)}` : ""
  if (found.state === "running")
    return of(
      `it runs, on ${found.detail}${owner === "" ? ", a runner that is not Anklet's or not known here" : `, of ${owner}`}`
    )
  if (Either.isLeft(found.request)) {
    return of(`no host of Anklet takes it: ${found.request.left}`, [
      reason("its labels", 'change `runs-on` in the workflow file; README, "In a workflow"', "the workflow")
    ])
  }
  if (found.detail !== "") {
    return of(`GitHub does not offer it to runners yet: it is ${found.detail}`, [
      reason(
        "an approval, an environment's rule, a concurrency group or another job comes first",
        "see the run's page at GitHub",
        "GitHub"
      )
    ])
  }
  switch (record.state) {
    case "owned": {
      const mine = facts.status.services.find(({ doing }) => doing._tag === "Working" && doing.job.key === found.key)
      const stage = mine?.doing._tag === "Working" ? mine.doing.job.stages.at(-1) : undefined
      return of(
        `it does not wait: ${owner} prepares it${stage === undefined ? "" : ` (${stage.stage} ${inTime(now, stage.at)} ago)`}`
      )
    }
    case "done":
      return of(
        "a runner has had it, or it was given up by its runner; if GitHub still calls it queued in two minutes, it is tried again",
        ofHost(facts)
      )
    case "unknown": {
      const isBusy = facts.status.services.every(({ doing }) => doing._tag === "Working")
      const looked =
        facts.lookedAt === 0
          ? "nobody has looked at GitHub yet"
          : `the last look was ${inTime(now, facts.lookedAt)} ago, by ${facts.looker || "this host"}; the next is due after ${facts.interval} seconds`
      return of(
        isBusy
          ? "it is not seen yet: all services of this host are at work, and look again when one is free"
          : "it is not seen yet",
        [...ofHost(facts), reason(looked, "sleep_interval says how often is looked")]
      )
    }
    case "queued": {
      const reasons = [
        ...(facts.hold > now
          ? [reason(`the store lost its memory: nobody claims for ${inTime(facts.hold, now)}`)]
          : []),
        ...(record.reserver !== "" && record.reserver !== self
          ? [reason(`it is kept for ${hostOf(facts, record.reserver)}, which makes room for it`)]
          : []),
        ...ofHost(facts),
        ...ofOthers(facts, self),
        ...(record.late > 0
          ? [
              reason(
                `it comes after all jobs that are new, whatever their priority: ${lateBecause(record)}. ${record.late > now ? `In ${inTime(record.late, now)} it is due: then it gets` : "It gets"} every ${RULES.share + 1}th turn even so`,
                "cancel its run at GitHub if nobody needs it",
                "the queue"
              )
            ]
          : []),
        ...(record.ahead > 0
          ? [
              reason(
                `${record.ahead} jobs for the same template go before it`,
                "more services or Macs; or a label anklet-priority-0",
                "the queue"
              )
            ]
          : [])
      ]
      const [first] = reasons
      return of(
        first === undefined
          ? "nothing is in its way: it is claimed in a moment"
          : `it waits: ${first.what}${first.where === "this host" || first.where === "the queue" ? "" : ` (${first.where})`}`,
        reasons
      )
    }
  }
}

const UNKNOWN_JOB = (text: string): Why => ({
  job: text,
  url: "",
  answer: "no service of this host watches it, or GitHub does not know it",
  reasons: [
    reason(
      "a job is named by its address at GitHub (…/actions/runs/N/job/N), or by its number where a service watches one repository",
      "check the address, and owner and repo in the config"
    )
  ]
})

/** Find the job among what these services watch, and tell why it waits. */
export const ask = Effect.fn("Why.ask")(function* <R>(
  text: string,
  services: ReadonlyArray<Finder<R>>,
  about: Status.About
) {
  const activity = yield* Activity
  const coordinators = yield* Coordinators
  const templates = yield* Templates
  const problems: Array<string> = []
  for (const service of services) {
    const asked = yield* Effect.either(Effect.scoped(service.find(text)))
    if (Either.isLeft(asked)) {
      problems.push(`${service.name}: ${asked.left.message}`)
      continue
    }
    if (Option.isNone(asked.right)) continue
    const found = asked.right.value
    const view = coordinators.viewOf(service.name)
    const record = yield* Effect.either(view.inspect(found.scope, found.key))
    const survey = yield* Effect.either(view.survey(found.scope))
    if (Either.isLeft(record) || Either.isLeft(survey)) {
      const problem = Either.isLeft(record) ? record.left : Either.isLeft(survey) ? survey.left : undefined
      const why: Why = {
        job: found.name,
        url: found.url,
        answer: `it waits: the store does not answer, so nothing new is taken`,
        reasons: [reason(problem?.message ?? "", "anklet doctor")]
      }
      return why
    }
    const request: Option.Option<JobRequest> = Either.getRight(found.request)
    const status = yield* Status.read(about)
    const running = found.state === "queued" ? status.vms?.map(({ name }) => name) : undefined
    const facts: Facts = {
      ...survey.right,
      found,
      record: record.right,
      looker: view.nameOf(survey.right.hosts.find(({ id }) => id === survey.right.looker)?.info ?? ""),
      nameOf: view.nameOf,
      note: yield* activity.noted(found.key),
      isAvailable: Option.isSome(request) ? yield* templates.available(request.value.template) : true,
      lack:
        Option.isSome(request) && running !== undefined
          ? yield* Memory.lack(request.value.template, running)
          : Option.none(),
      status,
      service: service.name,
      interval: Duration.toSeconds(service.sleepInterval),
      now: yield* Clock.currentTimeMillis
    }
    return explain(facts, view.self)
  }
  const unknown = UNKNOWN_JOB(text)
  return problems.length === 0
    ? unknown
    : {
        ...unknown,
        answer: "GitHub could not be asked",
        reasons: problems.map((what) => reason(what, "anklet doctor"))
      }
})
