/** Gauges: the status of this host, and the queue, at the moment of a scrape. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { isOurName } from "../../domain/Job.ts"
import type { RateLimit } from "../../domain/RateLimit.ts"
import { Activity, type Doing } from "../../services/Activity.ts"
import { Coordinators } from "../../services/Coordinators.ts"
import { surveys } from "../../services/CoordinatorView.ts"
import * as HostStatus from "../../services/HostStatus.ts"
import { DaemonInfo, type PluginLimits, rateLimits } from "../DaemonInfo.ts"
import * as Status from "../Status.ts"
import type { QueueSeen } from "../Waiting.ts"
import type { Labels, Reading } from "./Exposition.ts"
import * as Mac from "./Mac.ts"

type Value = readonly [labels: Labels, value: number]

const gauge = (name: string, help: string, values: ReadonlyArray<Value>): Reading => ({
  name,
  type: "gauge",
  help,
  samples: values.map(([labels, value]) => ({ labels, value }))
})

const one = (value: number): ReadonlyArray<Value> => [[{}, value]]
/** One series for each of these words, with the number of its occurrences. */
const tally = (label: string, words: ReadonlyArray<string>, found: ReadonlyArray<string>): ReadonlyArray<Value> =>
  words.map((word) => [{ [label]: word }, found.filter((it) => it === word).length])

