/** `anklet service install | uninstall | status`: the daemon as a service of the user's, from log-in on. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { config, handle, json } from "./anklet.ts"
import { configFile } from "./configFile.ts"

const load = Effect.promise(() => import("./service/install.ts"))

const install = Command.make(
  "install",
  { config },
  handle((given) =>
    Effect.gen(function* () {
      const { install } = yield* load
      const flag = Option.match(given.config, { onNone: () => "", onSome: (file) => ` -c ${file}` })
      return yield* install(yield* configFile(given.config), flag)
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
).pipe(Command.withDescription("let the daemon clean up and leave, and start it no more"))

const status = Command.make(
  "status",
  { config, json },
  handle((given) =>
    Effect.gen(function* () {
      const { status } = yield* load
      return yield* status(yield* configFile(given.config), given.json)
    })
  )
).pipe(Command.withDescription("whether it is installed and runs, and how it last ended"))

/** `anklet service`. */
export const service = Command.make("service").pipe(
  Command.withDescription("run the daemon from log-in on, by launchd or systemd"),
  Command.withSubcommands([install, uninstall, status])
)
