/** `anklet ui`: a page in the browser, served while the command runs, by this process and not by the daemon. */
import { hostname } from "node:os"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { lazy } from "../interruption/Lazy.ts"
import { config, handle, UsageError } from "./anklet.ts"
import { configFile } from "./configFile.ts"
import { complain, interrupted, say } from "./terminal.ts"

/** The page is for browsers on this host. */
const HOST = "127.0.0.1"
const LAST_PORT = 65_535

const port = Options.integer("port").pipe(
  Options.withDescription("the port of the page; default: any free port"),
  Options.withDefault(0)
)

/** `anklet ui`. */
export const ui = Command.make(
  "ui",
  { config, port },
  handle((given) =>
    Effect.gen(function* () {
      if (given.port < 0 || given.port > LAST_PORT)
        return yield* new UsageError({ detail: `--port must be 1 to ${LAST_PORT}, or 0 for any free port` })
      const control = yield* lazy(() => import("./control.ts"))
      const { API } = yield* lazy(() => import("../control/Api.ts"))
      const { serveTcp } = yield* lazy(() => import("../control/Server.ts"))
      const Page = yield* lazy(() => import("../ui/Page.ts"))
      const Key = yield* lazy(() => import("../ui/Key.ts"))
      const Config = yield* lazy(() => import("../config/Config.ts"))
      const History = yield* lazy(() => import("../services/History.ts"))
      const Stats = yield* lazy(() => import("../control/Stats.ts"))
      const daemon = yield* control.at(given.config)
      const { stateDir } = (yield* Config.readDaemon(yield* configFile(given.config))).daemon
      const stats = Effect.map(History.read(yield* History.pathOf(stateDir)), Stats.of)
      const context = yield* Effect.context<
        Effect.Effect.Context<ReturnType<typeof daemon.ask>> | Effect.Effect.Context<typeof stats>
      >()
      const key = yield* Key.make
      const answer = Page.answer({ host: hostname(), daemon, stats }, key)
      const served = Effect.gen(function* () {
        const port = yield* serveTcp(HOST, given.port, (question) => Effect.provide(answer(question), context))
        yield* say(`http://${HOST}:${port}/#${Redacted.value(key)}`)
        yield* say("  open this in a browser on this host; Ctrl-C ends it")
        yield* daemon
          .ask(API.status, {})
          .pipe(Effect.catchAll(({ message }) => complain(`${message}; the page says so until a daemon answers`)))
        return yield* Effect.never
      })
      yield* Effect.raceFirst(Effect.scoped(served), interrupted)
      return 0
    })
  )
).pipe(Command.withDescription("show what the daemon and its fleet do on a page in the browser, for this host alone"))