/** Makes names unique, as those of series must be: the second of two equal names becomes `<name> (2)`. */
const distinct = (names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.map((name, n) => {
    const before = names.slice(0, n).filter((it) => it === name).length
    return before === 0 ? name : `${name} (${before + 1})`
  })

/** Maximum number of templates of a scope with series of their own, those with the most jobs first: jobs may name any template. */
const CLASSES = 50
/** The activity of a service, as a label. */
const STATES = {
  Looking: "looking",
  Waiting: "waiting",
  Working: "working",
  Failing: "failing",
  Drained: "drained"
} as const satisfies Record<Doing["_tag"], string>

/** The jobs of every queue by template and reason; a scope whose store does not answer has no series. */
const depths = ({ scope, store, classes }: QueueSeen): ReadonlyArray<Value> => {
  const sorted = [...classes].sort((a, b) => b.jobs - a.jobs)
  const rows = sorted.flatMap(({ template, reasons }, n) =>
    reasons.map(({ reason, jobs }) => ({ template: n < CLASSES ? template : "other", reason, jobs }))
  )
  const series = new Map<string, Value>()
  for (const { template, reason, jobs } of rows) {
    const id = `${template} ${reason}`
    series.set(id, [{ scope, store, template, reason }, (series.get(id)?.[1] ?? 0) + jobs])
  }
  return [...series.values()]
}

/** What is known of every scope whose store answers. */
const scopesSeen = Effect.gen(function* () {
  const { views } = yield* Coordinators
  return (yield* surveys(views)).flatMap(({ scope, store, survey }) =>
    Either.isLeft(survey) ? [] : [{ labels: { scope, store }, ...survey.right, hosts: survey.right.hosts.length }]
  )
})

/** The rate limits of a plugin's CI: `anklet_<plugin>_rate_limit…`. */
const ofLimits = ({ plugin, words, limits }: PluginLimits, now: number): ReadonlyArray<Reading> => {
  const prefix = `anklet_${plugin.replaceAll(/\W/g, "_")}_rate_limit`
  const credentials = distinct(limits.map(({ credential }) => credential))
  const each = (value: (limit: RateLimit) => number | null): ReadonlyArray<Value> =>
    limits.flatMap((limit, n): ReadonlyArray<Value> => {
      const known = value(limit)
      return known === null ? [] : [[{ credential: credentials[n] ?? "" }, known]]
    })
  return [
    gauge(
      `${prefix}_remaining`,
      `Requests that ${words.name} still allows in this window.`,
      each(({ remaining }) => remaining)
    ),
    gauge(
      prefix,
      `Requests that ${words.name} allows in a window.`,
      each(({ limit }) => limit)
    ),
    gauge(
      `${prefix}_reset_timestamp_seconds`,
      "When the window ends.",
      each(({ resetAt }) => (resetAt === null ? null : resetAt / 1000))
    ),
    gauge(
      `${prefix}_wait_seconds`,
      "Time until polling goes on; 0 when nothing is in the way.",
      each(({ waitsUntil }) => Math.max(0, waitsUntil - now) / 1000)
    )
  ]
}

/** Read everything now. `anka list` runs at most once, and not at all if it was asked a moment ago. */
export const read = Effect.fn("Gauges.read")(function* () {
  const status = yield* Status.read()
  const { startedAt } = yield* DaemonInfo
  const limited = yield* rateLimits
  const scopes = yield* scopesSeen
  const handedBack = yield* (yield* Activity).handedBack
  const { services, vms, stores, now } = status
  const storeNames = distinct(stores.map(({ name }) => name))
  const since = (at: number) => Math.max(0, now - at) / 1000
  const cpu = process.cpuUsage()

  return [
    gauge("anklet_build_info", "Always 1; the versions are in the labels.", [
      [{ version: status.version, node: process.versions.node }, 1]
    ]),
    gauge(
      "anklet_mode",
      "1 for the mode of the host: open, paused by anklet drain, or draining to end.",
      tally("mode", HostStatus.Mode.literals, [status.mode])
    ),
    gauge(
      "anklet_services",
      "Services by activity.",
      tally(
        "state",
        Object.values(STATES),
        services.map(({ doing }) => STATES[doing._tag])
      )
    ),
    gauge(
      "anklet_service_state",
      "1 for the activity of a service, 0 for the others.",
      services.flatMap(({ name, doing }) =>
        Object.values(STATES).map((state): Value => [{ service: name, state }, state === STATES[doing._tag] ? 1 : 0])
      )
    ),
    gauge(
      "anklet_service_failures",
      "Failed passes of a service in a row.",
      services.map(({ name, doing }) => [{ service: name }, doing._tag === "Failing" ? doing.failures : 0])
    ),
    gauge(
      "anklet_job_stage_age_seconds",
      "Time since the job of a service reached its present stage.",
      services.flatMap(({ name, doing }): ReadonlyArray<Value> => {
        const last = doing._tag === "Working" ? doing.job.stages.at(-1) : undefined
        return last === undefined ? [] : [[{ service: name, stage: last.stage }, since(last.at)]]
      })
    ),
    gauge(
      "anklet_vms",
      "VMs that use a slot of this host, by owner: this daemon, another daemon of Anklet, or another program.",
      vms === null
        ? []
        : tally(
            "owner",
            ["this", "anklet", "foreign"],
            vms.map(({ name, owner }) =>
              services.some((service) => service.name === owner) ? "this" : isOurName(name) ? "anklet" : "foreign"
            )
          )
    ),
    gauge("anklet_vm_limit", "VMs that may run on this host.", one(status.vmLimit)),
    gauge("anklet_anka_up", "Whether anka list answered.", one(vms === null ? 0 : 1)),
    gauge("anklet_pulls_active", "Pulls that are under way on this host.", one(status.pulls.length)),
    gauge(
      "anklet_queue_jobs",
      "Queued jobs, by template and by the reason why this host takes none of them; none: nothing is in the way.",
      status.queues.filter(({ problem }) => problem === "").flatMap(depths)
    ),
    gauge(
      "anklet_jobs_handed_back",
      "Jobs that this host gave back, and does not try again yet.",
      one(handedBack.filter(({ until }) => until > now).length)
    ),
    gauge(
      "anklet_jobs_claimed",
      "Claimed jobs of a scope.",
      scopes.map(({ labels, owned }) => [labels, owned])
    ),
    gauge(
      "anklet_hosts",
      "Hosts of a scope.",
      scopes.map(({ labels, hosts }) => [labels, hosts])
    ),
    gauge(
      "anklet_look_age_seconds",
      "Time since a host last began to poll for jobs of a scope.",
      scopes.flatMap(({ labels, lookedAt }): ReadonlyArray<Value> => (lookedAt > 0 ? [[labels, since(lookedAt)]] : []))
    ),
    gauge(
      "anklet_store_up",
      "Whether a shared store answered the last request.",
      stores.map(({ isAway }, n) => [{ store: storeNames[n] ?? "" }, isAway ? 0 : 1])
    ),
    ...limited.flatMap((plugin) => ofLimits(plugin, now)),
    ...(yield* Mac.read),
    gauge("process_start_time_seconds", "When the daemon started.", one(startedAt / 1000)),
    gauge("process_resident_memory_bytes", "Resident memory of the daemon.", one(process.memoryUsage.rss())),
    {
      name: "process_cpu_seconds_total",
      type: "counter",
      help: "CPU time of the daemon, user and system.",
      samples: [{ labels: {}, value: (cpu.user + cpu.system) / 1e6 }]
    } satisfies Reading
  ]
})
