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
  h(
    "tr",
    { key, role: "row" },
    h("th", { scope: "row", role: "rowheader" }, name),
    ...rest.map((cell) => h("td", { role: "cell" }, cell))
  )

/**
 * In a narrow window a cell stands below the one before it, with its head.
 * @param {Child} it
 * @param {Array<string>} head
 * @returns {Child}
 */
const headed = (it, head) =>
  typeof it === "string"
    ? it
    : {
        ...it,
        children: it.children.map((cell, n) =>
          typeof cell === "string" ? cell : { ...cell, attributes: { ...cell.attributes, "data-head": head[n] ?? "" } }
        )
      }

/**
 * A table, whose rows become blocks in a narrow window. The roles stay what they are there.
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
      { class: (head[0] ?? "").toLowerCase(), role: "table" },
      h(
        "thead",
        {},
        h("tr", { role: "row" }, ...head.map((title) => h("th", { scope: "col", role: "columnheader" }, title)))
      ),
      h("tbody", {}, ...rows.map((row) => headed(row, head)))
    )
  )
