import { assert, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as FastCheck from "effect/FastCheck"
import { apply, Entry, empty, entriesOf } from "../../src/services/Ledger.ts"

const entries = FastCheck.array(Arbitrary.make(Entry), { maxLength: 40 })

it("compacted entries add up to the same state as all of them", () => {
  FastCheck.assert(
    FastCheck.property(entries, (entries) => {
      const state = entries.reduce(apply, empty)
      assert.deepStrictEqual(entriesOf(entriesOf(state).reduce(apply, empty)), entriesOf(state))
      assert.isAtMost(entriesOf(state).length, entries.length)
    })
  )
})
