/** `anklet restart`: a daemon with the present config in place of the running one, which hands its jobs over. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { config, handle } from "./anklet.ts"

/** `anklet restart`. */
export const restart = Command.make(
  "restart",
  { config },
  handle((given) =>
    Effect.flatMap(
      Effect.promise(() => import("./restart/run.ts")),
      ({ run }) => run(given.config)
    )
  )
).pipe(
  Command.withDescription("replace the daemon without interrupting its jobs: for a changed config or a new version")
)
