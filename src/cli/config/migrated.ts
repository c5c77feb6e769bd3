/** What `anklet config migrate` does: rewrite a config of Anklet 1 or 2, and say what became of each key. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { variables } from "../../config/older/environment.ts"
import { withoutSecrets } from "../../config/older/hidden.ts"
import { type Migration, migrate } from "../../config/older/migrate.ts"
import { needsPerson } from "../../config/older/Report.ts"
import { namesIn } from "../../config/older/words.ts"
import * as Yaml from "../../config/Yaml.ts"
import * as Files from "../../files/Files.ts"
import { hiding } from "../../secrets/Secrets.ts"
import { configFile } from "../configFile.ts"
import { json as asJson, line, lines } from "../shown.ts"
import { say, screen } from "../terminal.ts"
import { askedRows, isWrong, rowsOf } from "./report.ts"

/** Something that keeps the new config from being written. */
export class MigrateError extends hiding(
  Schema.TaggedError<MigrateError>()("MigrateError", { detail: Schema.String })
) {
  override get message() {
    return this.detail
  }
}

/** Swaps the files. Tells where the older config is now. Killed at any step, it can be run again. */
const swap = Effect.fnUntraced(function* (file: string, older: string, { era, text }: Migration) {
  const fs = yield* FileSystem
  // a link to the config stays a link
  const real = yield* fs.realPath(file)
  const kept = `${real}.anklet${era}`
  const mode = (yield* fs.stat(real)).mode & 0o777
  const there = yield* Files.readText(kept)
  if (Option.exists(there, (text) => text !== older))
    return yield* new MigrateError({
      detail: `${kept} is there already, and is another config: move it away, so that this one can be kept there`
    })
  if (Option.isNone(there)) yield* Files.replace(kept, older, mode)
  yield* Files.replace(real, text, mode)
  return kept
})

/** What stands on the command line. */
interface Given {
  readonly file: Option.Option<string>
  readonly write: boolean
  /** Whether GitHub is asked. */
  readonly online: boolean
  readonly json: boolean
}

/** What GitHub says of the services; of a config that a daemon could not use, why it was not asked. */
const askGitHub = (file: string) =>
  Effect.flatMap(
    Effect.promise(() => import("../doctor/examined.ts")),
    ({ asked }) => Effect.either(asked(file))
  )

/** Rewrites a config. Tells the exit code: 3 while a person must decide something. */
export const run = Effect.fn("config.migrate")(function* (given: Given) {
  const file = yield* configFile(given.file)
  const { text, content } = yield* Yaml.read(file)
  const migration = migrate(text, yield* variables(namesIn(content)))
  if (Option.isNone(migration)) {
    yield* say(
      given.json
        ? asJson(JSON.stringify({ file, older: null, entries: [] }, undefined, 2))
        : line`${file} is no config of Anklet 1 or 2: it stays as it is`
    )
    return 0
  }
  const { era, entries } = migration.value
  const kept = given.write
    ? Option.some(
        yield* Effect.mapError(swap(file, text, migration.value), (error) =>
          error._tag === "MigrateError"
            ? error
            : new MigrateError({ detail: `${file} cannot be rewritten (${error.message})` })
        )
      )
    : Option.none()
  const open = entries.filter(needsPerson).length
  const asked = given.online ? Option.some(yield* askGitHub(file)) : Option.none()
  const answers = Option.flatMap(asked, Either.getRight)
  const code = open > 0 || Option.exists(answers, (all) => all.some(isWrong)) ? 3 : 0
  if (given.json) {
    const shown = {
      file,
      older: era,
      written: given.write,
      ...Option.match(kept, { onNone: () => ({}), onSome: (kept) => ({ kept }) }),
      entries,
      ...Option.match(asked, {
        onNone: () => ({}),
        onSome: Either.match({
          onLeft: () => ({ asked: null }),
          onRight: (all) => ({
            asked: all.map(({ service, finding: { fix: _, ...finding } }) => ({ service, ...finding }))
          })
        })
      }),
      config: withoutSecrets(migration.value.text)
    }
    yield* say(asJson(JSON.stringify(shown, undefined, 2)))
    return code
  }
  const { paint } = yield* screen
  yield* say(
    Option.match(kept, {
      onNone: () => line`${file} is a config of Anklet ${era}. Nothing was changed.`,
      onSome: (kept) =>
        line`${file} was a config of Anklet ${era}, and is one of Anklet 3 now. The older one is ${kept}.`
    })
  )
  yield* say(lines(rowsOf(entries, paint)))
  if (Option.isSome(asked))
    yield* say(
      Either.match(asked.value, {
        onLeft: () => "  GitHub was not asked: a daemon could not use this config yet.",
        onRight: (all) => lines(askedRows(all, paint))
      })
    )
  if (!given.write)
    yield* say(
      line`\n${paint("bold", "The new config, without its secrets:")}\n\n${lines(withoutSecrets(migration.value.text).trimEnd().split("\n"))}\n`
    )
  yield* say(lines(next(Option.getOrUndefined(given.file), given.write, open)))
  return code
})

/** What to do next. */
const next = (file: string | undefined, isWritten: boolean, open: number) => {
  const flag = file === undefined ? "" : ` -c ${file}`
  const check = line`  next     anklet config check${flag}, then anklet doctor${flag}`
  if (isWritten) return [check]
  return [
    ...(open > 0 ? ["  Anklet does not start with it before what must be looked at is decided."] : []),
    line`  next     anklet config migrate${file === undefined ? "" : ` ${file}`} --write`
  ]
}
