/** Formats the doctor's findings. Pure. */
import stringWidth from "string-width"
import type { Treated } from "../../doctor/Doctor.ts"
import { LEVELS, type Level } from "../../domain/Finding.ts"
import { version } from "../../process/version.ts"
import { visible } from "../../text/Text.ts"
import { line, lines, type Shown, type Text } from "../shown.ts"
import type { Colour, Screen } from "../terminal.ts"

const COLOURS: Readonly<Record<Level, Colour>> = { problem: "red", warning: "yellow", note: "cyan", ok: "green" }

/** Column at which the text of a finding begins. */
const INDENT = 11

/** Wraps text at `width` columns; a command between backquotes is one word, so that it can be copied. */
const fill = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.match(/[^\s`]*`[^`\n]*`\S*|\S+/g) ?? []) {
    const longer = `${lines.at(-1) ?? ""} ${word}`
    if (lines.length === 0 || stringWidth(longer) > width) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines
}

/** Number of remaining findings of a level. */
export const remaining = (found: ReadonlyArray<Treated>, level: Level) =>
  found.filter((finding) => finding.level === level && finding.outcome?.mended !== true).length

const shown = ({ paint, width }: Screen, command: string, finding: Treated) => {
  const { level, what, why, fix, outcome } = finding
  // a config named on the command line is also named in the commands to type
  const remedy = finding.remedy.replace(/`anklet\b/g, `\`${command}`)
  const block = (text: string, colour?: Colour) =>
    fill(visible(text), width - INDENT).map((row): Text => (colour === undefined ? row : paint(colour, row)))
  const treatment =
    outcome === undefined
      ? [
          ...(remedy === "" ? [] : block(`Mend: ${remedy}`)),
          ...(fix === undefined ? [] : block(`Or \`${command} doctor --fix\`: ${fix.does}`))
        ]
      : outcome.mended
        ? block(`Mended: ${outcome.said}`, "green")
        : [...block(`Not mended: ${outcome.said}`, "red"), ...block(`Mend: ${remedy}`)]
  const [first = "", ...rest] = [...block(what), ...(why === "" ? [] : block(why, "dim")), ...treatment]
  const label = line`  ${paint(COLOURS[level], level)}${" ".repeat(INDENT - 2 - level.length)}`
  return [line`${label}${first}`, ...rest.map((row) => line`${" ".repeat(INDENT)}${row}`)]
}

const plural = (count: number, word: string) => `${count} ${word}${count === 1 || word === "ok" ? "" : "s"}`

/** For people: by subject, each finding with its reason and remedy, and the totals. */
export const report = (screen: Screen, command: string, found: ReadonlyArray<Treated>): Shown => {
  const subjects = [...new Set(found.map(({ subject }) => subject))]
  const mended = found.filter(({ outcome }) => outcome?.mended === true).length
  const sums = LEVELS.map((level) => plural(remaining(found, level), level))
  return lines([
    ...subjects.flatMap((subject) => [
      screen.paint("bold", subject),
      ...found.filter((finding) => finding.subject === subject).flatMap((finding) => shown(screen, command, finding))
    ]),
    "",
    [...sums, ...(mended > 0 ? [`${mended} mended`] : [])].join(", ")
  ])
}

/** The same for programs. */
export const object = (file: string, found: ReadonlyArray<Treated>) =>
  JSON.stringify(
    {
      ankletVersion: version,
      config: file,
      findings: found.map(({ fix, outcome, ...finding }) => ({
        ...finding,
        ...(fix === undefined ? {} : { fix: fix.does }),
        ...(outcome === undefined ? {} : { outcome })
      })),
      totals: Object.fromEntries(LEVELS.map((level) => [level, remaining(found, level)]))
    },
    undefined,
    2
  )
