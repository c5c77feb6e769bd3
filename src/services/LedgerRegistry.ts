/** The daemons of one user on one host: each says which file its ledger is, so that none takes another's VMs for strangers. */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { v5 as uuid5 } from "uuid"
import * as Files from "../files/Files.ts"

/** A path that no file can have: a ledger that cannot be read may have any VM in it, so no stranger is touched. */
export const ANY_FILE: ReadonlyArray<string> = ["\0"]

/** The ledgers of all daemons that ever ran here, but for one's own. */
export const ledgers = Effect.fnUntraced(function* (directory: string, own = "") {
  const fs = yield* FileSystem
  const paths = yield* Path
  return yield* fs.readDirectory(directory).pipe(
    Effect.flatMap((names) =>
      Effect.forEach(
        // what else lies there, such as a .DS_Store, names no ledger
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

/** Say which file our ledger is; gives a way to find those of the others. */
export const join = (directory: string, ledger: string) =>
  Effect.flatMap(Effect.all([FileSystem, Path]), ([fs, paths]) =>
    Files.makeFolder(directory).pipe(
      Effect.zipRight(Files.replace(paths.join(directory, nameOf(ledger)), ledger)),
      Effect.as(
        ledgers(directory, ledger).pipe(Effect.provideService(FileSystem, fs), Effect.provideService(Path, paths))
      )
    )
  )
