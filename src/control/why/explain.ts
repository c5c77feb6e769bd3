/** Why a job waits, in words and with what to do about it: what follows from the facts. Pure. */

import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { counted, span } from "../../domain/Format.ts"
import type { Advice, CiWords, Found } from "../../plugins/Plugin.ts"
import { type JobRecord, RULES } from "../../services/Coordinator.ts"
import * as HostStatus from "../../services/HostStatus.ts"
import { anklet } from "../../text/Advice.ts"
import { handedBack, ofJob } from "../Blocked.ts"
import type { Facts, Known } from "./facts.ts"

/** One reason: on which host it holds, if on one; what holds; and what to do about it. */
const Reason = Schema.Struct({ where: Schema.String, what: Schema.String, remedy: Schema.String })
type Reason = typeof Reason.Type

/** The answer. */
export const Why = Schema.Struct({
  job: Schema.String,
  url: Schema.String,
  /** The answer in one sentence. */
  answer: Schema.String,
  /**
   * Whether there is an answer about a job: otherwise the text names none, the job is not one that this host watches or
   * its CI knows, or the CI could not be asked.
   */
  outcome: Schema.optionalWith(Schema.Literal("found", "unreadable", "missing", "unasked"), {
    default: () => "found" as const
  }),
  /** What is behind it, the most telling reason first. */
  reasons: Schema.Array(Reason)
})
export type Why = typeof Why.Type

const NOTHING_TO_DO = "nothing: this passes by itself"

const reason = (what: string, remedy = NOTHING_TO_DO, where = "this host"): Reason => ({ where, what, remedy })

const advice = ({ what, remedy }: Advice, where = "this host"): Reason => ({ where, what, remedy })

/** What is wrong with the job itself. */
const ofDefinition = (what: string, { definition: { where, remedy } }: CiWords): Reason => reason(what, remedy, where)

const inTime = (until: number, now: number) => span(Math.max(1000, until - now))

/** What keeps this host from taking a job that is in the queue. */
const ofHost = (facts: Facts): ReadonlyArray<Reason> => {
  const { ci, found, limits, status, note, now, record, hosts, self } = facts
  // a service that has the very job is not in its way
  const isAnother = ({ doing }: (typeof status.services)[number]) =>
    doing._tag !== "Working" || doing.job.key !== found.key
  const blocks = ofJob(
    { ...status, now, services: status.services.filter(isAnother) },
    {
      handedBack: handedBack({ self, hosts, excluded: record.excluded, note, now }),
      reserver: record.reserver === "" || record.reserver === self ? "" : hostOf(facts, record.reserver),
      isAvailable: facts.isAvailable,
      lack: facts.lack
    }
  )
  return [
    // those of this CI alone, in its words, follow
    ...blocks
      .filter(({ reason }) => reason !== "rate_limited")
      .map(({ what, which, remedy }) => reason(which === "" ? what : `${what} (${which})`, remedy)),
    ...(note !== undefined && note.until <= now
      ? [reason(`the last time here: ${note.why}`, "fix the cause if it persists")]
      : []),
    ...limits
      .filter(({ waitsUntil }) => waitsUntil > now)
      .map(({ credential, waitsUntil }) =>
        reason(
          `the rate limit of ${ci.name} is reached with ${credential}: no polling for ${inTime(waitsUntil, now)}`,
          ci.rateLimited
        )
      )
  ]
}

