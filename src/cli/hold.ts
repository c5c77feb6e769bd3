/** `anklet hold`: the VM of a failed job is kept for inspection. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { lazy } from "../interruption/Lazy.ts"
import { config, handle, json, UsageError } from "./anklet.ts"
import { json as asJson } from "./shown.ts"
import { say, screen } from "./terminal.ts"

const job = Args.text({ name: "job" }).pipe(
  Args.withDescription("a job that waits or runs, by its address, number or name, or the service that runs it"),
  Args.optional
)
const template = Options.text("template").pipe(
  Options.withDescription("the next failure of this template: its UUID, or UUID:tag"),
  Options.optional
)
const next = Options.boolean("next").pipe(Options.withDescription("the next failure, whatever job it is"))
const keepFor = Options.text("for").pipe(
  Options.withDescription("how long the VM is kept: 30m, 2h, up to 1d; default 1h"),
  Options.optional
)
const firm = Options.boolean("firm").pipe(
  Options.withDescription("keep the VM even if another job needs its place; otherwise that job gets it")
)
const end = Options.text("end").pipe(
  Options.withDescription("keep it no longer: a VM, a job, a template, next, or all"),
  Options.optional
)

const TEMPLATE = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?::.+)?$/i

/** `anklet hold`. */
export const hold = Command.make(
  "hold",
  { config, job, template, next, keepFor, firm, end, json },
  handle((given) =>
    Effect.gen(function* () {
      const control = yield* lazy(() => import("./control.ts"))
      const { API } = yield* lazy(() => import("../control/Api.ts"))
      const { durationOf } = yield* lazy(() => import("./duration.ts"))
      const Hold = yield* lazy(() => import("../job/Hold.ts"))
      const words = yield* lazy(() => import("./hold/render.ts"))
      const daemon = yield* control.at(given.config)
      const refuse = (detail: string) => new UsageError({ detail })
      const asked = [Option.isSome(given.job), Option.isSome(given.template), given.next, Option.isSome(given.end)]
      if (asked.filter((it) => it).length > 1)
        return yield* refuse("name one thing: a job, --template, --next, or --end")
      if (Option.isSome(given.end)) {
        const { NoVm } = yield* lazy(() => import("./shell/target.ts"))
        const holding = yield* daemon.get(API.holds, {})
        const named = given.end.value
        if (named !== "all" && !words.knows(holding, named))
          return yield* new NoVm({ detail: `nothing is kept as "${named}"; "anklet hold" lists what is` })
        yield* say(yield* daemon.ask(API.unhold, { named }))
        return 0
      }
      if (!asked.some((it) => it)) {
        if (Option.isSome(given.keepFor) || given.firm) return yield* refuse("name a job, --template or --next")
        const holding = yield* daemon.get(API.holds, {})
        yield* say(given.json ? asJson(JSON.stringify(holding)) : words.holding(yield* screen, holding))
        return 0
      }
      if (Option.exists(given.template, (text) => !TEMPLATE.test(text)))
        return yield* refuse("--template expects a template as labels name it: its UUID, or UUID:tag")
      const time = yield* Effect.transposeMapOption(given.keepFor, (text) =>
        Effect.mapError(
          Option.filter(durationOf(text), Duration.between({ minimum: Hold.SHORTEST, maximum: Hold.LONGEST })),
          () => refuse("--for expects a time from 1m to 1d, such as 30m or 2h")
        )
      )
      const of = {
        keepFor: `${Duration.toMillis(Option.getOrElse(time, () => Hold.USUAL))}`,
        firm: given.firm ? "yes" : ""
      }
      if (Option.isSome(given.job)) {
        const { known } = yield* lazy(() => import("./shell/find.ts"))
        const { jobOf } = yield* lazy(() => import("./shell/target.ts"))
        const named = yield* jobOf(given.job.value, yield* known(given.config))
        yield* say(yield* daemon.ask(API.hold, { kind: "job", named, ...of }))
      } else if (Option.isSome(given.template)) {
        yield* say(yield* daemon.ask(API.hold, { kind: "template", named: given.template.value, ...of }))
      } else {
        yield* say(yield* daemon.ask(API.hold, { kind: "next", named: "", ...of }))
      }
      return 0
    })
  )
).pipe(Command.withDescription("keep the VM of a job that fails for inspection; without arguments, list what is kept"))
