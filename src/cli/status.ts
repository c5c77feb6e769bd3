/** `anklet status`: what the running daemon does, once or every second. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { lazy } from "../interruption/Lazy.ts"
import { config, handle, json } from "./anklet.ts"
import { alone, json as asJson } from "./shown.ts"
import { interrupted, say, screen, unread } from "./terminal.ts"

const watch = Options.boolean("watch").pipe(
  Options.withAlias("w"),
  Options.withDescription(
    "refresh every second, until q or Ctrl-C; at a terminal, with the story of a job, or with --fleet of a Mac"
  )
)
const fleet = Options.boolean("fleet").pipe(
  Options.withDescription("all hosts that share a queue through a store, and the queue by template")
)

/** `anklet status`. */
export const status = Command.make(
  "status",
  { config, watch, fleet, json },
  handle((given) =>
    Effect.gen(function* () {
      const control = yield* lazy(() => import("./control.ts"))
      const { API } = yield* lazy(() => import("../control/Api.ts"))
      const daemon = yield* control.at(given.config)
      const { ALL_HOSTS, THIS_HOST } = yield* lazy(() => import("./status/choices.ts"))
      const [status, fleet] = [daemon.get(API.status, {}), daemon.get(API.fleet, {})]
      const shown = given.json
        ? Effect.map(daemon.ask(given.fleet ? API.fleet : API.status, {}), asJson)
        : Effect.flatMap(screen, (screen) =>
            given.fleet
              ? Effect.map(fleet, (it) => ALL_HOSTS.draw(screen, it))
              : Effect.map(status, (it) => THIS_HOST.draw(screen, it))
          )
      if (!given.watch) return yield* Effect.as(Effect.flatMap(shown, say), 0)
      const { isTerminal, width, height } = yield* screen
      const { fitting } = yield* lazy(() => import("./table.ts"))
      const { isAtTerminal } = yield* lazy(() => import("./input.ts"))
      if (!given.json && (yield* isAtTerminal)) {
        const { watch } = yield* lazy(() => import("./status/watch.ts"))
        const why = (job: string) => daemon.get(API.why, { job })
        const watching = given.fleet ? watch(ALL_HOSTS, fleet, why) : watch(THIS_HOST, status, why)
        return yield* Effect.as(Effect.raceFirst(watching, Effect.raceFirst(unread, interrupted)), 0)
      }
      const again = shown.pipe(
        Effect.flatMap((text) => say(isTerminal && !given.json ? alone(fitting(text, width, height - 1)) : text)),
        Effect.zipRight(Effect.sleep("1 second")),
        Effect.forever
      )
      return yield* Effect.as(Effect.raceFirst(again, unread), 0)
    })
  )
).pipe(Command.withDescription("what the running daemon does: services, jobs, VMs, pulls, rate limits"))
