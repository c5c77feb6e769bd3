/** The jobs that have ended: their stories, and the figures of all of them. */
import { h } from "./dom.js"
import { bar, inPhase, link, past, textOf } from "./job.js"
import { clock, count, PHASES, span } from "./labels.js"
import { note, row, section, table, time } from "./parts.js"

/** @import { Ended } from "../../services/Activity.ts" */
/** @import { Status } from "../../control/Status.ts" */
/** @import { Stats, Took } from "../../control/Stats.ts" */
/** @import { Child } from "./dom.js" */

/** Maximum number of recent jobs shown. */
const RECENT = 20
/** Maximum number of templates and of causes shown. */
const SHOWN = 20

/**
 * What is known of a job, behind a summary that unfolds it.
 * @param {Ended} ended
 */
const story = ({ job, outcome, cause, evidence }) => {
  const facts = [
    ...past(job).map(({ text }) => text),
    job.adopted ? "adopted from an earlier daemon, which had its first stages" : "",
    job.template,
    job.attempt > 1 ? `attempt ${job.attempt}` : "",
    job.vm === undefined ? "" : `VM ${job.vm}`,
    job.runner === undefined ? "" : `runner ${job.runner}`,
    outcome === "finished" ? "" : outcome,
    cause === undefined ? "" : `cause: ${cause}`,
    evidence === undefined ? "" : `its logs are kept in ${evidence}`
  ].filter((fact) => fact !== "")
  return h(
    "details",
    {},
    h("summary", { "aria-label": `story of ${job.name}` }, "story"),
    h("ul", {}, ...facts.map((fact, n) => h("li", { key: n }, fact)))
  )
}

/**
 * @param {Status} status
 * @param {number} now
 */
export const recent = ({ ended }, now) =>
  section(
    "Recent jobs",
    ended.length === 0
      ? note("no job has ended since the daemon started")
      : table(
          "Recent jobs",
          ["Job", "Ended", "Outcome", "Service", ...Object.values(PHASES), "Stages"],
          ended.slice(0, RECENT).flatMap((it) => {
            const { service, job, outcome, conclusion } = it
            const parts = past(job)
            const end = job.stages.at(-1)?.at ?? now
            const key = `${job.key} ${end}`
            const cells = [
              link(job.name, job.fields.jobURL),
              time(end, now),
              h("span", { class: conclusion ?? "back" }, conclusion ?? outcome),
              service,
              ...Object.keys(PHASES).map((phase) => inPhase(parts, phase)),
              bar(parts, { role: "img", "aria-label": textOf(parts) })
            ]
            const below = { key: `story of ${key}`, class: "story", role: "row" }
            return [row(key, cells), h("tr", below, h("td", { role: "cell", colspan: cells.length }, story(it)))]
          })
        )
  )

/** @param {Took | null} took */
const tookOf = (took) => (took === null ? "–" : `${span(took.median)} / ${span(took.p95)}`)

/**
 * @param {Stats | undefined} stats
 * @param {number} now
 * @returns {Child}
 */
export const figures = (stats, now) => {
  if (stats === undefined || stats.from === null) return ""
  const { from, jobs, templates, failures } = stats
  const causes = failures.slice(0, SHOWN).map(({ cause, jobs }) => `${cause} ${jobs}`)
  return section(
    "Statistics",
    note(`${count(jobs, "job", "jobs")} that ended since ${clock(from, now)}; durations: median / 95th percentile`),
    table(
      "Statistics",
      ["Statistics of", "Jobs", "Failed", "Wait", "Pull", "Boot", "Run"],
      templates
        .slice(0, SHOWN)
        .map((it) =>
          row(it.template, [
            it.template,
            `${it.jobs}`,
            `${it.failed}`,
            ...[it.wait, it.pull, it.boot, it.run].map(tookOf)
          ])
        )
    ),
    templates.length > SHOWN ? note(`${templates.length - SHOWN} more: anklet stats --json`) : "",
    note(causes.length === 0 ? "no job failed" : `failures: ${causes.join(", ")}`)
  )
}
