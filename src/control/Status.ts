/** What a running daemon does: the answer to `anklet status`. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { span } from "../domain/Format.ts"
import { isOurName } from "../domain/Job.ts"
import { RateLimit } from "../domain/RateLimit.ts"
import { version } from "../process/version.ts"
import { Activity, Ended, ServiceActivity } from "../services/Activity.ts"
import { takesRoom } from "../services/Anka.ts"
import { Capacity } from "../services/Capacity.ts"
import { Coordinators } from "../services/Coordinators.ts"
import { Drain } from "../services/Drain.ts"
import * as HostStatus from "../services/HostStatus.ts"
import { isHeld, Ledger } from "../services/Ledger.ts"
import { RefusedConfig } from "../services/RefusedConfig.ts"
import * as Shared from "../services/Shared.ts"
import { Templates } from "../services/Templates.ts"
import { DaemonInfo, rateLimits } from "./DaemonInfo.ts"
import * as Headline from "./Headline.ts"
import * as Waiting from "./Waiting.ts"

/** A VM that uses a slot of this host. */
const VmSeen = Schema.Struct({
  name: Schema.String,
  status: Schema.String,
  /** The service that uses it, or what is known of its owner. */
  owner: Schema.String,
  /** Name of its job; empty when it is not of this daemon, or left over. */
  job: Schema.String,
  /** Name of its runner at the CI; empty while there is none. */
  runner: Schema.optionalWith(Schema.String, { default: () => "" })
})

/** A pull that is under way. */
const Pull = Schema.Struct({
  template: Schema.String,
  since: Schema.Number,
  /** Progress from 0 to 1; null when it is not known. */
  part: Schema.NullOr(Schema.Number)
})

/** A store that services share with other hosts. */
const StoreSeen = Schema.Struct({ name: Schema.String, isAway: Schema.Boolean, services: Schema.Array(Schema.String) })

/** The status. Times are in milliseconds since the epoch. */
export const Status = Schema.Struct({
  version: Schema.String,
  pid: Schema.Number,
  config: Schema.String,
  startedAt: Schema.Number,
  now: Schema.Number,
  mode: HostStatus.Mode,
  /** What pauses the host, and the command that resumes it. */
  pauses: Schema.optionalWith(Schema.Array(Schema.Struct({ by: Schema.String, ends: Schema.String })), {
    default: () => []
  }),
  services: Schema.Array(ServiceActivity),
  /** Null when `anka list` did not answer; `problem` says why. */
  vms: Schema.NullOr(Schema.Array(VmSeen)),
  problem: Schema.String,
  vmLimit: Schema.Number,
  templates: Schema.Array(Schema.String),
  pulls: Schema.Array(Pull),
  limits: Schema.Array(RateLimit),
  stores: Schema.Array(StoreSeen),
  /** What is wrong with the config that was to be taken over at the last SIGHUP; empty if nothing is. */
  refusedConfig: Schema.optional(Schema.String),
  /** Recent jobs, the newest first. */
  ended: Schema.Array(Ended),
  /** Whether the host accepts jobs, in a sentence; daemons of older versions do not say it. */
  headline: Schema.optional(Headline.Headline),
  /** The queue of each scope that services of this host watch. */
  queues: Schema.optionalWith(Schema.Array(Waiting.QueueSeen), { default: () => [] })
})
export type Status = typeof Status.Type

/** Timeout of `anka list`, which may hang. */
const LIST_WITHIN = "5 seconds"

const listed = Shared.ask(
  "anka list",
  Effect.timeout(
    Effect.flatMap(Capacity, ({ list }) => list),
    LIST_WITHIN
  )
).pipe(Effect.either)

/** Read what is known of this host, without the queue. */
export const host = Effect.fn("Status.host")(function* () {
  const { config, startedAt } = yield* DaemonInfo
  const activity = yield* Activity
  const coordinators = yield* Coordinators
  const left = yield* (yield* Capacity).left
  const { claims, vms: owned, runners } = yield* (yield* Ledger).state
  const found = yield* listed
  const now = yield* Clock.currentTimeMillis
  const all = found._tag === "Right" ? found.right : []
  const ownerOf = (name: string) => {
    const vm = [...HashMap.values(owned)].find((vm) => vm.vm === name)
    if (vm === undefined) {
      return { owner: isOurName(name) ? "another daemon, or left behind" : "not Anklet's", job: "", runner: "" }
    }
    if (vm.held !== undefined && isHeld(vm, now)) {
      return { owner: `kept for inspection, ${span(vm.held.until - now)} left`, job: vm.held.name, runner: "" }
    }
    if (left.has(vm.vm)) return { owner: `left by ${vm.service}, will be removed`, job: "", runner: "" }
    const claim = HashMap.get(claims, vm.job)
    const runner = [...HashMap.values(runners)].find(({ named }) => named.vm === name)?.named.runner ?? ""
    return { owner: vm.service, runner, job: Option.match(claim, { onNone: () => "", onSome: ({ job }) => job.name }) }
  }
  return {
    version,
    pid: process.pid,
    config,
    startedAt,
    now,
    mode: yield* HostStatus.mode,
    pauses: yield* (yield* Drain).pauses,
    services: yield* activity.services,
    vms:
      found._tag === "Left"
        ? null
        : all.filter(takesRoom).map(({ name, status }) => ({ name, status, ...ownerOf(name) })),
    problem: found._tag === "Left" ? found.left.message : "",
    vmLimit: (yield* Capacity).total.vms,
    templates: all
      .filter((vm) => !takesRoom(vm))
      .map(({ name, tag }) => (Option.isSome(tag) ? `${name}:${tag.value}` : name)),
    pulls: Option.toArray(yield* Shared.ask("pull", (yield* Templates).pulling)),
    limits: (yield* rateLimits).flatMap(({ limits }) => limits),
    stores: yield* coordinators.stores,
    refusedConfig: yield* (yield* RefusedConfig).get,
    ended: yield* activity.ended
  } satisfies Omit<Status, "headline" | "queues">
})

/** Read everything now. */
export const read = Effect.fn("Status.read")(function* () {
  const seen = yield* host()
  const status: Status = { ...seen, headline: Headline.of(seen), queues: yield* Waiting.read(seen) }
  return status
})
