/** What a host publishes about itself for people on other hosts: what its services do, and whether it accepts jobs. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Stage } from "../domain/Stage.ts"
import * as Limits from "../text/Limits.ts"
import { excerpt } from "../text/Text.ts"
import { Activity, type ServiceActivity } from "./Activity.ts"
import { Capacity } from "./Capacity.ts"
import { Drain } from "./Drain.ts"
import { readable } from "./Each.ts"

/** A summary of one service. Times are in milliseconds since the epoch. */
const Brief = Schema.Struct({
  name: Limits.Kept(Limits.NAME),
  doing: Schema.Literal("Looking", "Waiting", "Working", "Failing", "Drained"),
  since: Limits.Moment,
  /** Why it waits or fails. */
  why: Schema.optional(Limits.Kept(Limits.REASON)),
  job: Schema.optional(
    Schema.Struct({
      name: Limits.Kept(Limits.NAME),
      url: Limits.Kept(Limits.ADDRESS),
      stage: Stage,
      /** The VM that it has; older versions do not say. */
      vm: Schema.optional(Limits.Kept(Limits.NAME))
    })
  )
})

/** Maximum number of VM slots of a host that are believed: Apple's licence allows two. */
const MOST_SLOTS = 1000
const Count = Schema.Int.pipe(Schema.between(0, MOST_SLOTS))

/** VM slots in use, and all of them. */
const Slots = Schema.UndefinedOr(Schema.Struct({ used: Count, all: Count })).annotations({
  // what cannot be read of them does not hide the rest
  decodingFallback: () => Either.right(undefined)
})

/** Whether the host accepts jobs. */
export const Mode = Schema.Literal("open", "paused", "draining")
export type Mode = typeof Mode.Type

/** A host, as other hosts know it. */
export const HostStatus = Schema.Struct({
  mode: Mode,
  services: readable(Brief),
  /** Older versions do not say. */
  slots: Schema.optional(Slots),
  /** Whether it tells people of trouble; older versions do not say. */
  notifies: Schema.optional(Schema.Boolean)
})
export type HostStatus = typeof HostStatus.Type

const Text = Schema.parseJson(HostStatus)
const encode = Schema.encodeSync(Text)
const read = Schema.decodeOption(Schema.compose(Limits.Json(Limits.TOLD), Text))
/**
 * Decodes what a host published, with as many services as a host may publish; none if it is unreadable, because another
 * version or someone else wrote it.
 */
export const decode = (text: string): Option.Option<HostStatus> =>
  Option.map(read(text), (status) => ({ ...status, services: status.services.slice(0, SERVICES) }))

/**
 * Maximum number of services of a host, of UTF-16 units of a name or reason, and of those of an address, that are
 * published: the store keeps this for every host.
 */
const SERVICES = 32
const WHY = 120
const URL = 300

const briefOf = ({ name, since, doing }: ServiceActivity): typeof Brief.Type => {
  const common = { name, doing: doing._tag, since }
  switch (doing._tag) {
    case "Waiting":
    case "Failing":
      return { ...common, why: excerpt(doing.why, WHY) }
    case "Working": {
      const { name: job, fields, stages, vm } = doing.job
      return {
        ...common,
        job: {
          name: excerpt(job, WHY),
          url: excerpt(String(fields.jobURL ?? ""), URL),
          stage: stages.at(-1)?.stage ?? "queued",
          ...(vm === undefined ? {} : { vm })
        }
      }
    }
    default:
      return common
  }
}

/** Whether this host tells people of trouble. */
export class Notifies extends Context.Reference<Notifies>()("anklet/Notifies", { defaultValue: () => false }) {}

/** Whether this host accepts jobs. */
export const mode: Effect.Effect<Mode, never, Drain> = Effect.gen(function* () {
  const drain = yield* Drain
  return (yield* drain.begun) ? "draining" : (yield* drain.pauses).length > 0 ? "paused" : "open"
})

/** What this host publishes about these services. */
export const tell = (services: ReadonlyArray<string>): Effect.Effect<string, never, Activity | Capacity | Drain> =>
  Effect.gen(function* () {
    const activity = yield* Activity
    const known = (yield* activity.services).filter(({ name }) => services.includes(name)).slice(0, SERVICES)
    const slots = Option.getOrUndefined(yield* (yield* Capacity).slots)
    return encode({
      mode: yield* mode,
      services: known.map(briefOf),
      ...(slots === undefined ? {} : { slots }),
      ...((yield* Notifies) ? { notifies: true } : {})
    })
  })
