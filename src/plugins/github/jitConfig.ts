/**
 * The secrets in a just-in-time configuration: base64 of JSON that has files of the runner, each in base64 again
 * (actions/runner, Runner.cs). What only says where GitHub is, and what the runner is called, is in it too, and is none.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { during } from "../../secrets/held.ts"

/** Characters of a key or an id, at least: what is shorter is a word. */
const SHORTEST = 16

const Base64Json = Schema.compose(Schema.StringFromBase64, Schema.parseJson())
const parsed = (text: unknown) => Option.getOrUndefined(Schema.decodeUnknownOption(Base64Json)(text))

const textsIn = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "string") return value.length < SHORTEST || value.includes("://") ? [] : [value]
  return Predicate.isRecord(value) ? Object.values(value).flatMap(textsIn) : []
}

const secretsIn = (jitConfig: string): ReadonlyArray<string> => {
  const files = parsed(jitConfig)
  if (!Predicate.isRecord(files)) return []
  const secret = Object.entries(files).filter(([name]) => name.startsWith(".credentials"))
  return secret.flatMap(([, file]) => [...textsIn(file), ...textsIn(parsed(file))])
}

/** Hide a configuration, and what it is made of, for as long as the scope lives. */
export const hide = (jitConfig: Redacted.Redacted<string>) =>
  Effect.suspend(() => {
    const whole = Redacted.value(jitConfig)
    return Effect.forEach([whole, ...secretsIn(whole)], (text) => during(Redacted.make(text)), {
      discard: true
    })
  })
