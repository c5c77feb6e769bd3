/** What is said to the person who typed the command. */
import * as Effect from "effect/Effect"

/** A line on standard output. */
export const say = (text: string): Effect.Effect<void> => Effect.sync(() => void process.stdout.write(`${text}\n`))

/** A line on standard error. */
export const complain = (text: string): Effect.Effect<void> =>
  Effect.sync(() => void process.stderr.write(`anklet: ${text}\n`))
