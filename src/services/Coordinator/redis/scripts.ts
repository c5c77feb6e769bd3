/**
 * The rules of `rules.ts` as Lua scripts: which script a command is, what it is given, and what its answer means.
 *
 * A script is known to Redis by the hash of its text, so hosts of different versions keep to their own. All keys of a
 * scope carry it as their hash tag, which puts them in one slot of a cluster.
 */
import { createHash } from "node:crypto"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { JobKey, JobRequest, type Scope } from "../../../domain/Job.ts"
import { without } from "../../../secrets/Secrets.ts"
import * as Limits from "../../../text/Limits.ts"
import { classOf, rankOf } from "../order.ts"
import { type Command, type Exclusion, type Listed, type Reply, RULES, type Verdict } from "../protocol.ts"
import announce from "./announce.lua"
import beat from "./beat.lua"
import claim from "./claim.lua"
import finish from "./finish.lua"
import hello from "./hello.lua"
import idle from "./idle.lua"
import ingest from "./ingest.lua"
import inspect from "./inspect.lua"
import leave from "./leave.lua"
import library from "./lib.lua"
import limit from "./limit.lua"
import list from "./list.lua"
import poll from "./poll.lua"
import release from "./release.lua"
import reserve from "./reserve.lua"
import restore from "./restore.lua"
import survey from "./survey.lua"
import swap from "./swap.lua"
import waiting from "./waiting.lua"

/** The beginning of every key; the number changes when the meaning of keys does. */
export const PREFIX = "anklet:1:"

/** The last part of each key of a scope, in the order in which scripts get them. */
export const KEYS = [
  "meta",
  "hosts",
  "alive",
  "queue",
  "spec",
  "state",
  "seen",
  "claims",
  "lease",
  "own",
  "done",
  "idle",
  "idlers",
  "reserved",
  "reservers",
  "said"
] as const

/** The keys of a scope. A brace in its name would end the hash tag early, and is replaced. */
export const keysOf = (scope: Scope): ReadonlyArray<string> =>
  KEYS.map((name) => `${PREFIX}{${scope.replace(/[{}]/g, "_")}}:${name}`)

/** The channel of messages to a host. */
export const channelOf = (host: string): string => `${PREFIX}host:${host}`

/** The channel on which hosts report that a credential is refused. */
export const LIMITS = `${PREFIX}limits`

/** The key that exists while a credential is refused. */
export const limitOf = (credential: string): string => `${PREFIX}{limit:${credential}}`

/** A script: its text, and the hash by which Redis knows it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** A script from its text. */
export const hashed = (text: string): Script => ({ text, sha: createHash("sha1").update(text).digest("hex") })

/** Reports, or asks, for how long a credential is refused. */
export const LIMIT: Script = hashed(limit)

const limits = Object.entries(RULES).map(([name, value]) => `${name} = ${value}`)

/** Redis's own clock, in milliseconds since the epoch. */
const CLOCK = "local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000)"

/** All scripts. `clock`: the body of a Lua function that returns the time, in milliseconds since the epoch. */
export const compile = (clock: string = CLOCK): Readonly<Record<Command["_tag"], Script>> => {
  const script = (body: string): Script => {
    // the shebang, with the flags, must stay the first line
    const [shebang, ...rest] = body.split("\n")
    const text = [
      shebang,
      `local function clock() ${clock} end`,
      `local RULES = {${limits.join(", ")}}`,
      library,
      ...rest
    ].join("\n")
    return hashed(text)
  }
  return {
    Hello: script(hello),
    Leave: script(leave),
    Beat: script(beat),
    Restore: script(restore),
    Poll: script(poll),
    Ingest: script(ingest),
    Announce: script(announce),
    Waiting: script(waiting),
    Idle: script(idle),
    Claim: script(claim),
    Release: script(release),
    Finish: script(finish),
    Swap: script(swap),
    Reserve: script(reserve),
    Survey: script(survey),
    List: script(list),
    Inspect: script(inspect)
  }
}

const Spec = Schema.parseJson(JobRequest)
const encodeSpec = Schema.encodeSync(Spec)
const decode = Schema.decodeOption(Schema.compose(Limits.Json(Limits.REQUEST), Spec))