/** What keeps other hosts from it, as far as they have reported. */
const ofOthers = ({ hosts, record, nameOf, now, self }: Facts): ReadonlyArray<Reason> =>
  hosts.flatMap(({ id, info, until, status }) => {
    if (id === self) return []
    const name = nameOf(info)
    if (until <= now) return [reason(`silent for ${inTime(now, until)}`, "check that this Mac is up", name)]
    const excluded = record.excluded.find(({ host }) => host === id)
    if (excluded !== undefined) {
      return [
        reason(
          `handed it back: ${excluded.reason}; not for another ${inTime(excluded.until, now)}`,
          "fix the cause there",
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
    return busy === said.services.length ? [reason(`all ${busy} services have a job`, NOTHING_TO_DO, name)] : []
  })

const hostOf = ({ hosts, nameOf }: Facts, id: string): string => {
  const host = hosts.find((host) => host.id === id)
  return host === undefined ? "a host that is no longer known" : nameOf(host.info)
}

/** The VM of a job that runs, as far as its host has said. */
const inVm = ({ found, status, hosts, record }: Facts): string => {
  const here = status.services.flatMap(({ doing }) =>
    doing._tag === "Working" && doing.job.key === found.key ? [doing.job.vm] : []
  )
  const there = hosts
    .filter(({ id }) => record.state === "owned" && id === record.owner)
    .flatMap(({ status }) => Option.toArray(HostStatus.decode(status)))
    .flatMap(({ services }) => services.flatMap(({ job }) => (job?.url === found.url ? [job.vm] : [])))
  const vm = [...here, ...there].find((name) => name !== undefined)
  return vm === undefined ? "" : ` in VM ${vm}`
}

const lateBecause = ({ attempt }: JobRecord, ci: CiWords) =>
  attempt === 0
    ? `${ci.name} has called it queued for longer than the ${RULES.stale / 3_600_000} hours after which it fails such a job`
    : attempt === 1
      ? "one attempt to run it has failed"
      : `${attempt} attempts to run it have failed`

/** The answer for a job that is found, and whose store answers. */
const ofFacts = (facts: Facts): Why => {
  const { ci, found, record, now } = facts
  const doubts = (found.doubts ?? []).map((what) => ofDefinition(what, ci))
  const of = (answer: string, reasons: ReadonlyArray<Reason> = []): Why => ({
    job: found.name,
    url: found.url,
    answer,
    outcome: "found",
    reasons: found.state === "over" ? reasons : [...reasons, ...doubts]
  })
  if (found.state === "over") return of(`it is over: ${found.detail}`)
  const owner = record.state === "owned" ? `${record.service} of ${hostOf(facts, record.owner)}` : ""
  if (found.state === "running")
    return of(
      `it runs, on ${found.detail}${inVm(facts)}${owner === "" ? ", a runner that is not Anklet's or not known here" : `, of ${owner}`}`
    )
  if (Either.isLeft(found.request)) {
    return of(`no host of Anklet takes it: ${found.request.left}`, [ofDefinition("its labels", ci)])
  }
  if (found.waitsFor !== undefined) {
    return of(`${ci.name} does not offer it to runners yet: it is ${found.detail}`, [advice(found.waitsFor, ci.name)])
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
        `a runner has had it, or it was given up by its runner; if ${ci.name} still calls it queued in two minutes, it is tried again`,
        ofHost(facts)
      )
    case "unknown": {
      const isBusy = facts.status.services.every(({ doing }) => doing._tag === "Working")
      const looked =
        facts.lookedAt === 0
          ? `nobody has polled ${ci.name} yet`
          : `the last poll was ${inTime(now, facts.lookedAt)} ago, by ${facts.looker || "this host"}; the next is due after ${facts.interval} seconds`
      return of(
        isBusy
          ? `it is not seen yet: all services of this host have a job, and ${ci.name} is polled less often then`
          : "it is not seen yet",
        [...ofHost(facts), reason(looked, "sleep_interval is the interval between two polls")]
      )
    }
    case "queued": {
      const reasons = [
        ...(facts.claimsFrozenUntil > now
          ? [reason(`the store has lost its data: no job is claimed for ${inTime(facts.claimsFrozenUntil, now)}`)]
          : []),
        ...ofHost(facts),
        ...ofOthers(facts),
        ...(record.late > 0
          ? [
              reason(
                `it comes after all jobs that are new, whatever their priority: ${lateBecause(record, ci)}. ${record.late > now ? `In ${inTime(record.late, now)} it is due: then it gets` : "It gets"} every ${RULES.share + 1}th turn even so`,
                `cancel its run at ${ci.name} if nobody needs it`,
                "the queue"
              )
            ]
          : []),
        ...(record.ahead > 0
          ? [
              reason(
                `${counted(record.ahead, "job")} for the same template ${record.ahead === 1 ? "goes" : "go"} before it`,
                "more services or Macs; or a label anklet-priority-0",
                "the queue"
              )
            ]
          : [])
      ]
      const [first] = reasons
      return of(
        first === undefined
          ? "nothing is in its way: it will be claimed in a moment"
          : `it waits: ${first.what}${first.where === "this host" || first.where === "the queue" ? "" : ` (${first.where})`}`,
        reasons
      )
    }
  }
}

/** The answer for a job whose store does not answer. */
const ofNoStore = ({ name, url }: Found, problem: string): Why => ({
  job: name,
  url,
  outcome: "found",
  answer: "it waits: the store does not answer, so no new jobs are accepted",
  reasons: [reason(problem, anklet("doctor"))]
})

/** The kinds of texts that lead to no job, the one that came nearest to a job first. */
const NEAREST = ["unknown", "elsewhere", "unreadable"] as const

/** The answer for a text that leads to no job. */
const ofNothing = ({ text, cis, missing, problems }: Extract<Known, { readonly _tag: "NotFound" }>): Why => {
  const names = cis.map(({ name }) => name).join(" and ")
  const about = { job: text, url: "" }
  if (problems.length > 0)
    return {
      ...about,
      outcome: "unasked",
      answer: `${names} could not be asked`,
      reasons: problems.map((what) => reason(what, anklet("doctor")))
    }
  const kind = NEAREST.find((kind) => missing.some((it) => it.kind === kind))
  const told = missing.filter((it) => it.kind === kind)
  const [first] = told
  if (first === undefined)
    return {
      ...about,
      outcome: "missing",
      answer: `no service of this host watches it, or ${names} does not know it`,
      reasons: cis.map(({ naming }) => advice(naming))
    }
  const others = told.filter(
    ({ what, remedy }, n) => told.findIndex((it) => it.what === what && it.remedy === remedy) === n
  )
  return {
    ...about,
    outcome: first.kind === "unreadable" ? "unreadable" : "missing",
    answer: first.what,
    reasons: others.map((it) => advice(it))
  }
}

/** The answer that follows from what is known. */
export const explain = (known: Known): Why => {
  switch (known._tag) {
    case "Facts":
      return ofFacts(known.facts)
    case "NoStore":
      return ofNoStore(known.found, known.problem)
    case "NotFound":
      return ofNothing(known)
  }
}
