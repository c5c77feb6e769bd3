/** The status of a daemon and of a fleet, as people read it. Pure. */

import type { Fleet } from "../../control/Fleet.ts"
import type { Status } from "../../control/Status.ts"
import { clock, span } from "../../domain/Format.ts"
import type { JobProgress, ServiceActivity } from "../../services/Activity.ts"
import type { HostStatus } from "../../services/HostStatus.ts"
import * as Advice from "../../text/Advice.ts"
import { join, line, lines, type Shown, type Text } from "../shown.ts"
import { cut, table } from "../table.ts"
import type { Screen } from "../terminal.ts"

/** What a job does after each stage. */
export const NEXT: Readonly<Record<JobProgress["stages"][number]["stage"], string>> = {
  queued: "being claimed",
  seen: "being claimed",
  claimed: "fetching its template",
  pulled: "being cloned",
  cloned: "booting",
  booted: "registering its runner",
  registered: "starting its runner",
  started: "running",
  done: "being cleaned up",
  clean: "ended"
}

/** What a job does now, and for how long. */
const stageOf = (job: JobProgress, now: number): string => {
  const last = job.stages.at(-1)
  const adopted = job.adopted && last?.stage !== "done"
  return last === undefined || adopted ? "running (adopted)" : `${NEXT[last.stage]} for ${span(now - last.at)}`
}

const doingOf = ({ doing, since }: ServiceActivity, now: number): readonly [string, string] => {
  switch (doing._tag) {
    case "Looking":
      return ["polls", `for ${span(now - since)}`]
    case "Waiting":
      return ["waits", `${doing.why}; next poll in ${span(doing.until - now)}`]
    case "Working":
      return ["works", `"${doing.job.name}" ${stageOf(doing.job, now)}`]
    case "Failing":
      return ["fails", `${doing.why} (${doing.failures} in a row; next try in ${span(doing.until - now)})`]
    case "Drained":
      return ["drained", ""]
  }
}

const COLOUR = { polls: "dim", waits: "dim", works: "green", fails: "red", drained: "yellow" } as const
const modeOf = ({ mode, pauses }: Status): string => {
  if (mode === "open") return "accepting jobs"
  if (mode === "draining") return "draining: accepts no new jobs, and exits when its jobs have ended"
  // a daemon of an older version does not say what pauses it
  const until = pauses.map(({ ends }) => `"${ends}"`).join(" and ") || `"${Advice.anklet("resume")}"`
  return `paused${pauses.map(({ by }) => ` by ${by}`).join(" and")}: accepts no new jobs until ${until}`
}

const titled = (screen: Screen, title: string, ...body: ReadonlyArray<Text>): ReadonlyArray<Text> => [
  "",
  screen.paint("bold", title),
  ...body
]

/** The stage clock of a job: the duration of each stage. */
const stages = (job: JobProgress, now: number): string =>
  [
    ...job.stages.slice(1).map(({ stage, at }, n) => `${stage} ${span(at - (job.stages[n]?.at ?? at))}`),
    ...(job.stages.at(-1)?.stage === "clean" ? [] : [`now ${span(now - (job.stages.at(-1)?.at ?? now))}`])
  ].join(", ")