/** A request, if a host can have written it: other programs may write here, too. */
const decodeSpec = (json: string): Option.Option<JobRequest> =>
  Option.filter(
    // where a schema throws, no host wrote that either
    Option.flatten(Option.liftThrowable(decode)(json)),
    ({ createdAt, template: { id, tag } }) =>
      isMoment(createdAt) && Limits.isTemplate(id) && Option.match(tag, { onNone: () => true, onSome: Limits.isTag })
  )
const isMoment = Schema.is(Limits.Moment)

/** A number in a reply; 0 where another program wrote something else. */
const count = (text: string | undefined): number => {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : 0
}

/** `<class> <rank>`, the order of the queue. */
const headOf = (job: JobRequest): string => `${classOf(job)} ${rankOf(job)}`

/** A reason as text without spaces and semicolons, and back. */
const hidden = (reason: string): string => Buffer.from(without(reason).slice(0, RULES.reason)).toString("base64url")
const shown = (reason: string): string => Buffer.from(reason, "base64url").toString()

/** A flat list as rows. */
const rows = (flat: ReadonlyArray<string>, columns: number): ReadonlyArray<ReadonlyArray<string>> =>
  Array.from({ length: Math.floor(flat.length / columns) }, (_, n) => flat.slice(n * columns, (n + 1) * columns))

const flag = (value: boolean): string => (value ? "1" : "0")

const given = (command: Command): ReadonlyArray<string | number> => {
  switch (command._tag) {
    case "Hello":
      return [command.info, command.terms, command.lease, flag(command.knewGeneration), command.replaces]
    case "Leave":
      return command.services
    case "Beat":
      return [
        command.lease,
        command.status,
        command.services.length,
        ...command.services,
        ...command.claims.flatMap(({ job, service, epoch }) => [job, service, epoch])
      ]
    case "Restore":
      return [
        command.lease,
        ...command.claims.flatMap(({ job, service, epoch, attempt }) => [
          job.key,
          service,
          epoch,
          attempt,
          headOf(job),
          encodeSpec(job)
        ])
      ]
    case "Poll":
      return [command.every, flag(command.sooner === true)]
    case "Ingest":
      return [
        command.fence,
        command.last && command.partial === true ? 2 : flag(command.last),
        ...command.jobs.flatMap(({ key, request }) =>
          Option.match(request, {
            onNone: () => [key, "", ""],
            onSome: (job) => [key, headOf(job), encodeSpec(job)]
          })
        )
      ]
    case "Announce":
      return command.jobs.flatMap((job) => [job.key, headOf(job), encodeSpec(job)])
    case "Waiting":
      return []
    case "Idle":
      return [command.service, command.ready, ...command.hot]
    case "Claim":
      return [command.service, command.lease, ...command.classes]
    case "Release": {
      const { claim, handBack } = command
      return [
        claim.job.key,
        claim.service,
        claim.epoch,
        claim.attempt,
        handBack.after,
        flag(handBack.charged),
        hidden(handBack.reason),
        flag(handBack.inVain === true)
      ]
    }
    case "Finish":
      return [command.claim.job.key, command.claim.service, command.claim.epoch]
    case "Swap": {
      const { claim, taken, lease } = command
      return [
        claim.job.key,
        claim.service,
        claim.epoch,
        claim.attempt,
        lease,
        taken.key,
        headOf(taken),
        encodeSpec(taken)
      ]
    }
    case "Reserve":
      return [command.job, command.lasting]
    case "Survey":
    case "List":
      return [command.from]
    case "Inspect":
      return [command.job]
  }
}

/** The arguments of the script for a command. */
export const argumentsOf = (command: Command): ReadonlyArray<string | number> => [
  command.generation,
  command.host,
  command.life,
  ...given(command)
]

/** Exclusions in a reply. */
const excludedOf = (flat: ReadonlyArray<string>): ReadonlyArray<Exclusion> =>
  rows(flat, 4).map(([host = "", until, soft, reason = ""]) => ({
    host,
    until: count(until),
    soft: soft === "1",
    reason: shown(reason)
  }))

/** The jobs of a page of the queue: each has five columns, and a number of exclusions. */
const listedOf = (flat: ReadonlyArray<string>): ReadonlyArray<Listed> => {
  const found: Array<Listed> = []
  for (let at = 0; at < flat.length; ) {
    const [json = "", attempt, ahead, reserver = "", late, many] = flat.slice(at, at + 6)
    const end = at + 6 + 4 * Math.max(0, count(many))
    const excluded = excludedOf(flat.slice(at + 6, end))
    const known = { attempt: count(attempt), ahead: count(ahead), owner: "", service: "", late: count(late) }
    for (const job of Option.toArray(decodeSpec(json)))
      found.push({ job, record: { state: "queued", ...known, reserver, excluded } })
    at = end
  }
  return found
}

