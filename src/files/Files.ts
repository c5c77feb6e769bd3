/**
 * All access to the files that Anklet keeps or trusts: PID file, ledger, locks, log, plugins, scripts. A file that
 * another user owns, or could have put there, is refused (files/trust.ts); new files belong to this user alone,
 * whatever the umask.
 */
import { dirname, join, resolve, sep } from "node:path"
import type { PlatformError } from "@effect/platform/Error"
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { hiding } from "../secrets/Secrets.ts"
import { Lstat, type Named } from "./Lstat.ts"
import * as Trust from "./trust.ts"

/** A file or folder that must not be trusted, or written to, in its present state. */
export class Untrusted extends hiding(
  Schema.TaggedError<Untrusted>()("Untrusted", {
    path: Schema.String,
    why: Schema.String,
    remedy: Schema.String
  })
) {
  override get message() {
    return `${this.path} ${this.why}: ${this.remedy}`
  }
}

/** Mode of folders that Anklet makes. */
export const FOLDER = 0o700
/** Mode of files that Anklet makes. */
export const FILE = 0o600

/** Maximum number of symbolic links on one path: what Linux follows (path_resolution(7)). */
const LINKS = 40

const refuse = (path: string, doubt: Trust.Doubt | undefined) =>
  doubt === undefined ? Effect.void : new Untrusted({ path, ...doubt })

const partsOf = (path: string) => path.split(sep).filter((part) => part !== "" && part !== ".")

/** The result of resolving a path. */
interface End {
  /** The path without links, as far as it exists. */
  readonly path: string
  /** None if the file, or a folder on the path, does not exist. */
  readonly found: Option.Option<Named>
  /** Whether every user may create names in the folder that contains it. */
  readonly inShared: boolean
}

/**
 * Resolves a path as the system does, and checks each folder and link on it. A link as the last component is followed
 * for a file that the user provides and for a folder, but not for a file of Anklet's own.
 */
const go = Effect.fnUntraced(function* (path: string, to: "own" | "given" | "folder") {
  const fs = yield* FileSystem
  const lstat = yield* Lstat
  let at = "/"
  let rest = partsOf(resolve(path))
  let links = 0
  let folder = yield* lstat(at)
  for (;;) {
    const [name, ...others] = rest
    const isLast = to !== "folder" && others.length === 0
    if (Option.isSome(folder)) yield* refuse(at, Trust.doubtOfFolder(folder.value, at, isLast))
    const inShared = Option.exists(folder, Trust.isShared)
    if (name === undefined) return { path: at, found: folder, inShared } satisfies End
    if (name === "..") {
      at = dirname(at)
      folder = yield* lstat(at)
      rest = others
      continue
    }
    const next = join(at, name)
    const found = yield* lstat(next)
    if (Option.isNone(found)) return { path: join(next, ...others), found, inShared } satisfies End
    if (found.value.type === "SymbolicLink" && (to !== "own" || others.length > 0)) {
      yield* refuse(next, Trust.doubtOfLink(found.value, next))
      if (++links > LINKS)
        return yield* new Untrusted({ path, why: "leads through too many links", remedy: "remove some of them" })
      const target = yield* fs.readLink(next)
      if (target.startsWith(sep)) {
        at = "/"
        folder = yield* lstat(at)
      }
      rest = [...partsOf(target), ...others]
      continue
    }
    if (others.length === 0) return { path: next, found, inShared } satisfies End
    at = next
    folder = found
    rest = others
  }
})

/**
 * Checks a file of Anklet's own, or its socket; none if it does not exist. Fails if it, or a folder on the path, is not
 * to be trusted.
 */
export const look = Effect.fn("Files.look")(function* (path: string, type: "File" | "Socket" = "File") {
  const { found, inShared } = yield* go(path, "own")
  if (Option.isSome(found)) yield* refuse(path, Trust.doubtOfFile(found.value, path, { type, inShared }))
  return found
})

/** Whether a marker file exists. An untrusted one counts as absent, with a warning in the log. */
export const isThere = (path: string): Effect.Effect<boolean, never, FileSystem> =>
  Effect.match(look(path), { onSuccess: Option.isSome, onFailure: (error) => error }).pipe(
    Effect.flatMap((found) =>
      typeof found === "boolean"
        ? Effect.succeed(found)
        : Effect.as(
            found._tag === "Untrusted"
              ? Effect.logWarning(`ignored, as if it did not exist: ${found.message}`)
              : Effect.void,
            false
          )
    )
  )

/**
 * Checks a file that the user provides, such as a plugin; the user's own links may lead to it. Fails if others could
 * change its content.
 */
export const lookAtGiven = Effect.fn("Files.lookAtGiven")(function* (path: string) {
  const { path: real, found } = yield* go(path, "given")
  // reading it will fail if it is a folder
  if (Option.isSome(found) && found.value.type !== "Directory")
    yield* refuse(real, Trust.doubtOfFile(found.value, real, { type: "File", inShared: false }))
  return found
})

/** The text of a file that the user provides, after checking it. */
export const readGiven = (path: string) =>
  Effect.flatMap(FileSystem, (fs) => Effect.zipRight(lookAtGiven(path), fs.readFileString(path)))

