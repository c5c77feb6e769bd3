/** What hosts share: the queue, and the hosts that work on it. */
import { h } from "./dom.js"
import { link } from "./job.js"
import { count, STAGES, span } from "./labels.js"
import { bad, note, row, section, table } from "./parts.js"

/** @import { Fleet } from "../../control/Fleet.ts" */
/** @import { Now } from "../Now.ts" */

/** Maximum number of templates of the queue shown. */
const CLASSES = 100

/**
 * Queued jobs by template, and why this host takes none of them.
 * @param {Now} now
 */
export const queue = ({ fleet }) => {
  const classes = fleet.scopes.flatMap(({ scope, classes }) => classes.map((it) => ({ ...it, scope })))
  const jobs = classes.reduce((sum, { jobs }) => sum + jobs, 0)
  return section(
    `Queue: ${count(jobs, "job waits", "jobs wait")}`,
    table(
      "Queue",
      ["Template", "Jobs", "Scope", "Why this host takes none"],
      classes.length === 0
        ? [row("none", ["none", "0", "", ""])]
        : classes
            .slice(0, CLASSES)
            .map(({ template, jobs, late, scope, reasons }) =>
              row(`${scope} ${template}`, [
                template,
                late === 0 ? `${jobs}` : `${jobs}, ${late} of them after all new jobs`,
                scope,
                reasons.map(({ why }) => (why === "" ? "ready to run" : why)).join("; ")
              ])
            )
    ),
    classes.length > CLASSES ? note(`and ${classes.length - CLASSES} more templates`) : ""
  )
}

/** @typedef {Fleet["scopes"][number]["hosts"][number]} Host */

/**
 * @param {Host} host
 * @param {number} now
 */
const alive = ({ until }, now) => {
  if (until === 0) return "yes"
  return until > now
    ? `yes (lease: ${span(until - now)})`
    : h("span", { class: "bad" }, `silent for ${span(now - until)}`)
}

/**
 * @param {NonNullable<Host["status"]>["services"][number]} service
 * @param {number} now
 */
const serviceOf = ({ name, doing, since, why, job }, now) => {
  const what =
    job === undefined
      ? [`${doing.toLowerCase()}${why === undefined ? "" : `: ${why}`}`]
      : [link(job.name, job.url), ` ${STAGES[job.stage].does}`]
  return h("li", { key: name }, `${name} `, ...what, ` (${span(now - since)})`)
}

/**
 * @param {Host} host
 * @param {number} now
 */
const hostOf = (host, now) => {
  const { name, version, status } = host
  const mode = status === null ? "no status yet" : status.mode === "open" ? "accepting jobs" : status.mode
  return row(name, [
    name,
    version,
    alive(host, now),
    h("span", { class: status?.mode ?? "note" }, mode),
    h("ul", {}, ...(status?.services ?? []).map((service) => serviceOf(service, now)))
  ])
}

/**
 * Every host of the scopes of this host.
 * @param {Fleet} fleet
 * @param {number} now
 */
export const hosts = ({ scopes }, now) =>
  section(
    "Hosts",
    ...scopes.map(({ scope, store, problem, hosts, claimed, looker, lookedAt }) =>
      h(
        "div",
        { key: `${store} ${scope}` },
        h("h3", {}, scope),
        note(
          `in ${store}: ${count(claimed, "job is", "jobs are")} claimed`,
          lookedAt > 0 && looker !== "" ? `; ${looker} polls for all hosts, last ${span(now - lookedAt)} ago` : ""
        ),
        problem === "" ? "" : bad(problem),
        hosts.length === 0
          ? ""
          : table(
              `Hosts of ${scope}`,
              ["Host", "Version", "Alive", "Mode", "Services"],
              hosts.map((host) => hostOf(host, now))
            )
      )
    )
  )
