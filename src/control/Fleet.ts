/** All hosts that share a queue with this one: the answer to `anklet status --fleet`. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Activity } from "../services/Activity.ts"
import { Coordinators } from "../services/Coordinators.ts"
import { surveys } from "../services/CoordinatorView.ts"
import { versionOf } from "../services/Host.ts"
import * as HostStatus from "../services/HostStatus.ts"
import * as Status from "./Status.ts"
import { ReasonSeen, templateOf } from "./Waiting.ts"

/** A host, as it last described itself. Times are in milliseconds since the epoch. */
const HostSeen = Schema.Struct({
  name: Schema.String,
  /** Whether it is the host that answers. */
  isThis: Schema.optionalWith(Schema.Boolean, { default: () => false }),
  version: Schema.String,
  /** When the host counts as dead, unless it sends another message. */
  until: Schema.Number,
  /** Null when it has sent no status that this version understands. */
  status: Schema.NullOr(HostStatus.HostStatus)
})

/** One scope: its hosts and its queue. */
const ScopeSeen = Schema.Struct({
  scope: Schema.String,
  store: Schema.String,
  /** When the queue was as it is described here; 0 if it has not been seen yet. From `lateAt` on it is older than it should be. */
  seenAt: Schema.optionalWith(Schema.Number, { default: () => 0 }),
  lateAt: Schema.optionalWith(Schema.Number, { default: () => Number.MAX_SAFE_INTEGER }),
  /** Empty when the store answered; otherwise why it did not. */
  problem: Schema.String,
  hosts: Schema.Array(HostSeen),
  classes: Schema.Array(
    Schema.Struct({
      template: Schema.String,
      jobs: Schema.Number,
      /** Number of them that come after all new jobs; daemons of older versions do not report it. */
      late: Schema.optionalWith(Schema.Number, { default: () => 0 }),
      /** Why this host runs none of them, and how many jobs each reason holds up. */
      reasons: Schema.optionalWith(Schema.Array(ReasonSeen), { default: () => [] })
    })
  ),
  claimed: Schema.Number,
  /** Name of the host that polls the CI for all, and when its last poll began. */
  looker: Schema.String,
  lookedAt: Schema.Number
})

/** Every scope of the services of this host. */
export const Fleet = Schema.Struct({ now: Schema.Number, scopes: Schema.Array(ScopeSeen) })
export type Fleet = typeof Fleet.Type

/** Ask the store of every scope. */
export const read = Effect.fn("Fleet.read")(function* () {
  const { views } = yield* Coordinators
  const activity = yield* Activity
  // a host without a store sends its status to nobody: it is added here
  const ours = yield* HostStatus.tell((yield* activity.services).map(({ name }) => name))
  const { queues } = yield* Status.read()
  const clock = yield* Effect.clock
  const scopes = (yield* surveys(views)).map(({ view, scope, store, survey }) => {
    const problem = Either.isLeft(survey) ? survey.left.message : ""
    const { hosts, classes, owned, looker, lookedAt } = Either.getOrElse(survey, () => ({
      hosts: [],
      classes: [],
      owned: 0,
      looker: "",
      lookedAt: 0
    }))
    const queue = queues.find((queue) => queue.scope === scope && queue.store === store)
    return {
      scope,
      store,
      seenAt: queue?.seenAt ?? 0,
      lateAt: queue?.lateAt ?? 0,
      problem,
      hosts: hosts.map(({ id, info, until, status }) => ({
        name: view.nameOf(info),
        isThis: id === view.self,
        version: versionOf(info),
        until: Number.isFinite(until) ? until : 0,
        status: Option.getOrNull(HostStatus.decode(view.isShared ? status : ours))
      })),
      classes: classes.map(({ name, jobs, late }) => {
        const template = templateOf(name)
        const known = queue?.classes.find((it) => it.template === template)
        return { template, jobs, late, reasons: known?.reasons ?? [] }
      }),
      claimed: owned,
      looker: view.nameOf(hosts.find(({ id }) => id === looker)?.info ?? ""),
      lookedAt
    }
  })
  const fleet: Fleet = { now: yield* clock.currentTimeMillis, scopes }
  return fleet
})
