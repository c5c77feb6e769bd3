/**
 * The ledgers of one user's daemons on one host: each daemon registers its own, so that no other takes its VMs for
 * orphans.
 */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { v5 as uuid5 } from "uuid"
import * as Files from "../files/Files.ts"

/** A path that no file can have. An unreadable ledger may list any VM, so no unknown VM is touched. */
export const ANY_FILE: ReadonlyArray<string> = ["\0"]

/** The ledgers of all daemons that ever ran here, except one's own. */
export const ledgers = Effect.fnUntraced(function* (directory: string, own = "") {
  const fs = yield* FileSystem
  const paths = yield* Path
  return yield* fs.readDirectory(directory).pipe(
    Effect.flatMap((names) =>
      Effect.forEach(
        // other files there, such as a .DS_Store, name no ledger
        names.filter((name) => isUuid(name) && name !== nameOf(own)),
        (name) => Files.readText(paths.join(directory, name))
      )
    ),
    Effect.map((found) => found.flatMap(Option.toArray)),
    Effect.catchTag("Untrusted", (error) =>
      Effect.as(Effect.logWarning(`VMs that no ledger knows are left alone: ${error.message}`), ANY_FILE)
    ),
    Effect.orElseSucceed(() => ANY_FILE)
  )
})

const isUuid = Schema.is(Schema.UUID)
const nameOf = (ledger: string) => uuid5(ledger, uuid5.URL)

/** Registers our ledger; returns an effect that lists those of the others. */
export const join = (directory: string, ledger: string) =>
  Effect.flatMap(Effect.all([FileSystem, Path]), ([fs, paths]) =>
    Files.makeFolder(directory).pipe(
      Effect.zipRight(Files.replace(paths.join(directory, nameOf(ledger)), ledger)),
      Effect.as(
        ledgers(directory, ledger).pipe(Effect.provideService(FileSystem, fs), Effect.provideService(Path, paths))
      )
    )
  )
