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
 * Whether the host accepts jobs, and what prevents it.
 * @param {Pick<Status, "mode" | "pauses">} status
 */
export const modeOf = ({ mode, pauses }) => {
  if (mode === "open") return "accepting jobs"
  if (mode === "draining") return "draining: accepts no new jobs, and exits when its jobs have ended"
  // a daemon of an older version does not say what pauses it
  const until = pauses.map(({ ends }) => `"${ends}"`).join(" and ") || '"anklet resume"'
  return `paused${pauses.map(({ by }) => ` by ${by}`).join(" and")}: accepts no new jobs until ${until}`
}
