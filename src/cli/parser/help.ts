/**
 * Reformats the parser's help, which takes several lines for a flag, repeats its type as a sentence, and does not wrap
 * at the width of the screen: one entry for each flag or command. Pure.
 */
import { stripVTControlCharacters } from "node:util"
import { lines as inLines, join, message, type Shown, type Text } from "../shown.ts"
import type { Screen } from "../terminal.ts"

/** Sentences that the parser prints for every flag. */
const NOISE = /^(A |An |This setting |One of the following: )/

/** Maximum column of the descriptions; a longer name has its description below it. */
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

/** Names with their descriptions beside them, or below a long name. */
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

/** Flags or arguments with their descriptions, which the parser prints indented below each. */
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

/** Commands without their flags, which the help of each command lists. */
const commands = (lines: ReadonlyArray<string>): ReadonlyArray<readonly [string, string]> =>
  lines.map((line) => {
    const [, usage = "", text = ""] = line.match(/^ *- (.*?) {2,}(.*)$/) ?? []
    return [usage.replace(/ [[(<].*$/, ""), text]
  })

/** The description, with the exit codes listed below each other: the parser prints it as one paragraph. */
const described = (lines: ReadonlyArray<string>, width: number): ReadonlyArray<string> =>
  lines.flatMap((line) => {
    const [text = "", codes] = line.split(/ (?=Exit codes:)/)
    if (codes === undefined) return wrap(text, width)
    const entries = [...codes.matchAll(/(\d+) ([^;]*);/g)].map(
      ([, code = "", meaning = ""]) => [code, meaning] as const
    )
    return [...wrap(text, width), "", "Exit codes:", "", ...listed(entries, width)]
  })

/** The help of a command, or of all commands. Text that is not help is kept as it is. */
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
