/** What waits, since when, and why this host does not run it. */
import { h } from "./dom.js"
import { link } from "./job.js"
import { ageOf, count, span } from "./labels.js"
import { bad, note, row, table } from "./parts.js"

/** @import { Status } from "../../control/Status.ts" */
/** @import { Child } from "./dom.js" */

/** @typedef {Status["queues"][number]} Queue */

/** Maximum number of templates of the queue shown. */
const CLASSES = 100

/** @param {string} why */
const reason = (why) => (why === "" ? "ready to run" : why)

/**
 * @param {Queue} queue
 * @returns {Array<Child>}
 */
const byTemplate = ({ scope, classes }) =>
  classes
    .slice(0, CLASSES)
    .map(({ template, jobs, late, reasons }) =>
      row(`${scope} ${template}`, [
        template,
        late === 0 ? `${jobs}` : `${jobs}, ${late} of them after all new jobs`,
        scope,
        h(
          "ul",
          {},
          ...reasons.map(({ reason: kind, why, jobs: of }) =>
            h("li", { key: kind }, `${of === jobs ? "" : `${of}: `}${reason(why)}`)
          )
        )
      ])
    )

/**
 * @param {Queue} queue
 * @param {number} now
 * @returns {Array<Child>}
 */
const waiting = ({ waiting }, now) =>
  waiting.map(({ key, name, workflow, repository, url, template, since, why }) =>
    row(key, [link(name, url), workflow, repository, span(now - since), template, reason(why)])
  )

/**
 * The whole queue.
 * @param {Status} status
 * @param {number} now
 */
export const queue = ({ queues }, now) => {
  const jobs = queues.reduce((sum, { jobs }) => sum + jobs, 0)
  const listed = queues.reduce((sum, { waiting }) => sum + waiting.length, 0)
  const more = queues.reduce((sum, { classes }) => sum + Math.max(0, classes.length - CLASSES), 0)
  const isKnown = queues.some(({ problem }) => problem === "")
  const classes = queues.flatMap(byTemplate)
  return h(
    "section",
    { class: "queue" },
    h(
      "h2",
      {},
      isKnown || queues.length === 0 ? `Queue: ${count(jobs, "job waits", "jobs wait")}` : "Queue: not known"
    ),
    ...queues.map((queue) => {
      const { scope, problem } = queue
      if (problem !== "") return bad(`${scope}: ${problem}`)
      const age = ageOf(queue, now)
      return age === "" ? "" : h("p", { key: scope, class: "late" }, `${scope}: ${age}`)
    }),
    table(
      "Queue",
      ["Template", "Jobs", "Scope", "Why not on this host"],
      classes.length === 0 ? [row("none", ["none", "0", "", ""])] : classes
    ),
    more > 0 ? note(`and ${more} more templates`) : "",
    listed === 0
      ? ""
      : table(
          "Waiting jobs",
          ["Waiting", "Workflow", "Repository", "For", "Template", "Why not on this host"],
          queues.flatMap((queue) => waiting(queue, now))
        ),
    listed > 0 && jobs > listed ? note(`and ${jobs - listed} more jobs`) : ""
  )
}
