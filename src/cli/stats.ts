/** `anklet stats`: how long the jobs of this Mac waited and ran, and why they failed. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { lazy } from "../interruption/Lazy.ts"
import { config, handle, json } from "./anklet.ts"
import { configFile } from "./configFile.ts"
import { json as asJson } from "./shown.ts"
import { say, screen } from "./terminal.ts"

const since = Options.text("since").pipe(
  Options.withDescription("only jobs that ended within this time: 90s, 30m, 12h, 1d or 2w; default: all that are kept"),
  Options.optional
)
const template = Options.text("template").pipe(
  Options.withDescription("only jobs whose template has this in its name or tag"),
  Options.optional
)

/** `anklet stats`. */
export const stats = Command.make(
  "stats",
  { config, since, template, json },
  handle((given) =>
    Effect.gen(function* () {
      const Config = yield* lazy(() => import("../config/Config.ts"))
      const History = yield* lazy(() => import("../services/History.ts"))
      const Stats = yield* lazy(() => import("../control/Stats.ts"))
      const select = yield* lazy(() => import("./jobs/select.ts"))
      const words = yield* lazy(() => import("./stats/render.ts"))
      const age = yield* select.ageOf(given.since)
      const { daemon } = yield* Config.readDaemon(yield* configFile(given.config))
      const past = yield* History.read(yield* History.pathOf(daemon.stateDir))
      const now = yield* Clock.currentTimeMillis
      const found = Stats.of(past.filter(select.isWanted({ failed: false, template: given.template, since: age }, now)))
      yield* say(given.json ? asJson(JSON.stringify({ now, ...found })) : words.stats(yield* screen, found))
      return 0
    })
  )
).pipe(Command.withDescription("how long the jobs of this Mac waited, booted and ran, and why jobs failed"))
