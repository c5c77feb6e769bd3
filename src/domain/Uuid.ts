/** Random UUIDs from Effect's randomness, so that a seed determines them. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { stringify } from "uuid"

/** A version 4 UUID. */
export const random: Effect.Effect<string> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 256), 16),
  // sets the version and variant bits, which strict readers check
  (bytes) =>
    stringify(Uint8Array.from(bytes, (byte, i) => (i === 6 ? (byte & 15) | 64 : i === 8 ? (byte & 63) | 128 : byte)))
)
