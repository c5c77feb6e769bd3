/** Standard input: a person at a terminal, or a text from a pipe. */
import * as Effect from "effect/Effect"
import { screen } from "./terminal.ts"

/** Maximum length of a text that is read, in bytes: a secret is far shorter. */
const LIMIT = 64 * 1024

/** Whether a person can be asked. */
export const isAtTerminal: Effect.Effect<boolean> = Effect.map(
  screen,
  ({ isTerminal }) => isTerminal && process.stdin.isTTY === true
)

/** All of standard input, as text; what is longer than 64 KiB is cut there. */
export const readInput: Effect.Effect<string> = Effect.promise(async () => {
  let text = ""
  process.stdin.setEncoding("utf8")
  for await (const chunk of process.stdin) {
    text += chunk
    if (text.length > LIMIT) break
  }
  return text.slice(0, LIMIT)
})
