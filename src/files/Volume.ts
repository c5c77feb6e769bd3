/** The volume that a file or folder is on. `FileSystem` cannot tell its size. */
import { statfs } from "node:fs/promises"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"

/** Amounts in bytes. */
export interface Volume {
  readonly size: number
  /** What this user may still write. */
  readonly free: number
}

/** The volume of a path, or of what exists above it; none if the system does not say. */
export const volumeOf = (path: string): Effect.Effect<Option.Option<Volume>> =>
  Effect.tryPromise(() => statfs(path)).pipe(
    Effect.map(({ bsize, blocks, bavail }): Volume => ({ size: blocks * bsize, free: bavail * bsize })),
    Effect.asSome,
    Effect.catchAll(() => (dirname(path) === path ? Effect.succeedNone : volumeOf(dirname(path))))
  )
