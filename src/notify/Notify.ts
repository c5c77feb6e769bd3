/** Tells people of what they must act on, if the config has `notify`. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { lazy } from "../interruption/Lazy.ts"
import type { Options } from "./Notifier.ts"

/** Tell them, for as long as the scope lives. */
export const start = (options: Option.Option<Options>) =>
  Option.match(options, {
    onNone: () => Effect.void,
    onSome: (options) =>
      lazy(() => import("./Notifier.ts")).pipe(
        Effect.flatMap(({ run }) => run(options)),
        Effect.interruptible,
        Effect.forkScoped,
        Effect.asVoid
      )
  })
