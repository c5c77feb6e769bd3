/** Folders, and the free space on their volumes. */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Exec } from "../services/Exec.ts"

/** The folder, or its nearest ancestor that exists. */
export const nearest = (
  path: string
): Effect.Effect<{ readonly path: string; readonly isFolder: boolean }, never, FileSystem | Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    const paths = yield* Path
    const found = yield* Effect.option(fs.stat(path))
    if (Option.isSome(found)) return { path, isFolder: found.value.type === "Directory" }
    const above = paths.dirname(path)
    return above === path ? { path, isFolder: true } : yield* nearest(above)
  })

/** A volume and its free space in bytes. */
export interface Volume {
  readonly name: string
  readonly free: number
}

/** The volume of an existing path, from `df -Pk` (POSIX: blocks of 1024 bytes, one line each); none if `df` does not answer. */
export const volumeOf = (path: string): Effect.Effect<Option.Option<Volume>, never, Exec> =>
  Effect.flatMap(Exec, (exec) => exec.run("df", ["-Pk", path], { timeout: "5 seconds", env: { LC_ALL: "C" } })).pipe(
    Effect.map(({ stdout }) => {
      const [, free, name] = stdout.match(/\s\d+\s+\d+\s+(-?\d+)\s+-?\d+%\s+(.+)\n?$/) ?? []
      return free === undefined || name === undefined
        ? Option.none()
        : Option.some({ name: name.trim(), free: Number(free) * 1024 })
    }),
    Effect.orElseSucceed(() => Option.none())
  )
