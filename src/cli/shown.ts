/**
 * Text for a terminal. A plain string counts as text from outside: it is made safe and put on one line wherever it is
 * shown. Only the functions here add colours and line breaks, so that no other text can contain them.
 */
import { stripVTControlCharacters } from "node:util"
import { without } from "../secrets/Secrets.ts"
import { visible, visibleJson } from "../text/Text.ts"

/** Text ready for a terminal; only the functions of this file make it. */
class Shown {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  /** Inside another text it is plain text, without its colour. */
  toString(): string {
    return visible(stripVTControlCharacters(this.text))
  }
}

export type { Shown }

/** What can be shown. */
export type Text = string | number | Shown

const textOf = (it: Text): string => (it instanceof Shown ? it.text : visible(`${it}`))

/** A template whose literal parts are shown as they are, and whose values are made safe. */
export const line = (words: TemplateStringsArray, ...values: ReadonlyArray<Text>): Shown =>
  new Shown(words.map((word, n) => `${n === 0 ? "" : textOf(values[n - 1] ?? "")}${word}`).join(""))

/** All parts on one line. */
export const join = (parts: ReadonlyArray<Text>, between: string): Shown => new Shown(parts.map(textOf).join(between))

/** Each part on a line of its own. */
export const lines = (all: ReadonlyArray<Text>): Shown => join(all, "\n")

/**
 * A message with its line breaks. Lines after the first are indented, so that none can pass for a message of its own.
 */
export const message = (text: string): Shown =>
  lines(
    without(text)
      .split("\n")
      .map((part, n) => (n === 0 || /^ {2}|^$/.test(part) ? part : `  ${part}`))
  )

/** JSON text, with the same meaning. */
export const json = (text: string): Shown => new Shown(visibleJson(text))

/** In a colour or weight, by its number (ECMA-48, SGR). */
export const painted = (number: number, it: Text): Shown => {
  const text = textOf(it)
  return new Shown(text === "" ? "" : `\u001b[${number}m${text}\u001b[0m`)
}

/** Cells arranged by `layout`, which receives safe text and adds only space. */
export const laid = (
  rows: ReadonlyArray<ReadonlyArray<Text>>,
  layout: (rows: ReadonlyArray<ReadonlyArray<string>>) => string
): Shown => new Shown(layout(rows.map((row) => row.map(textOf))))

/** On a cleared screen, from its top. */
export const alone = (it: Text): Shown => new Shown(`\u001b[H\u001b[2J${textOf(it)}`)

/** The text as it is written to the terminal. */
export const written = textOf
