/** The number of requests that a CI still answers. */
import * as Schema from "effect/Schema"

/** The rate limit of a credential, as its CI last stated it; null where it has not. Times are in milliseconds since the epoch. */
export const RateLimit = Schema.Struct({
  /** How the log names the credential. */
  credential: Schema.String,
  /** Requests that are left in this window. */
  remaining: Schema.NullOr(Schema.Number),
  /** Maximum number of requests in a window. */
  limit: Schema.NullOr(Schema.Number),
  /** When the window ends. */
  resetAt: Schema.NullOr(Schema.Number),
  /** The CI is not polled before this; 0 when nothing is in the way. */
  waitsUntil: Schema.Number
})
export type RateLimit = typeof RateLimit.Type
