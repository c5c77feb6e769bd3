/** What opens the page of `anklet ui`: known to whoever sees the terminal, and gone with the command. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

/** Text that stands in an address without quoting. */
export type Key = Redacted.Redacted<string>

/** Nobody guesses so many bytes. */
const BYTES = 24

/** Make one. It is of the system's own randomness: one that a seed decides could be found out. */
export const make: Effect.Effect<Key> = Effect.sync(() => Redacted.make(randomBytes(BYTES).toString("base64url")))

const digest = (text: string) => createHash("sha256").update(text).digest()

/** Whether a request's `Authorization` shows it; takes the same time whatever is shown. */
export const opens = (key: Key, authorization = ""): boolean =>
  timingSafeEqual(digest(authorization), digest(`Bearer ${Redacted.value(key)}`))
