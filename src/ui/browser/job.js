/** How far a job has come: its stage clock in words, and as a bar. */
import { h } from "./dom.js"
import { PHASES, STAGES, span } from "./labels.js"

/** @import { JobProgress } from "../../services/Activity.ts" */
/** @import { Phase } from "./labels.js" */
/** @import { Child } from "./dom.js" */

const NAMES = /** @type {Array<keyof typeof STAGES>} */ (Object.keys(STAGES))

/**
 * A job's name, as a link where its address leads to a page.
 * @param {string} name
 * @param {unknown} url
 * @returns {Child}
 */
export const link = (name, url) =>
  typeof url === "string" && /^https?:\/\//.test(url)
    ? h("a", { href: url, target: "_blank", rel: "noreferrer" }, name)
    : h("span", {}, name)

/**
 * The earlier stages of an adopted job are not known.
 * @param {JobProgress} job
 */
const isAdopted = ({ stages, adopted }) => adopted && stages.at(-1)?.stage !== "done"

/**
 * What a job does now, and for how long.
 * @param {JobProgress} job
 * @param {number} now
 */
export const progress = (job, now) => {
  const last = job.stages.at(-1)
  return last === undefined || isAdopted(job)
    ? "running (adopted after a crash)"
    : `${STAGES[last.stage].does} for ${span(now - last.at)}`
}

/** @typedef {{ phase: Phase, text: string, ms: number }} Part */

/**
 * The duration of each past stage.
 * @param {JobProgress} job
 * @returns {Array<Part>}
 */
export const past = ({ stages }) =>
  stages.slice(1).map(({ stage, at }, n) => {
    const ms = Math.max(0, at - (stages[n]?.at ?? at))
    return { phase: STAGES[stage].after, text: `${stage} ${span(ms)}`, ms }
  })

/**
 * The duration of each stage, the present one included.
 * @param {JobProgress} job
 * @param {number} now
 * @returns {Array<Part>}
 */
export const present = (job, now) => {
  const last = job.stages.at(-1)
  if (last === undefined) return []
  const next = isAdopted(job) ? "done" : (NAMES[NAMES.indexOf(last.stage) + 1] ?? "clean")
  const ms = Math.max(0, now - last.at)
  return [...past(job), { phase: STAGES[next].after, text: `now ${span(ms)}`, ms }]
}

/** @param {Array<Part>} parts */
export const textOf = (parts) => parts.map(({ text }) => text).join(", ")

/**
 * The total duration of a phase.
 * @param {Array<Part>} parts
 * @param {string} phase
 */
export const inPhase = (parts, phase) => {
  const of = parts.filter((part) => part.phase === phase)
  return of.length === 0 ? "–" : span(of.reduce((sum, { ms }) => sum + ms, 0))
}

/**
 * A bar with a segment for each stage, in proportion to its duration.
 * @param {Array<Part>} parts
 * @param {Record<string, string>} attributes
 */
export const bar = (parts, attributes) =>
  h(
    "div",
    { class: "bar", ...attributes },
    ...parts.map(({ phase, text, ms }) => h("span", { class: phase, grow: ms, title: text }))
  )

/** What the colours of a bar mean. */
export const legend = h(
  "ul",
  { class: "legend" },
  ...Object.entries(PHASES).map(([phase, words]) => h("li", {}, h("span", { class: phase }), words))
)
