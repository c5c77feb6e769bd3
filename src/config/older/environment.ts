/** Variables of the environment that Anklet 1 and 2 read. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { GUIDE, variablesOf } from "./words.ts"

/** Those of them that are set, with their values. */
export const variables = (services: ReadonlyArray<string>): Effect.Effect<ReadonlyMap<string, string>> =>
  Effect.map(
    Effect.forEach(variablesOf(services), (name) =>
      Effect.map(Effect.option(Config.string(name)), (value) => [name, Option.getOrElse(value, () => "")] as const)
    ),
    (all) => new Map(all.filter(([, value]) => value !== ""))
  )

/**
 * Names of those that are set but that nothing reads. `content` is the config, which may name a variable itself, and
 * `variables` are those that it took values from; `isOlder` tells that it is a config of those versions, for which all of
 * them are read. Values are not examined.
 */
export const ignored = (
  services: ReadonlyArray<string>,
  config: { readonly content: Readonly<Record<string, unknown>>; readonly variables: ReadonlyArray<string> },
  isOlder: boolean
): Effect.Effect<ReadonlyArray<string>> => {
  if (isOlder) return Effect.succeed([])
  const written = JSON.stringify(config.content)
  return Effect.map(variables(services), (set) =>
    [...set.keys()].filter((name) => !config.variables.includes(name) && !written.includes(`\${${name}}`))
  )
}

/** The warning about them; none if none is set. */
export const warningOf = (names: ReadonlyArray<string>): Option.Option<string> => {
  if (names.length === 0) return Option.none()
  return Option.some(
    `${names.join(", ")} ${names.length === 1 ? "is" : "are"} set as for Anklet 1 or 2, but no longer read: write the value into the config, e.g. as \${${names[0]}}, or unset it; ${GUIDE} has the key of each`
  )
}
