/** The ledger without a file: every line that was written, and what they add up to. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { JournalError } from "../../src/services/Journal.ts"
import { apply, type Entry, empty, Ledger, type LedgerState } from "../../src/services/Ledger.ts"
import { type Mortal, mortal } from "./life.ts"

export interface FakeLedger extends Mortal {
  readonly entries: Array<Entry>
  /** What a disk that refuses does with an intent. */
  refuse: ((entry: Entry) => Effect.Effect<void, JournalError>) | undefined
}

export const make = (): FakeLedger => ({ life: 0, entries: [], refuse: undefined })

export const stateOf = (fake: FakeLedger): LedgerState => fake.entries.reduce(apply, empty)

export const layer = (fake: FakeLedger) => {
  const dies = mortal(fake)
  return Layer.succeed(
    Ledger,
    Ledger.of({
      state: Effect.sync(() => stateOf(fake)),
      append: (...entries) =>
        dies(
          Effect.zipRight(
            Effect.forEach(entries, (entry) => fake.refuse?.(entry) ?? Effect.void, { discard: true }),
            Effect.sync(() => void fake.entries.push(...entries))
          )
        ),
      settle: (entry) => dies(Effect.sync(() => void fake.entries.push(entry)))
    })
  )
}
