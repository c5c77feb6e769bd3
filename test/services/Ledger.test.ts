import { mkdtempSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import { VmName } from "../../src/Job.ts"
import * as Journal from "../../src/services/Journal.ts"
import { apply, Entry, empty, entriesOf, Ledger, VmGone, VmNamed } from "../../src/services/Ledger.ts"
import { NodeContext } from "../fakes/platform.ts"

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

it.live("thousands of lines later, the file adds up to what is owed, and is short", () => {
  const path = join(mkdtempSync(join(tmpdir(), "anklet-ledger-")), "ledger.jsonl")
  const vm = (n: number) => VmName.make(`anklet-vm-00000000-0000-4000-8000-${String(n).padStart(12, "0")}`)
  return Effect.gen(function* () {
    const ledger = yield* Ledger
    for (let n = 0; n < 1200; n++) {
      yield* ledger.append(VmNamed.make({ vm: vm(n), job: Entry.members[1].fields.job.make(`job ${n}`), service: "s" }))
      // whatever line the file is written anew at, the newest intent is in it
      const text = readFileSync(path)
      if (n > 480 && n < 520)
        assert.include(
          Journal.parse(Entry, text)
            .records.flatMap((entry) => (entry._tag === "VmNamed" ? [entry.vm] : []))
            .at(-1),
          vm(n)
        )
      if (n % 3 !== 0) yield* ledger.settle(VmGone.make({ vm: vm(n) }))
    }
    const { records } = Journal.parse(Entry, readFileSync(path))
    assert.deepStrictEqual(
      entriesOf(records.reduce(apply, empty)).length,
      Array.from({ length: 1200 }, (_, n) => n).filter((n) => n % 3 === 0).length
    )
    assert.deepStrictEqual(new Set(entriesOf(records.reduce(apply, empty))).size, 400)
    assert.isBelow(records.length, 1900)
  }).pipe(Effect.provide(Ledger.layer(path).pipe(Layer.provide(NodeContext))), Effect.scoped)
})
