/** Which config a command refers to. */
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { home } from "../config/Home.ts"
import * as Advice from "../text/Advice.ts"

/** The named config, or the default one; absolute, because the daemon changes its directory. Advice names it as typed. */
export const configFile = Effect.fnUntraced(function* (named: Option.Option<string>) {
  const paths = yield* Path
  const { config } = yield* home
  Advice.about(Option.getOrUndefined(named))
  return Option.match(named, { onNone: () => config, onSome: (file) => paths.resolve(file) })
})
