/** The content of the page, made of what the daemon answered. Pure. */
import { h } from "./dom.js"
import { hosts } from "./fleet.js"
import { bar, legend, link, present, progress, textOf } from "./job.js"
import { span, toneOf } from "./labels.js"
import { bad, note, row, section, table, time } from "./parts.js"
import { figures, recent } from "./past.js"
import { queue } from "./queue.js"

/** @import { ServiceActivity } from "../../services/Activity.ts" */
/** @import { Status } from "../../control/Status.ts" */
/** @import { Stats } from "../../control/Stats.ts" */
/** @import { Why } from "../../control/why/explain.ts" */
/** @import { Now } from "../Now.ts" */
/** @import { Child } from "./dom.js" */

/**
 * A word for what a service does, and the details.
 * @param {ServiceActivity} service
 * @param {number} now
 * @returns {[word: string, ...rest: Array<Child>]}
 */
const doingOf = ({ doing, since, trouble }, now) => {
  switch (doing._tag) {
    case "Looking":
      return ["polls", note(`for ${span(now - since)}`)]
    case "Waiting":
      return ["waits", note(`${doing.why}; next poll in ${span(doing.until - now)}`)]
    case "Working": {
      const { job } = doing
      const parts = present(job, now)
      return [
        "works",
        h(
          "p",
          { class: "work", title: job.name },
          link(job.name, job.fields.jobURL),
          " ",
          h("span", {}, progress(job, now))
        ),
        bar(parts, { "aria-hidden": "true" }),
        h("p", { class: "note clock" }, textOf(parts)),
        note(job.template, job.attempt > 1 ? `, attempt ${job.attempt}` : ""),
        trouble === undefined ? "" : bad(`the queue cannot be polled: ${trouble}`)
      ]
    }
    case "Failing":
      return ["fails", bad(doing.why), note(`${doing.failures} in a row; next try in ${span(doing.until - now)}`)]
    case "Drained":
      return ["drained", note(`for ${span(now - since)}`)]
  }
}

/**
 * @param {Status} status
 * @param {number} now
 */
const services = ({ services }, now) =>
  section(
    "Services",
    h(
      "ul",
      { class: "services" },
      ...services.map((service) => {
        const [word, ...rest] = doingOf(service, now)
        const title = h("h3", {}, service.name, " ", h("span", { class: "state" }, word))
        return h("li", { key: service.name, class: word }, title, ...rest)
      })
    ),
    legend
  )

/** @param {Status} status */
const slots = ({ vms, vmLimit, problem }) => {
  if (vms === null) return section("VM slots", bad(`not known: ${problem}`))
  const free = Array.from({ length: Math.max(0, vmLimit - vms.length) }, () => ["free"])
  const taken = vms.map(({ name, status, owner, job }) => [`${name} (${status})`, owner, job])
  return section(
    "VM slots",
    table(
      "VM slots",
      ["Slot", "VM", "Owner", "Job"],
      [...taken, ...free].map(([vm = "", of = "", job = ""], n) => row(n, [`${n + 1}`, vm, of, job]))
    )
  )
}

/**
 * @param {Status} status
 * @param {number} now
 */
const templates = ({ templates, pulls }, now) =>
  section(
    "Templates",
    ...pulls.map(({ template, since, part }) => {
      const value = part === null ? {} : { value: part }
      return h(
        "p",
        { key: template },
        `pulling ${template} `,
        h("progress", { "aria-label": `pull of ${template}`, ...value }),
        part === null ? "" : ` ${Math.round(part * 100)} %`,
        since === 0 ? ", by another daemon" : `, for ${span(now - since)}`
      )
    }),
    note(templates.length === 0 ? "none is here" : `here: ${templates.join(", ")}`)
  )

/**
 * @param {Status} status
 * @param {number} now
 */
const outside = ({ limits, stores }, now) =>
  section(
    "Rate limits and stores",
    h(
      "ul",
      {},
      ...limits.map(({ credential, remaining, limit, resetAt }, n) =>
        h(
          "li",
          { key: n },
          `${credential}: ${remaining === null ? "no answer yet" : `${remaining} of ${limit} requests left`}`,
          ...(resetAt === null ? [] : [" until ", time(resetAt, now)])
        )
      ),
      ...stores.map(({ name, isAway, services }) =>
        h("li", { key: name }, `${name}: ${isAway ? "does not answer" : "connected"} (${services.join(", ")})`)
      )
    )
  )

/**
 * What is wrong beside what the headline says.
 * @param {Status} status
 * @param {number} now
 */
const troubles = ({ limits, stores, services, headline }, now) => {
  const said = headline?.text ?? ""
  return [
    ...limits
      .filter(({ waitsUntil }) => waitsUntil > now)
      .map(({ credential, waitsUntil }) =>
        bad(`the rate limit is reached with ${credential}: no polling until `, time(waitsUntil, now))
      ),
    ...stores
      .filter(({ name, isAway }) => isAway && !said.includes(name))
      .map(({ name }) => bad(`${name} does not answer: no new jobs are accepted`)),
    ...services.flatMap(({ name, doing }) =>
      doing._tag === "Failing" && !said.includes(doing.why) ? [bad(`service ${name} fails: ${doing.why}`)] : []
    )
  ]
}

/**
 * The whole page, for this moment.
 * @param {Now} it
 * @param {number} now
 * @param {Stats | undefined} stats
 * @returns {Array<Child>}
 */
export const whole = (it, now, stats) => {
  const { status } = it
  // a Mac that shares its queue is one of several; one that works alone is the only one
  const fleet = hosts(it.fleet, now)
  const isShared = status.stores.length > 0
  const about = `anklet ${status.version}, pid ${status.pid}, up for ${span(now - status.startedAt)}; ${status.config}`
  return [
    h("p", { class: `mode ${toneOf(status)}` }, h("strong", {}, status.headline?.text ?? status.mode)),
    ...troubles(status, now),
    note(about),
    queue(status, now),
    isShared ? fleet : "",
    services(status, now),
    slots(status),
    isShared ? "" : fleet,
    templates(status, now),
    outside(status, now),
    recent(status, now),
    figures(stats, now)
  ]
}

/**
 * The answer to why a job waits.
 * @param {Why} why
 */
export const reasons = ({ job, url, answer, reasons }) => [
  h("p", {}, h("strong", {}, link(job, url)), ` ${answer}`),
  h(
    "ul",
    {},
    ...reasons.map(({ where, what, remedy }, n) =>
      h("li", { key: n }, h("strong", {}, where), `: ${what}`, note(`what to do: ${remedy}`))
    )
  )
]
