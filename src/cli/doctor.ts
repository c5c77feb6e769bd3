/** `anklet doctor`: what is wrong on this host, why it matters, and the command that mends it. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import stringWidth from "string-width"
import type { Treated } from "../Doctor.ts"
import { LEVELS, type Level } from "../Finding.ts"
import { home } from "../Home.ts"
import { version } from "../version.ts"
import { config, handle, json } from "./anklet.ts"
import { configFile } from "./start.ts"
import { type Colour, type Screen, say, screen } from "./terminal.ts"

const fix = Options.boolean("fix").pipe(
  Options.withDescription("mend what can be mended without harm, and say what was done")
)

const COLOURS: Readonly<Record<Level, Colour>> = { problem: "red", warning: "yellow", note: "cyan", ok: "green" }

/** Where the text of a finding begins. */
const INDENT = 11

/** Words in lines of so many columns; a command between backquotes is one word, so that it can be copied. */
const fill = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.match(/[^\s`]*`[^`\n]*`\S*|\S+/g) ?? []) {
    const longer = `${lines.at(-1) ?? ""} ${word}`
    if (lines.length === 0 || stringWidth(longer) > width) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines
}

const remaining = (found: ReadonlyArray<Treated>, level: Level) =>
  found.filter((finding) => finding.level === level && finding.outcome?.mended !== true).length

const shown = ({ paint, width }: Screen, command: string, finding: Treated) => {
  const { level, what, why, fix, outcome } = finding
  // a config that was named is named in what is to be typed, too
  const remedy = finding.remedy.replace(/`anklet\b/g, `\`${command}`)
  const block = (text: string, colour?: Colour) =>
    fill(text, width - INDENT).map((line) => (colour === undefined ? line : paint(colour, line)))
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
  const label = `  ${paint(COLOURS[level], level)}${" ".repeat(INDENT - 2 - level.length)}`
  return [`${label}${first}`, ...rest.map((line) => `${" ".repeat(INDENT)}${line}`)]
}

const plural = (count: number, word: string) => `${count} ${word}${count === 1 || word === "ok" ? "" : "s"}`

/** For people: by subject, each finding with its reason and its remedy, and the sums. */
const report = (screen: Screen, command: string, found: ReadonlyArray<Treated>): string => {
  const subjects = [...new Set(found.map(({ subject }) => subject))]
  const mended = found.filter(({ outcome }) => outcome?.mended === true).length
  const sums = LEVELS.map((level) => plural(remaining(found, level), level))
  return [
    ...subjects.flatMap((subject) => [
      screen.paint("bold", subject),
      ...found.filter((finding) => finding.subject === subject).flatMap((finding) => shown(screen, command, finding))
    ]),
    "",
    [...sums, ...(mended > 0 ? [`${mended} mended`] : [])].join(", ")
  ].join("\n")
}

/** For programs: the same. */
const object = (file: string, found: ReadonlyArray<Treated>) =>
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

/** What the checks ask; loaded only here. */
const capabilities = Effect.gen(function* () {
  const Anka = yield* Effect.promise(() => import("../services/anka/layer.ts"))
  const GitHub = yield* Effect.promise(() => import("../services/github/layer.ts"))
  const { Budget } = yield* Effect.promise(() => import("../services/Budget.ts"))
  const { HostLock } = yield* Effect.promise(() => import("../services/HostLock.ts"))
  const { Mac } = yield* Effect.promise(() => import("../services/Mac.ts"))
  const { locks } = yield* home
  return Layer.mergeAll(Anka.layer, Mac.layer, HostLock.layer(locks), Layer.provide(GitHub.layer, Budget.layer))
})

/** `anklet doctor`. */
export const doctor = Command.make(
  "doctor",
  { config, fix, json },
  handle((given) =>
    Effect.gen(function* () {
      const Doctor = yield* Effect.promise(() => import("../Doctor.ts"))
      const { resolved } = yield* Effect.promise(() => import("./config/resolved.ts"))
      const file = yield* configFile(given.config)
      const found = yield* Effect.gen(function* () {
        const examined = yield* Doctor.examine(yield* Doctor.admit(file, resolved))
        return given.fix ? yield* Doctor.mend(examined) : examined
      }).pipe(
        Effect.scoped,
        Effect.provide(yield* capabilities),
        // what the capabilities would log is in the findings
        Logger.withMinimumLogLevel(LogLevel.None)
      )
      const command = Option.match(given.config, { onNone: () => "anklet", onSome: (file) => `anklet -c ${file}` })
      yield* say(given.json ? object(file, found) : report(yield* screen, command, found))
      return remaining(found, "problem") > 0 ? 12 : 0
    })
  )
).pipe(
  Command.withDescription(
    "look for what keeps jobs from running on this Mac: each finding with its reason and the command that mends it"
  )
)
