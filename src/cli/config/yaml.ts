/** Settings as YAML with the origin of each value after it, or as JSON. Pure. */
import { Document, isCollection, isNode } from "yaml"
import { pathOf } from "../../config/Problem.ts"
import type { Origin, Setting } from "../../config/Setting.ts"
import { line, lines, type Shown } from "../shown.ts"
import type { Screen } from "../terminal.ts"

/** Maximum column of the origins, which are aligned. */
const FARTHEST = 44
/** Marks the beginning of an origin; no text of a config contains it. */
const MARK = "\u0001"

const lineOf = (line: number | undefined) => (line === undefined ? "the config" : `line ${line}`)

/** The origin of a value, for people. */
const told = (origin: Origin): string => {
  switch (origin.from) {
    case "default":
      return "default"
    case "unset":
      return "not set"
    case "line":
      return lineOf(origin.line)
    case "environment":
      return `environment ${origin.name}, ${lineOf(origin.line)}`
    case "file":
      return `file ${origin.path}, ${lineOf(origin.line)}`
  }
}

/** The settings as a config file; a value that is not set is a comment. */
export const asYaml = (settings: ReadonlyArray<Setting>, { paint }: Screen): Shown => {
  const document = new Document({})
  for (const { path, value, origin } of settings) {
    const node = document.createNode(value ?? null)
    if (isCollection(node)) node.flow = true
    if (isNode(node)) node.comment = `${MARK}${told(origin)}`
    document.setIn(path, node)
  }
  const rows = document
    .toString({ lineWidth: 0, blockQuote: false, nullStr: "", flowCollectionPadding: false })
    .trimEnd()
    .split("\n")
    .map((row) => {
      const [text = "", note = ""] = row.split(`#${MARK}`).map((part) => part.trimEnd())
      return { text: note === "not set" ? text.replace(/^(\s*)/, "$1# ") : text, note }
    })
  const column = Math.min(FARTHEST, Math.max(...rows.map(({ text }) => text.length)))
  return lines(
    rows.map(({ text, note }) =>
      note === "" ? text : line`${text.padEnd(column)}  ${paint("dim", note === "not set" ? note : `# ${note}`)}`
    )
  )
}

/** The settings as one object, and the origins by path. */
export const asJson = (file: string, settings: ReadonlyArray<Setting>): string => {
  const document = new Document({})
  for (const { path, value } of settings) if (value !== undefined) document.setIn(path, document.createNode(value))
  const origins = Object.fromEntries(settings.map(({ path, origin }) => [pathOf(path), origin]))
  return JSON.stringify({ file, config: document.toJS(), origins }, undefined, 2)
}
