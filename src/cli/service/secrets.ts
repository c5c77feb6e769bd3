/** Finds secrets that someone wrote into the entry of a config, where other users of this host may read them. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Config from "../../config/Config.ts"
import { isOpen } from "../../config/Open.ts"
import { HIDDEN } from "../../config/Setting.ts"
import { resolved } from "../../plugins/resolved.ts"
import { find } from "./entry.ts"
import { isSecret } from "./environment.ts"

/** A token of GitHub, by its prefix (docs.github.com, "About authentication to GitHub"). */
const TOKEN = /\b(gh[pousr]|github_pat)_\w{16}/

/**
 * What is exposed, in words without any value; empty if there is no entry, or nobody else may read its file. Fails if
 * the config cannot be read.
 */
export const exposed = Effect.fn("service.exposed")(function* (config: string) {
  const { manages, file, text } = yield* find(config)
  const there = Option.flatMap(text, manages.read)
  if (Option.isNone(there) || !(yield* isOpen(file))) return []
  const { command, environment } = there.value
  const named = (yield* resolved(yield* Config.read(config))).flatMap(({ value, origin }) =>
    origin.from === "environment" && String(value).includes(HIDDEN) ? [origin.name] : []
  )
  const variables = Object.entries(environment).filter(
    ([name, value]) => named.includes(name) || isSecret(name, value) || TOKEN.test(value)
  )
  const places = [
    ...variables.map(([name]) => `the variable ${name}`),
    ...(command.some((word) => TOKEN.test(word)) ? ["a token in the command"] : [])
  ]
  return places.length === 0 ? [] : [`${file} holds ${places.join(", ")}, and others may read it`]
})
