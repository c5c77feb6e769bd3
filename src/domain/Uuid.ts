/** Random UUIDs from Effect's own randomness, so that a seed decides them. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { stringify } from "uuid"

/** A UUID of version 4. */
export const random: Effect.Effect<string> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 256), 16),
  // version and variant bits, so that it is one also to strict readers
  (bytes) =>
    stringify(Uint8Array.from(bytes, (byte, i) => (i === 6 ? (byte & 15) | 64 : i === 8 ? (byte & 63) | 128 : byte)))
)
