/** The key to the page of `anklet ui`: shown at the terminal, valid until the command ends. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

/** Text that needs no quoting in an address. */
export type Key = Redacted.Redacted<string>

/** Number of random bytes: too many to guess. */
const BYTES = 24

/** Make a key from the system's own randomness: a key that a seed decides could be found out. */
export const make: Effect.Effect<Key> = Effect.sync(() => Redacted.make(randomBytes(BYTES).toString("base64url")))

const digest = (text: string) => createHash("sha256").update(text).digest()

/** Whether the `Authorization` of a request has the key; takes the same time for every text. */
export const opens = (key: Key, authorization = ""): boolean =>
  timingSafeEqual(digest(authorization), digest(`Bearer ${Redacted.value(key)}`))