const isVerdict = Schema.is(Schema.Literal("kept", "lost", "unknown"))
const isKey = Schema.is(JobKey)
const isState = Schema.is(Schema.Literal("unknown", "queued", "owned", "done"))

/** The reply that a script's answer stands for; none if no script of this version answers so. */
export const replyOf = (command: Command, answer: ReadonlyArray<string>): Option.Option<Reply> => {
  const [tag, a = "", b = "", json = "", key = ""] = answer
  const rest = answer.slice(1)
  switch (tag) {
    case "Done":
    case "No":
    case "Stranger":
      return Option.some({ _tag: tag })
    case "Taken":
      return Option.some({ _tag: tag, life: a, info: b })
    case "Mixed":
      return Option.some({ _tag: tag, terms: a, info: b })
    case "Welcome":
      return Option.some({ _tag: tag, generation: a })
    case "Heard": {
      const told = command._tag === "Beat" ? command.claims.length : 0
      return Option.some({
        _tag: tag,
        verdicts: rest.slice(0, told).filter((it): it is Verdict => isVerdict(it)),
        unlisted: rows(rest.slice(told), 4).flatMap(([service = "", epoch, attempt, json = ""]) =>
          Option.toArray(decodeSpec(json)).map((job) => ({
            job,
            service,
            epoch: count(epoch),
            attempt: count(attempt)
          }))
        )
      })
    }
    case "Verdicts":
      return Option.some({ _tag: tag, verdicts: rest.filter((it): it is Verdict => isVerdict(it)) })
    case "Turn":
      return Option.some({ _tag: tag, fence: count(a) })
    case "Unknown":
      return Option.some({ _tag: tag, keys: rest.filter(isKey) })
    case "Heads": {
      const read = answer.slice(2).map(decodeSpec)
      const jobs = read.flatMap(Option.toArray)
      const unread = read.length - jobs.length
      return Option.some({ _tag: tag, ready: count(a), jobs, ...(unread > 0 ? { unread } : {}) })
    }
    case "Claimed": {
      if (rest.length === 0) return Option.some({ _tag: tag, claim: Option.none() })
      const service = command._tag === "Claim" ? command.service : command._tag === "Swap" ? command.claim.service : ""
      const counted = { service, epoch: count(a), attempt: count(b) }
      return Option.match(decodeSpec(json), {
        onNone: () =>
          isKey(key)
            ? Option.some({ _tag: tag, claim: Option.none(), unread: { job: { key }, ...counted } })
            : Option.none(),
        onSome: (job) => Option.some({ _tag: tag, claim: Option.some({ job, ...counted }) })
      })
    }
    case "Survey": {
      const [looker = "", lookedAt, seenAt, claimsFrozenUntil, owned, many] = rest
      const hosts = 6 + 3 * count(many)
      return Option.some({
        _tag: tag,
        hosts: rows(rest.slice(hosts), 4).map(([id = "", until, info = "", status = ""]) => ({
          id,
          until: count(until),
          info: info.length <= Limits.TOLD ? info : "",
          status: status.length <= Limits.TOLD ? status : ""
        })),
        classes: rows(rest.slice(6, hosts), 3).map(([name = "", jobs, late]) => ({
          name,
          jobs: count(jobs),
          late: count(late)
        })),
        owned: count(owned),
        looker,
        lookedAt: count(lookedAt),
        seenAt: count(seenAt),
        claimsFrozenUntil: count(claimsFrozenUntil)
      })
    }
    case "Listed":
      return Option.some({ _tag: tag, more: a === "1", jobs: listedOf(rest.slice(1)) })
    case "Record": {
      const [state, attempt, ahead, owner = "", service = "", reserver = "", late] = rest
      return isState(state)
        ? Option.some({
            _tag: tag,
            state,
            attempt: count(attempt),
            ahead: count(ahead),
            owner,
            service,
            late: count(late),
            reserver,
            excluded: excludedOf(rest.slice(7))
          })
        : Option.none()
    }
    default:
      return Option.none()
  }
}
