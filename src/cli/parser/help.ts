/** The parser's help as a person wants it: one line for a flag or a command, wrapped to the screen. Pure. */
import { stripVTControlCharacters } from "node:util"
import { lines as inLines, join, message, type Shown, type Text } from "../shown.ts"
import type { Screen } from "../terminal.ts"

/** What it says of every flag. */
const NOISE = /^(A |An |This setting |One of the following: )/

/** From here on the text stands beside a name that is no longer than this. */
const COLUMN = 30

const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

/** Names with their texts beside them, or below where a name is long. */
const listed = (
  entries: ReadonlyArray<readonly [name: string, text: string]>,
  width: number
): ReadonlyArray<string> => {
  const column = Math.min(COLUMN, Math.max(...entries.map(([name]) => name.length)) + 4)
  return entries.flatMap(([name, text]) => {
    const [first = "", ...rest] = wrap(text, width - column)
    const indent = " ".repeat(column)
    return name.length + 4 <= column
      ? [`  ${name.padEnd(column - 2)}${first}`, ...rest.map((line) => indent + line)]
      : [`  ${name}`, ...[first, ...rest].filter((line) => line !== "").map((line) => indent + line)]
  })
}

/** A flag or an argument, and below it what it means. */
const flags = (lines: ReadonlyArray<string>): ReadonlyArray<readonly [string, string]> => {
  const entries: Array<[name: string, text: string]> = []
  for (const line of lines) {
    if (!line.startsWith(" ")) entries.push([line.replace(/^\((.*)\)$/, "$1"), ""])
    else {
      const last = entries.at(-1)
      if (last !== undefined && !NOISE.test(line.trim())) last[1] = `${last[1]} ${line.trim()}`.trim()
      else if (last !== undefined && /^One of/.test(line.trim()) && last[0].startsWith("<"))
        last[1] = line.trim().replace(/^One of the following: /, "")
    }
  }
  return entries
}

/** A command without its flags, which its own help tells. */
const commands = (lines: ReadonlyArray<string>): ReadonlyArray<readonly [string, string]> =>
  lines.map((line) => {
    const [, usage = "", text = ""] = line.match(/^ *- (.*?) {2,}(.*)$/) ?? []
    return [usage.replace(/ [[(<].*$/, ""), text]
  })

/** Exit codes stand one below the other. */
const described = (lines: ReadonlyArray<string>, width: number): ReadonlyArray<string> =>
  lines.flatMap((line) => {
    const [text = "", codes] = line.split(/ (?=Exit codes:)/)
    if (codes === undefined) return wrap(text, width)
    const entries = [...codes.matchAll(/(\d+) ([^;]*);/g)].map(
      ([, code = "", meaning = ""]) => [code, meaning] as const
    )
    return [...wrap(text, width), "", "Exit codes:", "", ...listed(entries, width)]
  })

/** The help of a command, or of all without one. A text that is no help stays in its own words. */
export const readable = (text: string, command: ReadonlyArray<string>, { width, paint }: Screen): Shown => {
  const plain = stripVTControlCharacters(text)
  if (!/^USAGE$/m.test(plain)) return message(plain)
  const parts: Array<{ readonly heading: string; readonly lines: Array<string> }> = []
  for (const line of plain.split("\n").filter((line) => line.trim() !== "")) {
    if (/^[A-Z]{4,}$/.test(line)) parts.push({ heading: line, lines: [] })
    else parts.at(-1)?.lines.push(line)
  }
  const shown = parts.map(({ heading, lines }): ReadonlyArray<Text> => {
    switch (heading) {
      case "OPTIONS":
      case "ARGUMENTS":
        return [paint("bold", heading), "", ...listed(flags(lines), width)]
      case "COMMANDS":
        return [paint("bold", heading), "", ...listed(commands(lines), width)]
      case "DESCRIPTION":
        return described(lines, width)
      default:
        return lines.flatMap((line) => wrap(line.replace(/^\$ [\w-]+/, ["$ anklet", ...command].join(" ")), width))
    }
  })
  return join(shown.map(inLines), "\n\n")
}
