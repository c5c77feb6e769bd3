/** The hosts that share a queue, and the queue, as people read them. Pure. */
import type { Fleet } from "../../control/Fleet.ts"
import { span } from "../../domain/Format.ts"
import type { HostStatus } from "../../services/HostStatus.ts"
import { join, line, lines, type Shown } from "../shown.ts"
import { table } from "../table.ts"
import type { Screen } from "../terminal.ts"
import { EVERYTHING, marked, paragraph, type View } from "./parts.ts"
import { ageOf, NEXT } from "./words.ts"

/** A host, as it last described itself. */
export type HostSeen = Fleet["scopes"][number]["hosts"][number]

/** What tells the hosts of a fleet apart. */
export const keyOf = (scope: string, store: string, { name }: HostSeen): string => `${store} ${scope} ${name}`

/** Its name, and whether it is the one that answers. */
export const nameOf = ({ name, isThis }: HostSeen): string => (isThis ? `${name} (this)` : name)

/** Whether it has sent a message in time; a host that shares with no other sends none. */
export const isAlive = ({ until }: HostSeen, now: number): boolean => until === 0 || until > now

/** VM slots in use, of all. */
export const slotsOf = ({ status }: HostSeen): string =>
  status?.slots === undefined ? "" : `${status.slots.used} of ${status.slots.all}`

const briefly = (status: HostStatus | null): string => {
  if (status === null) return "no status yet"
  const counts = new Map<string, number>()
  for (const { doing } of status.services) counts.set(doing, (counts.get(doing) ?? 0) + 1)
  const services = [...counts].map(([doing, many]) => `${many} ${doing.toLowerCase()}`).join(", ")
  return status.mode === "open" ? services : `${status.mode}; ${services}`
}

/** What the services of a host do that needs a word: their jobs, or why they fail. */
const doingsOf = (status: HostStatus | null): string =>
  (status?.services ?? [])
    .flatMap(({ name, doing, why, job }) => {
      if (job !== undefined) return [`${job.name} ${NEXT[job.stage]}`]
      return doing === "Failing" ? [`${name} fails: ${why ?? ""}`] : []
    })
    .join("; ")

/** Every host, and the queue. */
export const fleet = (screen: Screen, { now, scopes }: Fleet, { chosen }: View = EVERYTHING): Shown =>
  join(
    scopes.map(({ scope, store, problem, hosts, classes, claimed, looker, lookedAt, ...seen }) => {
      const queued = classes.reduce((sum, { jobs }) => sum + jobs, 0)
      const age = ageOf(seen, now)
      const counted =
        problem === "" ? `${queued} queued, ${claimed} claimed${age === "" ? "" : `, ${age}`}` : "not known"
      return lines([
        line`${screen.paint("bold", scope)} in ${store}: ${age === "" ? counted : screen.paint("yellow", counted)}`,
        ...(problem === "" ? [] : paragraph(screen, problem, "red")),
        ...(lookedAt > 0 && looker !== ""
          ? [`${looker} polls for all hosts; last poll ${span(now - lookedAt)} ago`]
          : []),
        ...(classes.length > 0
          ? [
              "",
              table(
                screen,
                ["template", "jobs", "why not on this host"],
                classes.map(({ template, jobs, late, reasons }) => [
                  template,
                  late === 0 ? `${jobs}` : `${jobs}, ${late} of them after all new jobs`,
                  reasons
                    .map(({ why, jobs: of }) => `${of === jobs ? "" : `${of}: `}${why === "" ? "ready to run" : why}`)
                    .join("; ")
                ])
              )
            ]
          : []),
        ...(hosts.length > 0
          ? [
              "",
              table(
                screen,
                ["host", "version", "alive", "VM slots", "services", "jobs"],
                hosts.map((host) => [
                  marked(keyOf(scope, store, host) === chosen, nameOf(host)),
                  host.version,
                  isAlive(host, now) ? "yes" : `no, silent for ${span(now - host.until)}`,
                  slotsOf(host),
                  briefly(host.status),
                  doingsOf(host.status)
                ])
              )
            ]
          : [])
      ])
    }),
    "\n\n"
  )
