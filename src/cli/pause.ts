/** `anklet drain` and `anklet resume`: a host accepts no new jobs while its daemon goes on, and accepts jobs again. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { lazy } from "../interruption/Lazy.ts"
import { hiding } from "../secrets/Secrets.ts"
import * as Advice from "../text/Advice.ts"
import { config, handle } from "./anklet.ts"
import { say } from "./terminal.ts"

/** The daemon has resumed, and something else still pauses the host. */
class StillPaused extends hiding(Schema.TaggedError<StillPaused>()("StillPaused", { detail: Schema.String })) {
  override get message() {
    return this.detail
  }
}

const ask = (what: "pause" | "resume", done: () => string) =>
  handle((given: { readonly config: Option.Option<string> }) =>
    Effect.gen(function* () {
      const control = yield* lazy(() => import("./control.ts"))
      const daemon = yield* control.at(given.config)
      const { API } = yield* lazy(() => import("../control/Api.ts"))
      const answer = yield* daemon.ask(API[what], {})
      const { STILL } = yield* lazy(() => import("../services/Drain.ts"))
      if (answer.startsWith(STILL)) return yield* new StillPaused({ detail: answer })
      yield* say(done())
      return 0
    })
  )

/** `anklet drain`. */
export const drain = Command.make(
  "drain",
  { config },
  ask(
    "pause",
    () =>
      `this host accepts no new jobs, also after a restart; running jobs go on. "${Advice.anklet("resume")}" ends this`
  )
).pipe(Command.withDescription("accept no new jobs on this host; its daemon stays, and running jobs go on"))

/** `anklet resume`. */
export const resume = Command.make(
  "resume",
  { config },
  ask("resume", () => "this host accepts jobs again")
).pipe(Command.withDescription("accept jobs again on a drained host"))
