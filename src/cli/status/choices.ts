/** What `anklet status --watch` shows, with and without `--fleet`, and what can be chosen in it. Pure. */
import type { Fleet } from "../../control/Fleet.ts"
import type { Status } from "../../control/Status.ts"
import { span } from "../../domain/Format.ts"
import type { JobProgress } from "../../services/Activity.ts"
import { fleet, type HostSeen, isAlive, keyOf, nameOf, slotsOf } from "./fleet.ts"
import { RECENT, status, WAITING } from "./render.ts"
import type { Choice, Watched } from "./watch.ts"
import { endOf, NEXT, stageOf, stages } from "./words.ts"

const urlOf = ({ fields }: JobProgress): string => `${fields.jobURL ?? ""}`

const jobs = ({ services, queues, ended, now }: Status): ReadonlyArray<Choice> => [
  ...services.flatMap(({ name: service, doing }): ReadonlyArray<Choice> => {
    if (doing._tag !== "Working") return []
    const { job } = doing
    const stage = `${stageOf(job, now)}, in ${service}`
    const story = [urlOf(job), "", stage, job.template, `attempt ${job.attempt}`, stages(job, now)]
    return [{ key: job.key, name: job.name, story, asked: "" }]
  }),
  ...queues.flatMap(({ waiting }) =>
    waiting.slice(0, WAITING).map(({ key, name, url, template, since, why }): Choice => {
      const story = [url, "", `waiting for ${span(now - since)}: ${why === "" ? "ready to run" : why}`, template]
      return { key, name, story, asked: url }
    })
  ),
  ...ended.slice(0, RECENT).map((end): Choice => {
    const { job, service } = end
    const [, outcome] = endOf(end)
    const story = [
      urlOf(job),
      "",
      `${outcome}, in ${service}`,
      job.template,
      `attempt ${job.attempt}`,
      stages(job, now)
    ]
    return { key: job.key, name: job.name, story, asked: "" }
  })
]

type Brief = NonNullable<HostSeen["status"]>["services"][number]

/** A service of a host, and its job: what it does, and where to find it. */
const serviceOf = ({ name, doing, since, why, job }: Brief, now: number): ReadonlyArray<string> => [
  "",
  job === undefined
    ? `${name}: ${doing.toLowerCase()} for ${span(now - since)}${why === undefined ? "" : `: ${why}`}`
    : `${name}: "${job.name}" ${NEXT[job.stage]}, for ${span(now - since)} in all`,
  ...(job === undefined ? [] : [job.url, ...(job.vm === undefined ? [] : [`VM ${job.vm}`])])
]

const MODES = { open: "accepts jobs", paused: "paused", draining: "draining" } as const

const storyOfHost = (host: HostSeen, now: number): ReadonlyArray<string> => [
  [
    `anklet ${host.version}`,
    isAlive(host, now) ? "alive" : `silent for ${span(now - host.until)}`,
    host.status === null ? "no status yet" : MODES[host.status.mode],
    ...(slotsOf(host) === "" ? [] : [`${slotsOf(host)} VM slots in use`])
  ].join(", "),
  ...(host.status?.services ?? []).flatMap((service) => serviceOf(service, now))
]

const hosts = ({ scopes, now }: Fleet): ReadonlyArray<Choice> => {
  const all = scopes.flatMap(({ scope, store, hosts }) =>
    hosts.map(
      (host) =>
        [
          keyOf(scope, store, host),
          { key: keyOf(scope, store, host), name: nameOf(host), story: storyOfHost(host, now), asked: "" }
        ] as const
    )
  )
  // of two with one name, one can be chosen
  return [...new Map(all).values()]
}

/** This host: its jobs can be chosen. */
export const THIS_HOST: Watched<Status> = {
  draw: status,
  choices: jobs,
  hint: "q: quit   up, down: choose a job   enter: its story"
}

/** Every host that shares a queue with this one: the hosts can be chosen, each with its jobs. */
export const ALL_HOSTS: Watched<Fleet> = {
  draw: fleet,
  choices: hosts,
  hint: "q: quit   up, down: choose a Mac   enter: its jobs"
}
