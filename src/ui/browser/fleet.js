/** The hosts that share a queue. */
import { h } from "./dom.js"
import { link } from "./job.js"
import { count, STAGES, span } from "./labels.js"
import { bad, note, row, section, table } from "./parts.js"

/** @import { Fleet } from "../../control/Fleet.ts" */

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
  const { name, isThis, version, status } = host
  const mode = status === null ? "no status yet" : status.mode === "open" ? "accepting jobs" : status.mode
  return row(name, [
    isThis ? `${name} (this)` : name,
    version,
    alive(host, now),
    status?.slots === undefined ? "" : `${status.slots.used} of ${status.slots.all}`,
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
              ["Host", "Version", "Alive", "VM slots", "Mode", "Services"],
              hosts.map((host) => hostOf(host, now))
            )
      )
    )
  )
