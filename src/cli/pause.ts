/** `anklet drain` and `anklet resume`: let a host take nothing new, without stopping its daemon, and take work again. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { lazy } from "../interruption/Lazy.ts"
import { hiding } from "../secrets/Secrets.ts"
import { config, handle } from "./anklet.ts"
import { say } from "./terminal.ts"

/** The daemon did as it was told, and something else still pauses the host. */
class StillPaused extends hiding(Schema.TaggedError<StillPaused>()("StillPaused", { detail: Schema.String })) {
  override get message() {
    return this.detail
  }
}

const told = (what: "pause" | "resume", done: string) =>
  handle((given: { readonly config: Option.Option<string> }) =>
    Effect.gen(function* () {
      const control = yield* lazy(() => import("./control.ts"))
      const daemon = yield* control.at(given.config)
      const { API } = yield* lazy(() => import("../control/Api.ts"))
      const answer = yield* daemon.ask(API[what], {})
      const { STILL } = yield* lazy(() => import("../services/Drain.ts"))
      if (answer.startsWith(STILL)) return yield* new StillPaused({ detail: answer })
      yield* say(done)
      return 0
    })
  )

/** `anklet drain`. */
export const drain = Command.make(
  "drain",
  { config },
  told("pause", 'this host takes nothing new, also after a restart; jobs that run go on. "anklet resume" ends this')
).pipe(Command.withDescription("let this host take nothing new; its daemon stays, and its jobs go on"))

/** `anklet resume`. */
export const resume = Command.make("resume", { config }, told("resume", "this host takes work again")).pipe(
  Command.withDescription("let a drained host take work again")
)
