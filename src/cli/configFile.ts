/** Which config a command is about. */
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { home } from "../config/Home.ts"

/** The config that was named, or the usual one; absolute, because the daemon changes its folder. */
export const configFile = Effect.fnUntraced(function* (named: Option.Option<string>) {
  const paths = yield* Path
  const { config } = yield* home
  return Option.match(named, { onNone: () => config, onSome: (file) => paths.resolve(file) })
})
