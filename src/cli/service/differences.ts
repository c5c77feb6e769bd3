/** How the daemon of an installed entry starts differently from one that is started here and now. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Config from "../../config/Config.ts"
import { pathOf } from "../../config/Problem.ts"
import { HIDDEN } from "../../config/Setting.ts"
import { resolved } from "../../plugins/resolved.ts"
import { find } from "./entry.ts"
import { LOCALE } from "./environment.ts"
import type { Start } from "./manager.ts"
import { type Unit, unitOf } from "./unit.ts"

const octal = (umask: number) => umask.toString(8).padStart(3, "0")

/** The differences in words. Values that only the entry has are not shown, because they may be secrets. Pure. */
export const between = (here: Unit, there: Start): ReadonlyArray<string> => {
  const names = [...new Set([...Object.keys(here.environment), ...Object.keys(there.environment)])]
    .filter((name) => !LOCALE.includes(name))
    .sort()
  const variables = names.flatMap((name) => {
    const [mine, its] = [here.environment[name], there.environment[name]]
    if (mine === its) return []
    if (mine === undefined) return here.left.includes(name) ? [] : [`${name} is set in the service, and not here`]
    return [`${name} is ${mine} here, and ${its === undefined ? "not set" : "another"} in the service`]
  })
  const left = here.left.filter((name) => !(name in there.environment))
  return [
    ...(here.command.join(" ") === there.command.join(" ")
      ? []
      : [`it is started as ${here.command.join(" ")} here, and as ${there.command.join(" ")} in the service`]),
    ...variables,
    ...left.map((name) => `${name} is set here, and not in the service, whose file may hold no secret`),
    ...(here.umask === there.umask
      ? []
      : [`the umask is ${octal(here.umask)} here, and ${octal(there.umask)} in the service`])
  ]
}

/** Keys of a config whose value comes from a variable that an entry does not have. */
export const unknownTo = Effect.fnUntraced(function* (raw: Config.Raw, environment: Start["environment"]) {
  return (yield* resolved(raw)).flatMap(({ path, value, origin }) =>
    origin.from === "environment" && !(origin.name in environment)
      ? [{ key: pathOf(path), name: origin.name, isSecret: String(value).includes(HIDDEN) }]
      : []
  )
})

/** The differences between the entry of a config and this config and environment; none without an entry. */
export const differences = Effect.fn("service.differences")(function* (config: string) {
  const { manages, text } = yield* find(config)
  const there = Option.flatMap(text, manages.read)
  if (Option.isNone(there)) return []
  const raw = yield* Config.read(config)
  const missing = yield* unknownTo(raw, there.value.environment)
  return [
    ...between(yield* unitOf(raw), there.value),
    ...missing.map(({ key, name }) => `${key} comes from ${name}, which the service does not have`)
  ]
})
