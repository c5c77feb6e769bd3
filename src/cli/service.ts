/** `anklet service install | uninstall | status`: the daemon as a service of the user, from log-in. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { config, handle, json } from "./anklet.ts"
import { configFile } from "./configFile.ts"

const load = Effect.promise(() => import("./service/install.ts"))

const install = Command.make(
  "install",
  { config },
  handle((given) =>
    Effect.gen(function* () {
      const { install } = yield* load
      return yield* install(yield* configFile(given.config))
    })
  )
).pipe(Command.withDescription("start the daemon now, at every log-in and after a failure (launchd, systemd)"))

const uninstall = Command.make(
  "uninstall",
  { config },
  handle((given) =>
    Effect.gen(function* () {
      const { uninstall } = yield* load
      return yield* uninstall(yield* configFile(given.config))
    })
  )
).pipe(Command.withDescription("stop the daemon after it has cleaned up, and do not start it again"))

const status = Command.make(
  "status",
  { config, json },
  handle((given) =>
    Effect.gen(function* () {
      const { status } = yield* load
      return yield* status(yield* configFile(given.config), given.json)
    })
  )
).pipe(Command.withDescription("show whether it is installed and running, and how it last ended"))

/** `anklet service`. */
export const service = Command.make("service").pipe(
  Command.withDescription("run the daemon from log-in, under launchd or systemd"),
  Command.withSubcommands([install, uninstall, status])
)
