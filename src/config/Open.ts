/** Files with secrets that other users of this host may read. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { Setting } from "./Setting.ts"

/** The files that the config names for its secrets. */
export const filesOf = (settings: ReadonlyArray<Setting>): ReadonlyArray<string> => [
  ...new Set(settings.flatMap(({ origin }) => (origin.from === "file" ? [origin.path] : [])))
]

/** Whether others than its owner may use a file. */
export const isOpen = (path: string): Effect.Effect<boolean, never, FileSystem> =>
  Effect.flatMap(FileSystem, (fs) => fs.stat(path)).pipe(
    Effect.map(({ mode }) => (mode & 0o077) !== 0),
    // one that cannot be asked for is told of where the config is read
    Effect.orElseSucceed(() => false)
  )
