/** The files of a plugin in its folder on this host: written when they are missing, the user's to change, and looked at before they are used. */

import type { PlatformError } from "@effect/platform/Error"
import type { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Files from "../files/Files.ts"
import { said } from "../files/said.ts"
import { hiding } from "../secrets/Secrets.ts"

/** A file of a plugin, as it comes with it. */
export interface PluginFile {
  readonly path: string
  readonly text: string
  /** Why a text in its place cannot be used, and what to do about it; none where it can. */
  readonly refuse: (text: string) => Option.Option<Refusal>
}

/** Why a file cannot be used, and the command or step that fixes it, both for a person. */
export interface Refusal {
  readonly why: string
  readonly remedy: string
}

/** A file that a plugin needs and that cannot be used: its path, why, and what to do. */
export class PluginFileError extends hiding(
  Schema.TaggedError<PluginFileError>()("PluginFileError", {
    path: Schema.String,
    detail: Schema.String
  })
) {
  override get message() {
    return `${this.path} ${this.detail}`
  }
}

/** Look at a file that should be there; fails where it is missing, cannot be read, could be written by others, or is refused by its plugin. */
export const check = ({ path, refuse }: PluginFile): Effect.Effect<void, PluginFileError, FileSystem> =>
  Effect.gen(function* () {
    const explain = (error: PlatformError | Files.Untrusted) =>
      new PluginFileError({
        path,
        detail:
          error._tag === "Untrusted"
            ? `is not used, because ${error.message}`
            : `cannot be read: check its owner and permissions (${said(error)})`
      })
    const text = yield* Effect.mapError(Files.readGiven(path), explain)
    const refusal = refuse(text)
    if (Option.isSome(refusal)) {
      return yield* new PluginFileError({ path, detail: `${refusal.value.why}: ${refusal.value.remedy}` })
    }
  })

/** They are programs, copied into VMs with this mode. They hold no secret. */
const SCRIPT = 0o755

/** Write a file where it is missing; one that is there stays as it is, and is looked at. */
export const write = (file: PluginFile): Effect.Effect<void, PluginFileError, FileSystem | Path> =>
  Effect.gen(function* () {
    const paths = yield* Path
    yield* Files.makeFolder(paths.dirname(file.path)).pipe(
      Effect.zipRight(Files.create(file.path, file.text, SCRIPT)),
      Effect.catchIf(
        (error) => error._tag === "SystemError" && error.reason === "AlreadyExists",
        () => Effect.void
      ),
      Effect.mapError(
        (error) =>
          new PluginFileError({
            path: file.path,
            detail: `cannot be written: check the owner and permissions of the folder (${said(error)})`
          })
      )
    )
    yield* check(file)
  })
