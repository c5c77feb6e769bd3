/**
 * What a terminal is given. Plain text counts as text from elsewhere: it is one line, and safe, wherever it comes to be
 * shown. Colours, and lines one below the other, are made here alone, so that nobody else's text can have them.
 */
import { stripVTControlCharacters } from "node:util"
import { without } from "../secrets/Secrets.ts"
import { visible, visibleJson } from "../text/Text.ts"

/** Ready for a terminal; made by the functions of this file only. */
class Shown {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  /** In a text it is text, which loses its colour. */
  toString(): string {
    return visible(stripVTControlCharacters(this.text))
  }
}

export type { Shown }

/** What can be shown. */
export type Text = string | number | Shown

const textOf = (it: Text): string => (it instanceof Shown ? it.text : visible(`${it}`))

/** A template whose own words are shown as they are written, and whose values are made safe. */
export const line = (words: TemplateStringsArray, ...values: ReadonlyArray<Text>): Shown =>
  new Shown(words.map((word, n) => `${n === 0 ? "" : textOf(values[n - 1] ?? "")}${word}`).join(""))

/** All of these in one line. */
export const join = (parts: ReadonlyArray<Text>, between: string): Shown => new Shown(parts.map(textOf).join(between))

/** Each of these in a line of its own. */
export const lines = (all: ReadonlyArray<Text>): Shown => join(all, "\n")

/** A message with its line breaks. Lines behind the first are indented: none passes for a message of its own. */
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

/** Cells as `layout` arranges them: they are safe when it gets them, and it adds nothing but space. */
export const laid = (
  rows: ReadonlyArray<ReadonlyArray<Text>>,
  layout: (rows: ReadonlyArray<ReadonlyArray<string>>) => string
): Shown => new Shown(layout(rows.map((row) => row.map(textOf))))

/** On a cleared screen, from its beginning. */
export const alone = (it: Text): Shown => new Shown(`\u001b[H\u001b[2J${textOf(it)}`)

/** What is written to the terminal. */
export const written = textOf
