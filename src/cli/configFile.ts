/** Which config a command refers to. */
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { home } from "../config/Home.ts"

/** The named config, or the default one; absolute, because the daemon changes its directory. */
export const configFile = Effect.fnUntraced(function* (named: Option.Option<string>) {
  const paths = yield* Path
  const { config } = yield* home
  return Option.match(named, { onNone: () => config, onSome: (file) => paths.resolve(file) })
})
