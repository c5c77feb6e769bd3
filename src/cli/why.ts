/** `anklet why`: one answer to "why does my job wait?". */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { lazy } from "../interruption/Lazy.ts"
import type { ExitCode } from "../process/ExitCode.ts"
import { config, handle, json } from "./anklet.ts"
import { json as asJson, line } from "./shown.ts"
import { say, screen } from "./terminal.ts"

const job = Args.text({ name: "job" }).pipe(
  Args.withDescription(
    "its address at GitHub, that of its run, or its number where a service watches one repository; without it, all jobs that wait"
  ),
  Args.withDefault("")
)

/** The exit code of each outcome. */
const CODES = { found: 0, unreadable: 2, missing: 15, unasked: 15 } as const satisfies Readonly<
  Record<string, ExitCode>
>

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
      const { answer, reasons, outcome, ...about } = yield* daemon.get(API.why, asked)
      if (given.json) {
        yield* say(asJson(JSON.stringify({ ...about, outcome, answer, reasons })))
        return CODES[outcome]
      }
      const { paint } = yield* screen
      if (about.job !== "")
        yield* say(line`${paint("bold", `"${about.job}"`)}${about.url === "" ? "" : ` ${about.url}`}`)
      yield* say(answer)
      for (const { where, what, remedy } of reasons) {
        // what the answer has just said is not said again
        if (!answer.endsWith(what)) yield* say(line`\n  ${paint("cyan", where)}: ${what}`)
        yield* say(line`    ${paint("dim", "what to do:")} ${remedy}`)
      }
      return CODES[outcome]
    })
  )
).pipe(Command.withDescription("why a job waits, and what to do about it"))
