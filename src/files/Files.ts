/**
 * The only door to the files that Anklet keeps, and to those that it believes: PID file, ledger, locks, log, plugins,
 * scripts. What another user owns, or could put there, is refused (files/trust.ts); what is made is this user's alone,
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

/** Something that is not to be believed, or written to, as it is. */
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

/** Mode of the folders that Anklet makes. */
export const FOLDER = 0o700
/** Mode of the files that it makes. */
export const FILE = 0o600

/** Links on one way, at most: what Linux follows (path_resolution(7)). */
const LINKS = 40

const refuse = (path: string, doubt: Trust.Doubt | undefined) =>
  doubt === undefined ? Effect.void : new Untrusted({ path, ...doubt })

const partsOf = (path: string) => path.split(sep).filter((part) => part !== "" && part !== ".")

/** Where a way ends. */
interface End {
  /** The name without links, as far as it is there. */
  readonly path: string
  /** None where it, or a folder on the way, is not there. */
  readonly found: Option.Option<Named>
  /** Whether everybody may make names in the folder that it is in. */
  readonly inShared: boolean
}

/**
 * Go the way of a path as the system does, and look at each folder and link on it. The link of a file's own is not followed,
 * that of one which the user gives or of a folder is.
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

/** Look at a file of Anklet's own, or its socket: none where there is none. Fails where it, or a folder on the way, is not to be trusted. */
export const look = Effect.fn("Files.look")(function* (path: string, type: "File" | "Socket" = "File") {
  const { found, inShared } = yield* go(path, "own")
  if (Option.isSome(found)) yield* refuse(path, Trust.doubtOfFile(found.value, path, { type, inShared }))
  return found
})

/** Whether a file is there that says something by being there; one that is not to be trusted says nothing, and is told at WARN. */
export const isThere = (path: string): Effect.Effect<boolean, never, FileSystem> =>
  Effect.match(look(path), { onSuccess: Option.isSome, onFailure: (error) => error }).pipe(
    Effect.flatMap((found) =>
      typeof found === "boolean"
        ? Effect.succeed(found)
        : Effect.as(
            found._tag === "Untrusted"
              ? Effect.logWarning(`it is as if it were not there: ${found.message}`)
              : Effect.void,
            false
          )
    )
  )

/** Look at a file that the user gives, such as a plugin: links of the user's own may lead to it. Fails where others could change what it says. */
export const lookAtGiven = Effect.fn("Files.lookAtGiven")(function* (path: string) {
  const { path: real, found } = yield* go(path, "given")
  // a folder in its place is told of when it is read
  if (Option.isSome(found) && found.value.type !== "Directory")
    yield* refuse(real, Trust.doubtOfFile(found.value, real, { type: "File", inShared: false }))
  return found
})

/** The text of a file that the user gives, after a look at it. */
export const readGiven = (path: string) =>
  Effect.flatMap(FileSystem, (fs) => Effect.zipRight(lookAtGiven(path), fs.readFileString(path)))

/** Open a file of Anklet's own to read it, while the scope lives; fails with `NotFound` where there is none. */
export const openToRead = (path: string) =>
  Effect.flatMap(FileSystem, (fs) => Effect.zipRight(look(path), fs.open(path, { flag: "r" })))

/** Have the disk keep the names of a folder as they are now. */
export const syncFolder = (path: string) =>
  Effect.scoped(Effect.flatMap(FileSystem, (fs) => Effect.flatMap(fs.open(path, { flag: "r" }), (file) => file.sync)))

/** Look at everything that lies in a folder, at any depth. Fails at the first thing that others could change. */
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

/** Look at a folder: none where there is none. Fails where it, or one on the way, is not to be trusted. */
export const lookAtFolder = Effect.fn("Files.lookAtFolder")(function* (path: string) {
  const { path: real, found } = yield* go(path, "folder")
  if (Option.isSome(found)) {
    if (found.value.type !== "Directory")
      return yield* new Untrusted({ path: real, why: "is no folder", remedy: "choose another one in the config" })
    yield* refuse(real, Trust.doubtOfFolder(found.value, real, true))
  }
  return found
})

/** Make a folder for this user alone, and those on the way, where they are missing; fails where it is there and not to be trusted. */
export const makeFolder = Effect.fn("Files.makeFolder")(function* (path: string) {
  const fs = yield* FileSystem
  if (Option.isSome(yield* lookAtFolder(path))) return
  yield* fs.makeDirectory(path, { recursive: true, mode: FOLDER })
  // somebody else may have been faster
  yield* lookAtFolder(path)
})

/** What a file of Anklet's own holds; none where there is none. */
export const read = Effect.fn("Files.read")(function* (path: string) {
  const fs = yield* FileSystem
  return Option.isNone(yield* look(path)) ? Option.none() : yield* present(fs.readFile(path))
})

/** The text of a file of Anklet's own; none where there is none. */
export const readText = (path: string) =>
  Effect.map(
    read(path),
    Option.map((bytes) => new TextDecoder().decode(bytes))
  )

/** None for what has gone since it was looked at. */
const present = <A, R>(effect: Effect.Effect<A, PlatformError, R>) =>
  Effect.catchIf(
    Effect.asSome(effect),
    (error) => error._tag === "SystemError" && error.reason === "NotFound",
    () => Effect.succeedNone
  )

/** Make a file that is not there yet, for this user alone: fails with `AlreadyExists` where something has its name, also a link. */
export const create = Effect.fn("Files.create")(function* (path: string, text: string | Uint8Array, mode = FILE) {
  const fs = yield* FileSystem
  yield* lookAtFolder(dirname(path))
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text
  yield* fs.writeFile(path, bytes, { flag: "wx", mode })
})

/** Remove what an earlier process left under this name; another user's is refused. */
const makeWay = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem
  const { found } = yield* go(path, "own")
  if (Option.isNone(found)) return
  yield* refuse(path, Trust.doubtOfLink(found.value, path))
  yield* present(fs.remove(path))
})

/** Remove what a killed process may have left under these names; where that cannot be done, it stays. */
export const removeLeft = (paths: ReadonlyArray<string>) =>
  Effect.forEach(paths, (path) => Effect.ignore(makeWay(path)), { discard: true })

/** Open an empty file of this name, while the scope lives; what was there is not touched, but loses the name. */
export const openAnew = Effect.fn("Files.openAnew")(function* (path: string) {
  const fs = yield* FileSystem
  yield* makeWay(path)
  return yield* fs.open(path, { flag: "wx", mode: FILE })
})

/** Put a file with this text in the place of what is there, in one step. */
export const replace = Effect.fn("Files.replace")(function* (path: string, text: string, mode = FILE) {
  const fs = yield* FileSystem
  yield* look(path)
  const fresh = `${path}.new`
  yield* makeWay(fresh)
  yield* create(fresh, text, mode)
  yield* fs.rename(fresh, path)
})

/** Open a file to append to it, while the scope lives; it is made where it is missing. */
export const openToAppend = Effect.fn("Files.openToAppend")(function* (path: string) {
  const fs = yield* FileSystem
  const isThere = Option.isSome(yield* look(path))
  // `x`: a name that came up meanwhile is not opened
  return yield* fs.open(path, { flag: isThere ? "a" : "ax", mode: FILE })
})
