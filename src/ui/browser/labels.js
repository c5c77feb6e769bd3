/** The words of the page. Times are in milliseconds since the epoch. */

/** @import { Status } from "../../control/Status.ts" */
/** @import { Stage } from "../../domain/Stage.ts" */

/**
 * A span of milliseconds in one or two units: `3 s`, `4 min 10 s`, `2 h 5 min`.
 * @param {number} ms
 */
export const span = (ms) => {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)]
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  if (hours < 1) return `${minutes} min`
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" })
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" })

/**
 * A time as the viewer's clock shows it; with the day, unless it is today.
 * @param {number} at
 * @param {number} now
 */
export const clock = (at, now) => {
  const [day, today] = [DAY.format(at), DAY.format(now)]
  return day === today ? TIME.format(at) : `${day}, ${TIME.format(at)}`
}

/**
 * A number, with the noun for one or for more.
 * @param {number} many
 * @param {string} one
 * @param {string} more
 */
export const count = (many, one, more) => `${many} ${many === 1 ? one : more}`

/**
 * For each stage, in order: what a job does after it, and which phase led to it.
 * @typedef {"waits" | "prepares" | "runs" | "cleans"} Phase
 * @type {Record<Stage, { does: string, after: Phase }>}
 */
export const STAGES = {
  queued: { does: "being claimed", after: "waits" },
  seen: { does: "being claimed", after: "waits" },
  claimed: { does: "fetching its template", after: "waits" },
  pulled: { does: "being cloned", after: "prepares" },
  cloned: { does: "booting", after: "prepares" },
  booted: { does: "registering its runner", after: "prepares" },
  registered: { does: "starting its runner", after: "prepares" },
  started: { does: "running", after: "prepares" },
  done: { does: "being cleaned up", after: "runs" },
  clean: { does: "ended", after: "cleans" }
}

/**
 * The phases of a job, in order.
 * @type {Record<Phase, string>}
 */
export const PHASES = { waits: "queued", prepares: "provisioning", runs: "running", cleans: "cleaning up" }

/**
 * The state of the whole page in a word: what its icon shows.
 * @param {Status} status
 * @returns {"good" | "warn" | "bad"}
 */
export const toneOf = ({ headline }) => {
  switch (headline?.state) {
    case "blocked":
      return "bad"
    case "partly":
    case "paused":
    case "draining":
      return "warn"
    default:
      return "good"
  }
}

/**
 * The title of the page: what a person looks for among many tabs.
 * @param {string} host
 * @param {Status} status
 */
export const titleOf = (host, status) => {
  const running = status.services.filter(({ doing }) => doing._tag === "Working").length
  const waiting = status.queues.reduce((sum, { jobs }) => sum + jobs, 0)
  const trouble = toneOf(status) === "bad" ? "not accepting jobs, " : ""
  return `${trouble}${running} running, ${waiting} waiting: Anklet on ${host}`
}

/**
 * How old what is said of a queue is, where it is older than it should be; empty where it is not.
 * @param {Pick<Status["queues"][number], "seenAt" | "lateAt">} queue
 * @param {number} now
 */
export const ageOf = ({ seenAt, lateAt }, now) =>
  seenAt === 0 ? "not polled yet" : now > lateAt ? `as of ${span(now - seenAt)} ago` : ""
