/** `anklet why`: one answer to "why does my job wait?". */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { lazy } from "../interruption/Lazy.ts"
import { config, handle, json } from "./anklet.ts"
import { json as asJson, line } from "./shown.ts"
import { say, screen } from "./terminal.ts"

const job = Args.text({ name: "job" }).pipe(
  Args.withDescription("its address at GitHub, or its number where a service watches one repository")
)

/** `anklet why`. */
export const why = Command.make(
  "why",
  { config, json, job },
  handle((given) =>
    Effect.gen(function* () {
      const control = yield* lazy(() => import("./control.ts"))
      const { API } = yield* lazy(() => import("../control/Api.ts"))
      const daemon = yield* control.at(given.config)
      const asked = { job: given.job }
      if (given.json)
        return yield* Effect.as(
          Effect.flatMap(daemon.ask(API.why, asked), (body) => say(asJson(body))),
          0
        )
      const { answer, reasons, ...about } = yield* daemon.get(API.why, asked)
      const { paint } = yield* screen
      yield* say(line`${paint("bold", `"${about.job}"`)}${about.url === "" ? "" : ` ${about.url}`}`)
      yield* say(answer)
      for (const { where, what, remedy } of reasons) {
        yield* say(line`\n  ${paint("cyan", where)}: ${what}\n    ${paint("dim", "what to do:")} ${remedy}`)
      }
      return 0
    })
  )
).pipe(Command.withDescription("why a job waits, and what to do about it"))
