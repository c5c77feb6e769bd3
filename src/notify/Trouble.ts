/** What a person must act on, found in what the daemon knows. Pure. */
import * as Schema from "effect/Schema"
import type { ServiceActivity } from "../services/Activity.ts"
import type { Listed } from "../services/Coordinator/protocol.ts"

/** Kinds of trouble, as a receiver may tell them apart. */
const Kind = Schema.Literal("service-failing", "host-silent", "job-cannot-run", "jobs-waiting")

/** One trouble. The same trouble has the same `id` as long as it lasts, and after a restart. */
export const Trouble = Schema.Struct({
  id: Schema.String,
  kind: Kind,
  /** The scope that it is about; empty for a service of this host. */
  scope: Schema.String,
  /** What it is about: a service, a host, a job or a template. */
  subject: Schema.String,
  /** One sentence for people. May quote strangers. */
  message: Schema.String,
  /** Address of the job, if it is about one. */
  url: Schema.String
})
export type Trouble = typeof Trouble.Type

/** A host of a scope. */
export interface HostSeen {
  readonly id: string
  readonly name: string
  /** When it counts as dead, unless it sends another message; in milliseconds since the epoch. */
  readonly until: number
}

/** A scope about which this host speaks. */
export interface ScopeSeen {
  readonly scope: string
  readonly hosts: ReadonlyArray<HostSeen>
  /** The jobs that come first. */
  readonly queue: ReadonlyArray<Listed>
}

/** What is known at a time. */
export interface Facts {
  readonly now: number
  /** Time that a job waits before it is reported, in milliseconds. */
  readonly waiting: number
  readonly services: ReadonlyArray<ServiceActivity>
  readonly scopes: ReadonlyArray<ScopeSeen>
}

/** What is wrong, and which earlier troubles cannot be judged now. */
export interface Found {
  readonly troubles: ReadonlyArray<Trouble>
  readonly isUnknown: (trouble: Trouble) => boolean
}

/** Passes in a row that must fail: one that fails alone is an answer that was lost. */
const FAILURES = 3
/** Time after the end of a host's lease, in milliseconds: a Mac that restarts is not silent. */
const SILENT = 120_000
/** A job that a host does not try again for longer than this is given up, and no back-off; in milliseconds. */
const GIVEN_UP = 3_600_000

const minutes = (ms: number): string => `${Math.floor(ms / 60_000)} min`

const ofService = ({ name, doing }: ServiceActivity): ReadonlyArray<Trouble> =>
  doing._tag === "Failing" && doing.failures >= FAILURES
    ? [
        {
          id: `service ${name}`,
          kind: "service-failing",
          scope: "",
          subject: name,
          message: `service ${name} fails: ${doing.why}`,
          url: ""
        }
      ]
    : []

const idOfHost = (scope: string, { id }: Pick<HostSeen, "id">) => `host ${scope} ${id}`
const idOfJob = (key: string) => `job ${key}`

const isSilent = ({ until }: HostSeen, now: number) => now - until > SILENT

/** Why no host runs a job: every host that is alive has given it up; undefined if one may still take it. */
const refusal = ({ record }: Listed, alive: ReadonlyArray<HostSeen>, now: number): string | undefined => {
  const given = record.excluded.filter(({ until, soft }) => until > now && !soft)
  const isGivenUp = record.late > 0 || given.some(({ until }) => until - now > GIVEN_UP)
  return isGivenUp && alive.length > 0 && alive.every(({ id }) => given.some(({ host }) => host === id))
    ? given.at(-1)?.reason
    : undefined
}

const ofScope = ({ scope, hosts, queue }: ScopeSeen, now: number, waiting: number): ReadonlyArray<Trouble> => {
  const alive = hosts.filter(({ until }) => until > now)
  const judged = queue.map((listed) => ({ ...listed, why: refusal(listed, alive, now) }))
  const late = new Map<string, Array<Listed>>()
  for (const listed of judged) {
    if (listed.why !== undefined || now - listed.job.createdAt <= waiting) continue
    const template = `${listed.job.template}`
    late.set(template, [...(late.get(template) ?? []), listed])
  }
  return [
    ...hosts
      .filter((host) => isSilent(host, now))
      .map(
        ({ id, name, until }): Trouble => ({
          id: idOfHost(scope, { id }),
          kind: "host-silent",
          scope,
          subject: name,
          message: `Mac ${name} has been silent for ${minutes(now - until)}: it runs no anklet, or does not reach the store`,
          url: ""
        })
      ),
    ...judged.flatMap(
      ({ job, why }): ReadonlyArray<Trouble> =>
        why === undefined
          ? []
          : [
              {
                id: idOfJob(job.key),
                kind: "job-cannot-run",
                scope,
                subject: job.name,
                message: `no Mac can run the job "${job.name}" of template ${job.template}: ${why}`,
                url: String(job.fields.jobURL ?? "")
              }
            ]
    ),
    ...[...late].map(([template, [first, ...others]]): Trouble => {
      const jobs = `the job "${first?.job.name ?? ""}"${others.length === 0 ? "" : ` and ${others.length} others`}`
      return {
        id: `waiting ${scope} ${template}`,
        kind: "jobs-waiting",
        scope,
        subject: template,
        message: `${jobs} of template ${template} ${others.length === 0 ? "has" : "have"} been waiting for more than ${minutes(waiting)}`,
        url: String(first?.job.fields.jobURL ?? "")
      }
    })
  ]
}

/** Find what is wrong. */
export const find = ({ now, waiting, services, scopes }: Facts): Found => {
  const scopeOf = (trouble: Trouble) => scopes.find(({ scope }) => scope === trouble.scope)
  return {
    troubles: [...services.flatMap(ofService), ...scopes.flatMap((scope) => ofScope(scope, now, waiting))],
    isUnknown: (trouble) => {
      if (trouble.kind === "service-failing") {
        const doing = services.find(({ name }) => name === trouble.subject)?.doing._tag
        // between two tries, a service that fails looks like any other; at a start, none is known yet
        return doing === undefined || doing === "Looking" || doing === "Failing"
      }
      const seen = scopeOf(trouble)
      if (seen === undefined) return true
      switch (trouble.kind) {
        case "host-silent":
          // a host is forgotten after a day of silence
          return seen.hosts.every((host) => idOfHost(seen.scope, host) !== trouble.id || isSilent(host, now))
        case "job-cannot-run":
          // while it waits, it may be tried again in vain
          return seen.queue.some(({ job }) => idOfJob(job.key) === trouble.id)
        default:
          return false
      }
    }
  }
}
