/** `anklet doctor`: what is wrong on this host, why it matters, and the command that mends it. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { home } from "../config/Home.ts"
import { config, handle, json } from "./anklet.ts"
import { configFile } from "./configFile.ts"
import { json as asJson } from "./shown.ts"
import { say, screen } from "./terminal.ts"

const fix = Options.boolean("fix").pipe(
  Options.withDescription("mend what can be mended without harm, and say what was done")
)

/** The way that a daemon with this config takes; what is wrong with it is a finding of its own. */
const way = Effect.fnUntraced(function* (file: string) {
  const { read } = yield* Effect.promise(() => import("../config/Config.ts"))
  const { DIRECT, settle } = yield* Effect.promise(() => import("../services/Network.ts"))
  const written = yield* Effect.option(Effect.map(read(file), ({ daemon }) => daemon.network))
  return yield* Effect.orElseSucceed(settle(Option.getOrUndefined(written)), () => DIRECT)
})

/** What the checks ask; loaded only here. */
const capabilities = Effect.fnUntraced(function* (file: string) {
  const Anka = yield* Effect.promise(() => import("../services/Anka/command.ts"))
  const GitHub = yield* Effect.promise(() => import("../services/GitHub/octokit.ts"))
  const { SharedRateLimit } = yield* Effect.promise(() => import("../services/SharedRateLimit.ts"))
  const { HostLock } = yield* Effect.promise(() => import("../services/HostLock.ts"))
  const { Mac } = yield* Effect.promise(() => import("../services/Mac.ts"))
  const { Network } = yield* Effect.promise(() => import("../services/Network.ts"))
  const { locks } = yield* home
  return Layer.mergeAll(
    Anka.layer,
    Mac.layer,
    HostLock.layer(locks),
    Layer.provide(GitHub.layer, SharedRateLimit.layer)
  ).pipe(Layer.provideMerge(Layer.succeed(Network, yield* way(file))))
})

/** `anklet doctor`. */
export const doctor = Command.make(
  "doctor",
  { config, fix, json },
  handle((given) =>
    Effect.gen(function* () {
      const Doctor = yield* Effect.promise(() => import("../doctor/Doctor.ts"))
      const { object, remaining, report } = yield* Effect.promise(() => import("./doctor/report.ts"))
      const { resolved } = yield* Effect.promise(() => import("../plugins/resolved.ts"))
      const { differences } = yield* Effect.promise(() => import("./service/differences.ts"))
      const { exposed } = yield* Effect.promise(() => import("./service/secrets.ts"))
      const file = yield* configFile(given.config)
      const found = yield* Effect.gen(function* () {
        const examined = yield* Doctor.examine(yield* Doctor.gather(file, resolved, { differences, exposed }))
        return given.fix ? yield* Doctor.mend(examined) : examined
      }).pipe(
        Effect.scoped,
        Effect.provide(yield* capabilities(file)),
        // what the capabilities would log is in the findings
        Logger.withMinimumLogLevel(LogLevel.None)
      )
      const command = Option.match(given.config, { onNone: () => "anklet", onSome: (file) => `anklet -c ${file}` })
      yield* say(given.json ? asJson(object(file, found)) : report(yield* screen, command, found))
      return remaining(found, "problem") > 0 ? 12 : 0
    })
  )
).pipe(
  Command.withDescription(
    "look for what keeps jobs from running on this Mac: each finding with its reason and the command that mends it"
  )
)
