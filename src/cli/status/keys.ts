/** The keys that a person presses, one by one, without a line to end them. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"

/** What is heard; other keys mean nothing. */
export type Key = "up" | "down" | "enter" | "back" | "quit"

/** What terminals send (ECMA-48 and xterm's application mode), and letters for those who know `less` and `vi`. */
const MEANINGS: ReadonlyMap<string, Key> = new Map([
  ["\u001b[A", "up"],
  ["\u001bOA", "up"],
  ["k", "up"],
  ["\u001b[B", "down"],
  ["\u001bOB", "down"],
  ["j", "down"],
  ["\r", "enter"],
  ["\n", "enter"],
  ["\u001b", "back"],
  ["\u001b[D", "back"],
  ["\u007f", "back"],
  ["q", "quit"],
  // in this mode of the terminal, Ctrl-C and Ctrl-D are keys like all others
  ["\u0003", "quit"],
  ["\u0004", "quit"]
])

/** The keys in what the terminal has sent, which may be several at once. */
export const keysIn = (sent: string): ReadonlyArray<Key> =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: keys are sent as control characters
  [...sent.matchAll(/\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])?|[^\u001b]/g)].flatMap(([text]) => MEANINGS.get(text) ?? [])

/** The keys that are pressed at standard input, which must be a terminal, until the scope closes; then the terminal is as it was. */
export const pressed = Effect.gen(function* () {
  const keys = yield* Queue.unbounded<Key>()
  const hear = (data: Buffer) => void keysIn(data.toString()).map((key) => Queue.unsafeOffer(keys, key))
  // a terminal that is closed has no more keys
  const end = () => void Queue.unsafeOffer(keys, "quit")
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      process.stdin.setRawMode(true)
      process.stdin.on("data", hear)
      process.stdin.on("end", end)
    }),
    () =>
      Effect.sync(() => {
        process.stdin.off("data", hear)
        process.stdin.off("end", end)
        process.stdin.setRawMode(false)
        process.stdin.pause()
      })
  )
  return keys
})
