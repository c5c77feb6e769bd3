/** Finds files with secrets that other users of this host may read, or change. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Files from "../files/Files.ts"
import { HIDDEN, type Setting } from "./Setting.ts"

/** The files that hold secrets: those that the config names, and the config itself if it contains one. */
export const holding = (file: string, settings: ReadonlyArray<Setting>): ReadonlyArray<string> => {
  const isWritten = settings.some(({ value, origin }) => origin.from === "line" && String(value).includes(HIDDEN))
  return [...(isWritten ? [file] : []), ...filesOf(settings)]
}

/** The files that the config takes secrets from. */
export const filesOf = (settings: ReadonlyArray<Setting>): ReadonlyArray<string> => [
  ...new Set(settings.flatMap(({ origin }) => (origin.from === "file" ? [origin.path] : [])))
]

/** Whether users other than the owner have access to a file. */
export const isOpen = (path: string): Effect.Effect<boolean, never, FileSystem> =>
  Effect.flatMap(FileSystem, (fs) => fs.stat(path)).pipe(
    Effect.map(({ mode }) => (mode & 0o077) !== 0),
    // reading the config reports a file whose mode cannot be read
    Effect.orElseSucceed(() => false)
  )

/**
 * What is wrong with the owner or mode of a config, or of a folder on its path, so that others could change it. If it
 * cannot be checked, reading it reports that.
 */
export const doubtOf = (file: string) =>
  Effect.match(Files.lookAtGiven(file), {
    onSuccess: () => [],
    onFailure: (error) => (error._tag === "Untrusted" ? [error] : [])
  })

/** The warnings about a config at each start: who else may read its secrets, or change it. */
export const warnings = Effect.fn("Open.warnings")(function* (file: string, settings: ReadonlyArray<Setting>) {
  const open = yield* Effect.filter(holding(file, settings), isOpen)
  const doubts = yield* doubtOf(file)
  return [
    ...open.map((path) => `${path} holds a secret, and others may read it: chmod 600 ${path}`),
    ...doubts.map(
      ({ message }) => `anyone who can change the config decides what runs here, and where tokens go: ${message}`
    )
  ]
})
