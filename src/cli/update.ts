/** `anklet update`: the newest release in place of this one, and of the daemon that runs. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { config, handle, json } from "./anklet.ts"

const check = Options.boolean("check").pipe(Options.withDescription("only say whether there is a newer version"))
const from = Options.text("from").pipe(
  Options.withDescription("the address of a folder with a release, in place of update.url in the config"),
  Options.optional
)

/** `anklet update`. */
export const update = Command.make(
  "update",
  { config, check, from, json },
  handle((given) =>
    Effect.flatMap(
      Effect.promise(() => import("./update/run.ts")),
      ({ run }) => run(given)
    )
  )
).pipe(Command.withDescription("install the newest release, and replace the daemon without interrupting its jobs"))
