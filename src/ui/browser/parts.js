/** What the page is made of. */
import { h } from "./dom.js"
import { clock } from "./labels.js"

/** @import { Child } from "./dom.js" */

/**
 * @param {string} title
 * @param {Array<Child>} content
 */
export const section = (title, ...content) => h("section", {}, h("h2", {}, title), ...content)

/** @param {Array<Child>} text */
export const note = (...text) => h("p", { class: "note" }, ...text)

/** @param {Array<Child>} text */
export const bad = (...text) => h("p", { class: "bad" }, ...text)

/**
 * A time on the viewer's clock.
 * @param {number} at
 * @param {number} now
 */
export const time = (at, now) => h("time", { datetime: new Date(at).toISOString() }, clock(at, now))

/**
 * A row that is named by its first cell.
 * @param {string | number} key
 * @param {Array<Child>} cells
 */
export const row = (key, [name = "", ...rest]) =>
  h("tr", { key }, h("th", { scope: "row" }, name), ...rest.map((cell) => h("td", {}, cell)))

/**
 * A table, which scrolls by itself in a narrow window.
 * @param {string} label
 * @param {Array<string>} head
 * @param {Array<Child>} rows
 */
export const table = (label, head, rows) =>
  h(
    "div",
    { class: "wide", role: "region", "aria-label": label, tabindex: "0" },
    h(
      "table",
      { class: (head[0] ?? "").toLowerCase() },
      h("thead", {}, h("tr", {}, ...head.map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, ...rows)
    )
  )
