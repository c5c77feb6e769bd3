/** Text in columns, for people. Separate from terminal.ts, because a daemon in the foreground writes lines only. */
import stringWidth from "string-width"
import { visible } from "../text/Text.ts"
import { laid, lines, type Shown, type Text, written } from "./shown.ts"
import type { Screen } from "./terminal.ts"

const graphemes = new Intl.Segmenter()

/** Safe plain text that fits into `width` columns; an ellipsis replaces what is cut off. */
export const cut = (whole: string, width: number): string => {
  const text = visible(whole)
  if (stringWidth(text) <= width) return text
  let kept = ""
  let used = 0
  for (const { segment } of graphemes.segment(text)) {
    used += stringWidth(segment)
    if (used > width - 1) break
    kept += segment
  }
  return width < 1 ? "" : `${kept}…`
}

/** Splits a word that is wider than a line. */
const pieces = (word: string, width: number): ReadonlyArray<string> => {
  const found: Array<string> = [""]
  for (const { segment } of graphemes.segment(word)) {
    const last = found.at(-1) ?? ""
    if (last !== "" && stringWidth(last) + stringWidth(segment) > width) found.push(segment)
    else found[found.length - 1] = last + segment
  }
  return found
}

/** The lines of a safe plain text, each of which fits into `width` columns: nothing is cut off. */
export const wrapped = (whole: string, width: number): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const word of visible(whole).split(" ")) {
    const last = found.at(-1)
    if (last !== undefined && stringWidth(last) + 1 + stringWidth(word) <= width)
      found[found.length - 1] = `${last} ${word}`
    else found.push(...pieces(word, Math.max(1, width)))
  }
  return found
}

/** Minimum width of a column: a narrower one would tell nothing. */
const NARROWEST = 8

/** Widths that fit the screen; the widest columns shrink first. */
const columns = (natural: ReadonlyArray<number>, width: number): Array<number> => {
  const widths = [...natural]
  const room = width - 2 * (widths.length - 1)
  while (widths.reduce((sum, width) => sum + width, 0) > room) {
    const widest = widths.indexOf(Math.max(...widths))
    if ((widths[widest] ?? 0) <= NARROWEST) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

/** Rows under a head, in columns that fit the screen; text that does not fit is cut, except in the last column, where it wraps. */
export const table = (
  { width, paint }: Screen,
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<Text>>
): Shown => {
  const all = [head.map((title) => paint("bold", title)), ...rows]
  const natural = head.map((_, column) => Math.max(...all.map((row) => wide(row[column] ?? ""))))
  const widths = columns(natural, width)
  // a cell that is too wide loses its colour, because a cut could split an escape sequence
  const fit = (it: Text, column: number) => {
    const width = widths[column] ?? 0
    if (wide(it) <= width) return it
    return column === head.length - 1 ? lines(wrapped(`${it}`, width)) : cut(`${it}`, width)
  }
  return laid(
    all.map((row) => row.map(fit)),
    (rows) => rows.flatMap((row) => beside(row, widths)).join("\n")
  )
}

/** The lines of one row, whose cells may have several. */
const beside = (cells: ReadonlyArray<string>, widths: ReadonlyArray<number>): ReadonlyArray<string> => {
  const columns = cells.map((cell) => cell.split("\n"))
  return Array.from({ length: Math.max(...columns.map((lines) => lines.length)) }, (_, line) =>
    columns
      .map((lines) => lines[line] ?? "")
      .map((text, column) => text + " ".repeat(Math.max(0, (widths[column] ?? 0) - stringWidth(text))))
      .join("  ")
      .trimEnd()
  )
}

const wide = (it: Text): number => stringWidth(written(it))

/**
 * As many of its first lines as fit into rows of this width in columns; a longer line takes several rows. If the first
 * line that begins with `mark` is not among them, lines from the top on give way to it.
 */
export const fitting = (it: Text, width: number, rows: number, mark = ""): Shown =>
  laid([[it]], ([[text = ""] = []]) => {
    const all = text
      .split("\n")
      .map((line) => ({ line, takes: Math.max(1, Math.ceil(stringWidth(line) / Math.max(1, width))) }))
    const marked = mark === "" ? -1 : all.findIndex(({ line }) => line.startsWith(mark))
    let above = all.slice(0, marked + 1).reduce((sum, { takes }) => sum + takes, 0)
    let top = 0
    while (top < marked && above > rows) above -= all[top++]?.takes ?? 0
    let left = rows
    const isInside = ({ takes }: { readonly takes: number }) => {
      left -= takes
      return left >= 0
    }
    return all
      .slice(top)
      .filter(isInside)
      .map(({ line }) => line)
      .join("\n")
  })