/** The whole status of a daemon. */
export const status = (screen: Screen, it: Status): Shown => {
  const { now } = it
  const used = it.vms?.length ?? 0
  const working = it.services.flatMap(({ name, doing }) => (doing._tag === "Working" ? [{ name, job: doing.job }] : []))
  const vms =
    it.vms === null ? [screen.paint("red", `not known: ${it.problem}`)] : [`${used} of ${it.vmLimit} VM slots in use`]
  return lines([
    line`anklet ${it.version}, pid ${it.pid}, up for ${span(now - it.startedAt)}: ${screen.paint(it.mode === "open" ? "green" : "yellow", modeOf(it))}`,
    screen.paint("dim", it.config),
    ...titled(
      screen,
      "Services",
      table(
        screen,
        ["service", "", "what it does"],
        it.services.map((service) => {
          const [word, rest] = doingOf(service, now)
          return [service.name, screen.paint(COLOUR[word as keyof typeof COLOUR], word), rest]
        })
      )
    ),
    ...working.flatMap(({ name, job }) => [
      "",
      cut(`${name}: ${job.fields.jobURL ?? job.name}`, screen.width),
      ...(job.vm === undefined ? [] : [cut(`  VM ${job.vm}`, screen.width)]),
      ...(job.runner === undefined ? [] : [cut(`  runner ${job.runner}`, screen.width)]),
      cut(`  ${job.template}${job.attempt > 1 ? `, attempt ${job.attempt}` : ""}`, screen.width),
      cut(`  ${stages(job, now)}`, screen.width)
    ]),
    ...titled(
      screen,
      "VMs",
      ...vms,
      ...(used > 0
        ? [
            table(
              screen,
              ["VM", "status", "owner", "job"],
              (it.vms ?? []).map((vm) => [vm.name, vm.status, vm.owner, vm.job])
            )
          ]
        : [])
    ),
    ...it.pulls.flatMap(({ template, since, part }) =>
      titled(
        screen,
        "Pull",
        `${template}${since === 0 ? ", by another daemon" : `, for ${span(now - since)}`}${part === null ? "" : `, ${Math.round(part * 100)} %`}`
      )
    ),
    ...(it.templates.length > 0 ? titled(screen, "Templates", cut(it.templates.join(", "), screen.width)) : []),
    ...(it.limits.length > 0
      ? titled(
          screen,
          "Rate limits",
          ...it.limits.map(({ credential, remaining, limit, resetAt, waitsUntil }) =>
            join(
              [
                `${credential}: ${remaining === null ? "no answer yet" : `${remaining} of ${limit} requests left`}`,
                ...(resetAt === null ? [] : [`until ${clock(resetAt)}`]),
                ...(waitsUntil > now ? [screen.paint("yellow", `no polling until ${clock(waitsUntil)}`)] : [])
              ],
              ", "
            )
          )
        )
      : []),
    ...(it.stores.length > 0
      ? titled(
          screen,
          "Stores",
          ...it.stores.map(
            ({ name, isAway, services }) =>
              line`${name}: ${isAway ? screen.paint("red", "does not answer") : "connected"} (${services.join(", ")})`
          )
        )
      : []),
    ...(it.ended.length > 0
      ? titled(
          screen,
          "Recent jobs",
          table(
            screen,
            ["when", "service", "job", "outcome"],
            it.ended
              .slice(0, 5)
              .map(({ service, job, outcome }) => [
                `${span(now - (job.stages.at(-1)?.at ?? now))} ago`,
                service,
                job.name,
                outcome
              ])
          )
        )
      : [])
  ])
}

const briefly = (status: HostStatus | null): string => {
  if (status === null) return "no status yet"
  const counts = new Map<string, number>()
  for (const { doing } of status.services) counts.set(doing, (counts.get(doing) ?? 0) + 1)
  const services = [...counts].map(([doing, many]) => `${many} ${doing.toLowerCase()}`).join(", ")
  return status.mode === "open" ? services : `${status.mode}; ${services}`
}

/** Every host, and the queue. */
export const fleet = (screen: Screen, { now, scopes }: Fleet): Shown =>
  join(
    scopes.map(({ scope, store, problem, hosts, classes, claimed, looker, lookedAt }) => {
      const queued = classes.reduce((sum, { jobs }) => sum + jobs, 0)
      return lines([
        line`${screen.paint("bold", scope)} in ${store}: ${queued} queued, ${claimed} claimed`,
        ...(problem === "" ? [] : [screen.paint("red", problem)]),
        ...(lookedAt > 0 && looker !== ""
          ? [`${looker} polls for all hosts; last poll ${span(now - lookedAt)} ago`]
          : []),
        ...(classes.length > 0
          ? [
              "",
              table(
                screen,
                ["template", "jobs"],
                classes.map(({ template, jobs, late }) => [
                  template,
                  late === 0 ? `${jobs}` : `${jobs}, ${late} of them after all new jobs`
                ])
              )
            ]
          : []),
        ...(hosts.length > 0
          ? [
              "",
              table(
                screen,
                ["host", "version", "alive", "services", "jobs"],
                hosts.map(({ name, version, until, status }) => [
                  name,
                  version,
                  until === 0 ? "yes" : until > now ? `for ${span(until - now)}` : `no, ${span(now - until)} silent`,
                  briefly(status),
                  (status?.services ?? [])
                    .flatMap(({ job }) => (job === undefined ? [] : [`${job.name} ${NEXT[job.stage]}`]))
                    .join("; ")
                ])
              )
            ]
          : [])
      ])
    }),
    "\n\n"
  )
