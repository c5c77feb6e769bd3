/** What is so at the moment of a scrape: read from what `anklet status` tells, and from the queue. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { Template, VM_PREFIX } from "../../domain/Job.ts"
import type { RateLimit } from "../../domain/RateLimit.ts"
import { Activity, type Doing } from "../../services/Activity.ts"
import { templateIn } from "../../services/Coordinator/order.ts"
import { Coordinators } from "../../services/Coordinators.ts"
import { surveys } from "../../services/CoordinatorView.ts"
import * as HostStatus from "../../services/HostStatus.ts"
import * as Shared from "../../services/Shared.ts"
import { Templates } from "../../services/Templates.ts"
import { type BlockedReason, blockedReason } from "../Blocked.ts"
import { DaemonInfo, type PluginLimits, rateLimits } from "../DaemonInfo.ts"
import { templateOf } from "../Fleet.ts"
import * as Status from "../Status.ts"
import type { Labels, Reading } from "./Exposition.ts"

type Value = readonly [labels: Labels, value: number]

const gauge = (name: string, help: string, values: ReadonlyArray<Value>): Reading => ({
  name,
  type: "gauge",
  help,
  samples: values.map(([labels, value]) => ({ labels, value }))
})

const one = (value: number): ReadonlyArray<Value> => [[{}, value]]
/** One series for each of these words, and how often each is there. */
const tally = (label: string, words: ReadonlyArray<string>, found: ReadonlyArray<string>): ReadonlyArray<Value> =>
  words.map((word) => [{ [label]: word }, found.filter((it) => it === word).length])

/** Two credentials or stores may have one name, and no two series may: the second is called `<name> (2)`. */
const distinct = (names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.map((name, n) => {
    const before = names.slice(0, n).filter((it) => it === name).length
    return before === 0 ? name : `${name} (${before + 1})`
  })

/** Jobs name templates as they like: so many of a scope's classes have a series of their own, those with the most jobs. */
const CLASSES = 50
/** Whether the template of a class is here is asked of `anka`: of so many, and only while a pull is under way. */
const ASKED = 20

/** What services do, as labels. */
const STATES = {
  Looking: "looking",
  Waiting: "waiting",
  Working: "working",
  Failing: "failing",
  Drained: "drained"
} as const satisfies Record<Doing["_tag"], string>

const templateOfClass = (jobClass: string) => {
  const [id, tag] = templateIn(jobClass)
  return Template.make({ id, tag: tag === "" ? Option.none() : Option.some(tag) })
}

/** The queue of every scope; one that cannot be asked has no series. */
const queues = Effect.fnUntraced(function* (status: Status.Status) {
  const templates = yield* Templates
  const { views } = yield* Coordinators
  const common = blockedReason(status)
  const reasonOf = (jobClass: string, n: number) =>
    common !== "none" || status.pulls.length === 0 || n >= ASKED
      ? Effect.succeed(common)
      : Effect.map(
          Shared.ask(`template ${jobClass}`, templates.available(templateOfClass(jobClass))),
          (available): BlockedReason => (available ? "none" : "pulling")
        )
  const seen = yield* Effect.forEach(yield* surveys(views), ({ scope, store, survey }) =>
    Effect.gen(function* () {
      if (Either.isLeft(survey)) return []
      const { hosts, owned, lookedAt } = survey.right
      const classes = [...survey.right.classes].sort((a, b) => b.jobs - a.jobs)
      const rest = classes.slice(CLASSES).reduce((sum, { jobs }) => sum + jobs, 0)
      const depths = yield* Effect.forEach(classes.slice(0, CLASSES), ({ name, jobs }, n) =>
        Effect.map(reasonOf(name, n), (reason) => ({ template: templateOf(name), reason, jobs }))
      )
      const other = rest > 0 ? [{ template: "other", reason: common, jobs: rest }] : []
      return [{ labels: { scope, store }, hosts: hosts.length, owned, lookedAt, depths: [...depths, ...other] }]
    })
  )
  return seen.flat()
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

/** Read everything now. `anka list` runs once for it, or not at all where somebody asked just before. */
export const read = Effect.fn("Gauges.read")(function* () {
  const status = yield* Status.read()
  const { startedAt } = yield* DaemonInfo
  const limited = yield* rateLimits
  const scopes = yield* queues(status)
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
      "1 for what the host is: open, paused by anklet drain, or draining to leave.",
      tally("mode", HostStatus.Mode.literals, [status.mode])
    ),
    gauge(
      "anklet_services",
      "Services by what they do now.",
      tally(
        "state",
        Object.values(STATES),
        services.map(({ doing }) => STATES[doing._tag])
      )
    ),
    gauge(
      "anklet_service_failures",
      "Passes of a service that failed in a row, up to now.",
      services.map(({ name, doing }) => [{ service: name }, doing._tag === "Failing" ? doing.failures : 0])
    ),
    gauge(
      "anklet_job_stage_age_seconds",
      "Time since the job of a service reached the stage that it is in.",
      services.flatMap(({ name, doing }): ReadonlyArray<Value> => {
        const last = doing._tag === "Working" ? doing.job.stages.at(-1) : undefined
        return last === undefined ? [] : [[{ service: name, stage: last.stage }, since(last.at)]]
      })
    ),
    gauge(
      "anklet_vms",
      "VMs that take room on this host: of this daemon, anklet's but not of this daemon, or of somebody else.",
      vms === null
        ? []
        : tally(
            "owner",
            ["this", "anklet", "foreign"],
            vms.map(({ name, owner }) =>
              services.some((service) => service.name === owner)
                ? "this"
                : name.startsWith(VM_PREFIX)
                  ? "anklet"
                  : "foreign"
            )
          )
    ),
    gauge("anklet_vm_limit", "VMs that may run on this host.", one(status.vmLimit)),
    gauge("anklet_anka_up", "Whether anka list answered.", one(vms === null ? 0 : 1)),
    gauge("anklet_pulls_active", "Pulls that are under way on this host.", one(status.pulls.length)),
    gauge(
      "anklet_queue_jobs",
      "Jobs that wait, by template and by why this host takes none of them now; none: nothing is in the way.",
      scopes.flatMap(({ labels, depths }) =>
        depths.map(({ template, reason, jobs }): Value => [{ ...labels, template, reason }, jobs])
      )
    ),
    gauge(
      "anklet_jobs_handed_back",
      "Jobs that this host gave back, and does not try again yet.",
      one(handedBack.filter(({ until }) => until > now).length)
    ),
    gauge(
      "anklet_jobs_claimed",
      "Jobs that hosts have in hand, by scope.",
      scopes.map(({ labels, owned }) => [labels, owned])
    ),
    gauge(
      "anklet_hosts",
      "Hosts that take part in a scope.",
      scopes.map(({ labels, hosts }) => [labels, hosts])
    ),
    gauge(
      "anklet_look_age_seconds",
      "Time since any host began to look for jobs of a scope.",
      scopes.flatMap(({ labels, lookedAt }): ReadonlyArray<Value> => (lookedAt > 0 ? [[labels, since(lookedAt)]] : []))
    ),
    gauge(
      "anklet_store_up",
      "Whether a shared store answered the last question.",
      stores.map(({ isAway }, n) => [{ store: storeNames[n] ?? "" }, isAway ? 0 : 1])
    ),
    ...limited.flatMap((plugin) => ofLimits(plugin, now)),
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
