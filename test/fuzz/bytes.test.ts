import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { JobKey, VmName } from "../../src/domain/Job.ts"
import { plan } from "../../src/plugins/github/labels.ts"
import type { Command } from "../../src/services/Coordinator/protocol.ts"
import { replyOf } from "../../src/services/Coordinator/redis/scripts.ts"
import * as Journal from "../../src/services/Journal.ts"
import { Entry, entriesOf, Ledger, VmGone, VmNamed } from "../../src/services/Ledger.ts"
import { NodeContext } from "../fakes/platform.ts"
import { anything } from "./text.ts"

const vm = (n: number) => VmName.make(`anklet-vm-00000000-0000-4000-8000-${String(n).padStart(12, "0")}`)
const named = (n: number) => VmNamed.make({ vm: vm(n), job: JobKey.make(`job ${n}`), service: "s" })
const open = <A, E>(path: string, use: Effect.Effect<A, E, Ledger>) =>
  Effect.runPromise(use.pipe(Effect.provide(Ledger.layer(path).pipe(Layer.provide(NodeContext)))))
const owed = Effect.map(
  Effect.flatMap(Ledger, ({ state }) => state),
  entriesOf
)

it("a ledger with any bytes in it opens, and from then on keeps what is written", async () => {
  const folder = mkdtempSync(join(tmpdir(), "anklet-fuzz-"))
  const good = join(folder, "good")
  await open(
    good,
    Effect.flatMap(Ledger, ({ append }) => append(named(1), named(2), named(3)))
  )
  const bytes = readFileSync(good)
  const lines = Journal.parse(Entry, bytes).records.length
  assert.strictEqual(lines, 3)
  let n = 0
  await FastCheck.assert(
    FastCheck.asyncProperty(
      FastCheck.nat({ max: bytes.length }),
      FastCheck.nat({ max: 60 }),
      FastCheck.uint8Array({ maxLength: 60 }),
      async (at, length, put) => {
        const path = join(folder, `ledger-${n++}`)
        writeFileSync(path, Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + length)]))
        const before = await open(
          path,
          Effect.gen(function* () {
            const ledger = yield* Ledger
            const before = yield* owed
            yield* ledger.append(named(9))
            yield* ledger.settle(VmGone.make({ vm: vm(1) }))
            return before
          })
        )
        // nothing but what was written
        for (const entry of before) {
          assert.isTrue([1, 2, 3].some((n) => entry._tag === "VmNamed" && entry.vm === vm(n)))
        }
        const after = await open(path, owed)
        assert.isTrue(after.some((entry) => entry._tag === "VmNamed" && entry.vm === vm(9)))
        assert.isFalse(after.some((entry) => entry._tag === "VmNamed" && entry.vm === vm(1)))
      }
    ),
    { numRuns: 300 }
  )
})

const COMMANDS = [
  "Hello",
  "Beat",
  "Poll",
  "Ingest",
  "Announce",
  "Waiting",
  "Idle",
  "Claim",
  "Release",
  "Finish",
  "Swap",
  "Reserve",
  "Survey",
  "Inspect",
  "List"
]

it("whatever a script answers means something that is known, or nothing", () => {
  const tags = FastCheck.constantFrom(
    "Done",
    "No",
    "Stranger",
    "Taken",
    "Mixed",
    "Welcome",
    "Heard",
    "Verdicts",
    "Turn",
    "Heads",
    "Claimed",
    "Survey",
    "Record",
    "Listed"
  )
  let understood = 0
  FastCheck.assert(
    FastCheck.property(
      FastCheck.constantFrom(...COMMANDS),
      FastCheck.oneof(tags, FastCheck.string()),
      FastCheck.array(anything("kept", "12", '{"key":"github:o/r/1"}'), { maxLength: 5 }),
      (command, tag, rest) => {
        const asked = { _tag: command, service: "s", claims: [], claim: { service: "s" } } as unknown as Command
        const reply = replyOf(asked, [tag, ...rest])
        if (Option.isNone(reply)) return
        understood++
        assert.strictEqual(reply.value._tag, tag)
      }
    ),
    { numRuns: 5000 }
  )
  assert.isAbove(understood, 500)
})

it("any labels are a job of ours, not ours, or refused with a reason", () => {
  const counts = { ours: 0, refused: 0, foreign: 0 }
  const word = FastCheck.oneof(
    FastCheck.constantFrom("anka", "self-hosted", "anka-template:t", "anka-template-tag:v1", "run-id:7", "unique-id:1"),
    anything("anka-template:", "anka-template-tag:", "anklet-priority-3", "anka-template:\u0000")
  )
  FastCheck.assert(
    FastCheck.property(FastCheck.array(word, { maxLength: 6 }), (labels) => {
      const planned = plan(labels, 7)
      if (Option.isNone(planned)) counts.foreign++
      else if (Either.isLeft(planned.value)) {
        counts.refused++
        assert.isAbove(`${planned.value.left}`.length, 10)
      } else counts.ours++
    }),
    { numRuns: 5000 }
  )
  for (const times of Object.values(counts)) assert.isAbove(times, 100)
})
