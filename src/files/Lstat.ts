/** What a name itself refers to: a link is reported as a link. `FileSystem` follows links, and cannot tell. */
import { lstat } from "node:fs"
import { type PlatformError, SystemError, type SystemErrorReason } from "@effect/platform/Error"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"

/** What is known about a name. */
export interface Named {
  readonly type: "File" | "Directory" | "SymbolicLink" | "Socket" | "Other"
  readonly uid: number
  readonly gid: number
  /** Permission bits, with the sticky bit. */
  readonly mode: number
  readonly ino: number
  /** Number of names of the same file. */
  readonly links: number
}

const failed = (path: string, reason: SystemErrorReason, description: string) =>
  new SystemError({ reason, module: "FileSystem", method: "lstat", pathOrDescriptor: path, description })

const ask = (path: string) =>
  Effect.async<Option.Option<Named>, PlatformError>((resume) => {
    // no file can have such a name, and Node throws
    if (path.includes("\0")) return resume(failed(path, "InvalidData", "a name with a zero byte"))
    lstat(path, (error, found) => {
      if (error === null) {
        const type = found.isFile()
          ? "File"
          : found.isDirectory()
            ? "Directory"
            : found.isSymbolicLink()
              ? "SymbolicLink"
              : found.isSocket()
                ? "Socket"
                : "Other"
        const { uid, gid, ino } = found
        return resume(Effect.succeedSome({ type, uid, gid, ino, mode: found.mode & 0o7777, links: found.nlink }))
      }
      if (error.code === "ENOENT") return resume(Effect.succeedNone)
      resume(failed(path, error.code === "EACCES" ? "PermissionDenied" : "Unknown", error.message))
    })
  })

/**
 * Reads the status of a name; none if it does not exist. Fails if its folder cannot be searched, or is not a folder.
 */
export class Lstat extends Context.Reference<Lstat>()("anklet/Lstat", {
  defaultValue: (): ((path: string) => Effect.Effect<Option.Option<Named>, PlatformError>) => ask
}) {}
