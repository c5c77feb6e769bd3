/**
 * What is kept of jobs that failed before they ran, or that lost their VM: a folder for each, limited in number, age and
 * size.
 */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Files from "../files/Files.ts"

/** Maximum number of folders that are kept, and their maximum age. */
export const JOBS = 50
export const AGE = Duration.days(14)
/** Maximum number of UTF-16 units of one file, and of bytes that are read of one: of longer text, the end is kept. */
export const FILE = 256 << 10

/** The folder's name in a `state_dir`. */
const FOLDER_NAME = "jobs"
/** The end of the name of a folder that is not complete. */
const UNFINISHED = ".new"

/** The end of a file of the hypervisor; empty where it cannot be read. */
const endOf = (path: string) =>
  Effect.gen(function* () {
    const file = yield* Files.openToRead(path)
    const { size } = yield* file.stat
    yield* file.seek(Math.max(0, Number(size) - FILE), "start")
    const bytes = new Uint8Array(FILE)
    const text = new TextDecoder().decode(bytes.subarray(0, Number(yield* file.read(bytes))))
    // no half of a secret at the beginning
    return Number(size) > FILE ? text.slice(text.indexOf("\n") + 1) : text
  }).pipe(
    Effect.scoped,
    Effect.orElseSucceed(() => "")
  )

/** Remove folders that are too old, too many, or that a killed daemon has left half made, so that there is room for more. */
const tidy = Effect.fnUntraced(function* (folder: string, room: number) {
  const fs = yield* FileSystem
  const paths = yield* Path
  if (Option.isNone(yield* Files.lookAtFolder(folder))) return
  const now = yield* Clock.currentTimeMillis
  const found = yield* Effect.forEach(yield* fs.readDirectory(folder), (name) =>
    Effect.map(Effect.option(fs.stat(paths.join(folder, name))), (info) => ({
      name,
      at: Option.match(
        Option.flatMap(info, ({ mtime }) => mtime),
        { onNone: () => 0, onSome: (at) => at.getTime() }
      )
    }))
  )
  const kept = found
    .filter(({ name, at }) => !name.endsWith(UNFINISHED) && now - at <= Duration.toMillis(AGE))
    .sort((a, b) => b.at - a.at)
    .slice(0, JOBS - room)
  for (const { name } of found) {
    if (!kept.some((it) => it.name === name)) yield* fs.remove(paths.join(folder, name), { recursive: true })
  }
})

/** Writes a folder of this name, complete or not at all; it replaces an older one. Empty files are left out. */
const save = Effect.fnUntraced(function* (folder: string, name: string, files: Readonly<Record<string, string>>) {
  const fs = yield* FileSystem
  const paths = yield* Path
  yield* Files.makeFolder(folder)
  yield* tidy(folder, 1)
  const path = paths.join(folder, name)
  const fresh = `${path}${UNFINISHED}`
  yield* Files.makeFolder(fresh)
  for (const [file, text] of Object.entries(files))
    if (text !== "") yield* Files.create(paths.join(fresh, file), `${text.slice(-FILE)}\n`)
  yield* Effect.ignore(fs.remove(path, { recursive: true }))
  yield* fs.rename(fresh, path)
  return path
})

/** Keeps evidence; by default, none. */
export class Evidence extends Context.Reference<Evidence>()("anklet/Evidence", {
  defaultValue: (): Keeper => ({
    isKept: false,
    logsOf: () => Effect.succeed({}),
    save: () => Effect.dieMessage("nothing is kept")
  })
}) {
  /** In `state_dir`. `logs`: the folder in which the hypervisor has its logs. */
  static readonly layer = (stateDir: string, logs: string) =>
    Layer.effect(
      Evidence,
      Effect.gen(function* () {
        const context = yield* Effect.context<FileSystem | Path>()
        const paths = Context.get(context, Path)
        const folder = paths.join(stateDir, FOLDER_NAME)
        yield* tidy(folder, 0).pipe(Effect.catchAll((error) => Effect.logDebug(`${folder}: ${error.message}`)))
        const keeper: Keeper = {
          isKept: true,
          logsOf: (uuid) =>
            Effect.all({
              "anka.log": endOf(paths.join(logs, "anka.log")),
              "anka-vm.log": /^[\w-]{1,64}$/.test(uuid) ? endOf(paths.join(logs, `${uuid}.log`)) : Effect.succeed("")
            }).pipe(Effect.provide(context)),
          save: (name, files) => Effect.provide(save(folder, name, files), context)
        }
        return keeper
      })
    )
}

/** What keeps evidence. */
export interface Keeper {
  /** Whether there is any use in collecting it. */
  readonly isKept: boolean
  /** The ends of the hypervisor's log and of that of one VM, by the names under which they are kept. */
  readonly logsOf: (uuid: string) => Effect.Effect<Readonly<Record<string, string>>>
  /** Write these files into a folder of this name, and return its path. */
  readonly save: (
    name: string,
    files: Readonly<Record<string, string>>
  ) => Effect.Effect<string, { readonly message: string }>
}