/** The bytes of a file that the user may provide, after checking it; none if it does not exist. */
export const readIfGiven = (path: string) =>
  Effect.flatMap(FileSystem, (fs) =>
    Effect.flatMap(lookAtGiven(path), (found) =>
      Option.isNone(found) ? Effect.succeedNone : present(fs.readFile(path))
    )
  )

/** Opens a file of Anklet's own for reading, until the scope closes; fails with `NotFound` if it does not exist. */
export const openToRead = (path: string) =>
  Effect.flatMap(FileSystem, (fs) => Effect.zipRight(look(path), fs.open(path, { flag: "r" })))

/** Flushes the names in a folder to disk. */
export const syncFolder = (path: string) =>
  Effect.scoped(Effect.flatMap(FileSystem, (fs) => Effect.flatMap(fs.open(path, { flag: "r" }), (file) => file.sync)))

/** Checks everything in a folder, at any depth. Fails at the first item that others could change. */
export const lookAtAll = (folder: string): Effect.Effect<void, Untrusted | PlatformError, FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    const lstat = yield* Lstat
    yield* lookAtFolder(folder)
    for (const name of yield* fs.readDirectory(folder)) {
      const path = join(folder, name)
      const found = yield* lstat(path)
      if (Option.isNone(found)) continue
      if (found.value.type === "Directory") yield* lookAtAll(path)
      else if (found.value.type === "SymbolicLink") yield* lookAtGiven(path)
      else yield* refuse(path, Trust.doubtOfFile(found.value, path, { type: "File", inShared: false }))
    }
  })

/** Checks a folder; none if it does not exist. Fails if it, or a folder on the path, is not to be trusted. */
export const lookAtFolder = Effect.fn("Files.lookAtFolder")(function* (path: string) {
  const { path: real, found } = yield* go(path, "folder")
  if (Option.isSome(found)) {
    if (found.value.type !== "Directory")
      return yield* new Untrusted({ path: real, why: "is not a folder", remedy: "choose another one in the config" })
    yield* refuse(real, Trust.doubtOfFolder(found.value, real, true))
  }
  return found
})

/**
 * Makes a folder, and missing folders on its path, for this user alone. Fails if it exists and is not to be trusted.
 */
export const makeFolder = Effect.fn("Files.makeFolder")(function* (path: string) {
  const fs = yield* FileSystem
  if (Option.isSome(yield* lookAtFolder(path))) return
  yield* fs.makeDirectory(path, { recursive: true, mode: FOLDER })
  // another process may have made it first
  yield* lookAtFolder(path)
})

/** The content of a file of Anklet's own; none if it does not exist. */
export const read = Effect.fn("Files.read")(function* (path: string) {
  const fs = yield* FileSystem
  return Option.isNone(yield* look(path)) ? Option.none() : yield* present(fs.readFile(path))
})

/** The text of a file of Anklet's own; none if it does not exist. */
export const readText = (path: string) =>
  Effect.map(
    read(path),
    Option.map((bytes) => new TextDecoder().decode(bytes))
  )

/** None for a file that was removed after it was checked. */
const present = <A, R>(effect: Effect.Effect<A, PlatformError, R>) =>
  Effect.catchIf(
    Effect.asSome(effect),
    (error) => error._tag === "SystemError" && error.reason === "NotFound",
    () => Effect.succeedNone
  )

/** Makes a new file for this user alone; fails with `AlreadyExists` if the name is taken, even by a link. */
export const create = Effect.fn("Files.create")(function* (path: string, text: string | Uint8Array, mode = FILE) {
  const fs = yield* FileSystem
  yield* lookAtFolder(dirname(path))
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text
  yield* fs.writeFile(path, bytes, { flag: "wx", mode })
})

/** Removes what an earlier process left under this name; refuses if it belongs to another user. */
const makeWay = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem
  const { found } = yield* go(path, "own")
  if (Option.isNone(found)) return
  yield* refuse(path, Trust.doubtOfLink(found.value, path))
  yield* present(fs.remove(path))
})

/** Removes what a killed process may have left under these names; on failure they stay. */
export const removeLeft = (paths: ReadonlyArray<string>) =>
  Effect.forEach(paths, (path) => Effect.ignore(makeWay(path)), { discard: true })

/** Opens an empty file under this name, until the scope closes. An existing file is unlinked, not overwritten. */
export const openAnew = Effect.fn("Files.openAnew")(function* (path: string) {
  const fs = yield* FileSystem
  yield* makeWay(path)
  return yield* fs.open(path, { flag: "wx", mode: FILE })
})

/** Replaces a file with one of this text, in one step. */
export const replace = Effect.fn("Files.replace")(function* (path: string, text: string, mode = FILE) {
  const fs = yield* FileSystem
  yield* look(path)
  const fresh = `${path}.new`
  yield* makeWay(fresh)
  yield* create(fresh, text, mode)
  yield* fs.rename(fresh, path)
})

/** Opens a file for appending, until the scope closes; makes it if it is missing. */
export const openToAppend = Effect.fn("Files.openToAppend")(function* (path: string) {
  const fs = yield* FileSystem
  const isThere = Option.isSome(yield* look(path))
  // `x`: a name that has appeared since is not opened
  return yield* fs.open(path, { flag: isThere ? "a" : "ax", mode: FILE })
})
