/** What `anklet config migrate --scripts` does: move scripts of Anklet 1 and 2 aside, and say where what was added to them belongs. */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { home } from "../../config/Home.ts"
import * as Files from "../../files/Files.ts"
import { said } from "../../files/said.ts"
import { github } from "../../plugins/github/index.ts"
import { type Added, addedIn } from "../../plugins/github/olderScripts.ts"
import { json as asJson, line, lines, type Shown } from "../shown.ts"
import { say, screen } from "../terminal.ts"
import { MigrateError } from "./migrated.ts"

/** The folder beside the scripts of today in which older ones are kept. */
const ASIDE = "anklet2"

/** A script of Anklet 1 or 2. */
interface Older {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly text: string
  readonly added: ReadonlyArray<Added>
}

const failed = (path: string) => (error: { readonly message: string; readonly _tag?: string }) =>
  error instanceof MigrateError
    ? error
    : new MigrateError({
        detail: `${path} cannot be moved: ${error._tag === "Untrusted" ? error.message : said(error)}`
      })

/** The scripts of Anklet 1 and 2 in the place of today's. */
const find = Effect.gen(function* () {
  const paths = yield* Path
  const directory = paths.join((yield* home).plugins, github.name)
  const found = yield* Effect.forEach(Object.keys(github.files), (name) =>
    Effect.gen(function* () {
      const from = paths.join(directory, name)
      const bytes = yield* Effect.mapError(Files.readIfGiven(from), failed(from))
      if (Option.isNone(bytes)) return []
      const text = new TextDecoder().decode(bytes.value)
      if (Option.isNone(github.refuse(from, text))) return []
      return [{ name, from, to: paths.join(directory, ASIDE, name), text, added: addedIn(text) } satisfies Older]
    })
  )
  return { directory, found: found.flat() }
})

/** Moves them all, or none if one of them would replace another file. Killed at any step, it can be run again. */
const move = Effect.fnUntraced(function* (found: ReadonlyArray<Older>) {
  const fs = yield* FileSystem
  const paths = yield* Path
  for (const { to, text } of found) {
    const there = yield* Effect.mapError(Files.readIfGiven(to), failed(to))
    if (Option.exists(there, (bytes) => new TextDecoder().decode(bytes) !== text))
      return yield* new MigrateError({
        detail: `${to} is there already, and is another script: move it away, so that this one can be kept there`
      })
  }
  for (const { from, to } of found)
    yield* Effect.mapError(Effect.zipRight(Files.makeFolder(paths.dirname(to)), fs.rename(from, to)), failed(from))
})

/** Numbers of lines, with neighbours together: `3-5, 9`. */
const ranges = (numbers: ReadonlyArray<number>): string => {
  const all: Array<{ readonly first: number; last: number }> = []
  for (const number of numbers) {
    const before = all.at(-1)
    if (before !== undefined && before.last + 1 === number) before.last = number
    else all.push({ first: number, last: number })
  }
  return all.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(", ")
}

/** Width of the column with where something belongs. */
const WIDTH = 16

const rowOf = (to: string, script: Older, { lines: numbers, names }: Added): Shown =>
  line`  ${to.padEnd(WIDTH)}${script.name}, line${numbers.length === 1 ? "" : "s"} ${ranges(numbers)}${names.length === 0 ? "" : `: ${names.join(", ")}`}`

/** Moves the scripts aside. Returns the exit code. */
export const run = Effect.fn("config.migrate.scripts")(function* (given: { readonly json: boolean }) {
  const { directory, found } = yield* find
  yield* move(found)
  if (given.json) {
    const scripts = found.map(({ from, to, added }) => ({ from, to, added }))
    yield* say(asJson(JSON.stringify({ directory, scripts }, undefined, 2)))
    return 0
  }
  if (found.length === 0) {
    yield* say(line`${directory} has no script of Anklet 1 or 2: nothing was moved`)
    return 0
  }
  const { paint } = yield* screen
  const rows = found.flatMap((script) => [
    line`  ${paint("cyan", "moved".padEnd(WIDTH))}${script.from} -> ${script.to}`,
    ...script.added.map((added) => rowOf(added.to, script, added))
  ])
  const hasAdded = found.some(({ added }) => added.length > 0)
  const moved = found.length === 1 ? "1 script of Anklet 1 or 2 was" : `${found.length} scripts of Anklet 1 or 2 were`
  yield* say(line`${moved} moved aside. The next start writes ${found.length === 1 ? "that" : "those"} of Anklet 3.`)
  yield* say(lines(rows))
  if (hasAdded)
    yield* say(line`  What was added to them belongs into the files that are named before it, in ${directory}.`)
  yield* say(line`  next            anklet config check, then anklet doctor`)
  return 0
})
