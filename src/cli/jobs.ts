/** `anklet jobs`: what waits and runs, as the daemon knows it, and what ended, also before its start. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { lazy } from "../interruption/Lazy.ts"
import { config, handle, json, UsageError } from "./anklet.ts"
import { configFile } from "./configFile.ts"
import { json as asJson } from "./shown.ts"
import { say, screen } from "./terminal.ts"

/** Maximum number of ended jobs that are shown where no age was asked for. */
const SHOWN = 20

const waiting = Options.boolean("waiting").pipe(Options.withDescription("only jobs that wait, each with the reason"))
const failed = Options.boolean("failed").pipe(Options.withDescription("only ended jobs that failed"))
const since = Options.text("since").pipe(
  Options.withDescription("only jobs that ended within this time: 90s, 30m, 12h, 1d or 2w"),
  Options.optional
)
const template = Options.text("template").pipe(
  Options.withDescription("only jobs whose template has this in its name or tag"),
  Options.optional
)

/** `anklet jobs`. */
export const jobs = Command.make(
  "jobs",
  { config, waiting, failed, since, template, json },
  handle((given) =>
    Effect.gen(function* () {
      const Config = yield* lazy(() => import("../config/Config.ts"))
      const History = yield* lazy(() => import("../services/History.ts"))
      const control = yield* lazy(() => import("./control.ts"))
      const { API } = yield* lazy(() => import("../control/Api.ts"))
      const select = yield* lazy(() => import("./jobs/select.ts"))
      const words = yield* lazy(() => import("./jobs/render.ts"))
      if (given.waiting && given.failed)
        return yield* new UsageError({
          detail: "--waiting and --failed do not go together: a job that waits has not ended"
        })
      const wanted = { ...given, since: yield* select.ageOf(given.since) }

      const { daemon } = yield* Config.readDaemon(yield* configFile(given.config))
      // without a daemon nothing waits or runs here; what ended is in the file
      const present = yield* Effect.flatMap(control.at(given.config), ({ get }) => get(API.jobs, {})).pipe(
        Effect.asSome,
        Effect.catchTag("NotRunning", () => Effect.succeedNone)
      )
      const now = yield* Clock.currentTimeMillis
      const past = given.waiting ? [] : yield* History.read(yield* History.pathOf(daemon.stateDir))
      const found = past.filter(select.isWanted(wanted, now))
      const { waiting, running, problems } = Option.getOrElse(present, () => ({
        waiting: [],
        running: [],
        problems: given.failed ? [] : ["no daemon runs with this config: only jobs that have ended are known"]
      }))
      const parts = {
        now,
        waiting: waiting.filter(select.hasTemplate(wanted)),
        running: running.filter(select.hasTemplate(wanted)),
        ended: Option.isSome(wanted.since) || given.json ? found : found.slice(0, SHOWN),
        all: found.length,
        show: new Set(
          given.waiting
            ? (["waiting"] as const)
            : given.failed || Option.isNone(present)
              ? (["ended"] as const)
              : (["waiting", "running", "ended"] as const)
        ),
        problems
      }
      const { show, all, ...whole } = parts
      yield* say(given.json ? asJson(JSON.stringify(whole)) : words.jobs(yield* screen, parts))
      return 0
    })
  )
).pipe(Command.withDescription("jobs that wait, run, and have ended, also before the daemon was last started"))
