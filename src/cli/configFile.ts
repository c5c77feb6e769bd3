/** Which config a command refers to. */
import { Path } from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expand, home } from "../config/Home.ts"
import * as Advice from "../text/Advice.ts"

/**
 * The named config, the one that `ANKLET_CONFIG` names, that of the name `ANKLET_CONFIG_FILE_NAME` in Anklet's folder,
 * or the default one; absolute, because the daemon changes its directory. Advice names it as typed.
 */
export const configFile = Effect.fnUntraced(function* (named: Option.Option<string>) {
  const paths = yield* Path
  const places = yield* home
  const variable = (name: string) => Effect.option(Config.nonEmptyString(name))
  Advice.about(Option.getOrUndefined(named))
  if (Option.isSome(named)) return paths.resolve(named.value)
  const path = yield* variable("ANKLET_CONFIG")
  if (Option.isSome(path)) return paths.resolve(expand(path.value, places))
  // as Anklet 1 and 2 had it: a name in this folder
  const name = yield* variable("ANKLET_CONFIG_FILE_NAME")
  return Option.match(name, {
    onNone: () => places.config,
    onSome: (name) => paths.resolve(paths.dirname(places.config), expand(name, places))
  })
})
