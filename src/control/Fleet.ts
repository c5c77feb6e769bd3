/** All hosts that share a queue with this one: the answer to `anklet status --fleet`. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Activity } from "../services/Activity.ts"
import { templateIn } from "../services/Coordinator/order.ts"
import { Coordinators } from "../services/Coordinators.ts"
import { surveys } from "../services/CoordinatorView.ts"
import { versionOf } from "../services/Host.ts"
import * as HostStatus from "../services/HostStatus.ts"

/** A host, as it last described itself. Times are in milliseconds since the epoch. */
const HostSeen = Schema.Struct({
  name: Schema.String,
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
  /** Empty when the store answered; otherwise why it did not. */
  problem: Schema.String,
  hosts: Schema.Array(HostSeen),
  classes: Schema.Array(
    Schema.Struct({
      template: Schema.String,
      jobs: Schema.Number,
      /** Number of them that come after all new jobs; daemons of older versions do not report it. */
      late: Schema.optionalWith(Schema.Number, { default: () => 0 })
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

/** The template of a job class, as people write it: `<template>:<tag>`. */
export const templateOf = (jobClass: string): string => {
  const [template, tag] = templateIn(jobClass)
  return tag === "" ? `${template} (using latest)` : `${template}:${tag}`
}

/** Ask the store of every scope. */
export const read = Effect.fn("Fleet.read")(function* () {
  const { views } = yield* Coordinators
  const activity = yield* Activity
  // a host without a store sends its status to nobody: it is added here
  const ours = yield* HostStatus.tell((yield* activity.services).map(({ name }) => name))
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
    return {
      scope,
      store,
      problem,
      hosts: hosts.map(({ info, until, status }) => ({
        name: view.nameOf(info),
        version: versionOf(info),
        until: Number.isFinite(until) ? until : 0,
        status: Option.getOrNull(HostStatus.decode(view.isShared ? status : ours))
      })),
      classes: classes.map(({ name, jobs, late }) => ({ template: templateOf(name), jobs, late })),
      claimed: owned,
      looker: view.nameOf(hosts.find(({ id }) => id === looker)?.info ?? ""),
      lookedAt
    }
  })
  const fleet: Fleet = { now: yield* clock.currentTimeMillis, scopes }
  return fleet
})
