import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import { assert, describe, it as vitest } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Journal from "../../src/services/Journal.ts"
import { NodeContext } from "../fakes/platform.ts"

const Record = Schema.Struct({ n: Schema.Number, text: Schema.String })
type Record = typeof Record.Type

const folder = mkdtempSync(join(tmpdir(), "anklet-journal-"))
let files = 0
const fresh = () => join(folder, String(files++), "ledger.jsonl")

const open = (path: string) => Journal.open({ path, schema: Record })
const use = <A, E>(path: string, f: (journal: Journal.Journal<Record>) => Effect.Effect<A, E>) =>
  Effect.scoped(Effect.flatMap(open(path), f))
const replayed = (path: string) => use(path, ({ replayed }) => Effect.succeed(replayed))
const it = {
  effect: (name: string, test: () => Effect.Effect<void, unknown, FileSystem.FileSystem | Path>) =>
    vitest.effect(name, () => Effect.provide(test(), NodeContext))
}

const RECORDS: ReadonlyArray<Record> = Array.from({ length: 50 }, (_, n) => ({ n, text: `it's "job" ${n}\n🍏` }))

const written = Effect.gen(function* () {
  const path = fresh()
  yield* use(path, (journal) => Effect.forEach(RECORDS, (record) => journal.append(record)))
  return readFileSync(path)
})

const isPrefix = (records: ReadonlyArray<Record>) => assert.deepStrictEqual(records, RECORDS.slice(0, records.length))

describe("a journal", () => {
  it.effect("cut at any byte is a prefix of what was written, and goes on from there", () =>
    Effect.gen(function* () {
      const bytes = yield* written
      for (let length = 0; length <= bytes.length; length++) {
        const { records, damaged } = Journal.parse(Record, bytes.subarray(0, length))
        isPrefix(records)
        assert.isFalse(damaged)
      }
      // through the file itself: every kind of cut within one line
      const line = bytes.indexOf(0x0a, bytes.length >> 1) + 1
      for (let cut = line; cut < line + 80; cut++) {
        const path = fresh()
        mkdirSync(join(path, ".."))
        writeFileSync(path, bytes.subarray(0, cut))
        const before = yield* use(path, (journal) => Effect.as(journal.append({ n: -1, text: "on" }), journal.replayed))
        assert.deepStrictEqual(yield* replayed(path), [...before, { n: -1, text: "on" }])
      }
    })
  )

  it.effect("with any byte changed is a prefix, never something that was not written", () =>
    Effect.gen(function* () {
      const bytes = yield* written
      for (let at = 0; at < bytes.length; at++) {
        const changed = Uint8Array.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ 1
        isPrefix(Journal.parse(Record, changed).records)
      }
    })
  )

  it.effect("that is damaged in the middle keeps a copy of itself", () =>
    Effect.gen(function* () {
      const bytes = Uint8Array.from(yield* written)
      bytes[200] = (bytes[200] ?? 0) ^ 1
      const path = fresh()
      mkdirSync(join(path, ".."))
      writeFileSync(path, bytes)
      isPrefix(yield* replayed(path))
      const [copy] = readdirSync(join(path, "..")).filter((name) => name.includes("damaged"))
      assert.deepStrictEqual(Uint8Array.from(readFileSync(join(path, "..", copy ?? ""))), bytes)
    })
  )

  it.effect("is what it was made to be by compaction, and appended to after it", () =>
    Effect.gen(function* () {
      const path = fresh()
      const [first, second] = RECORDS
      assert.isDefined(first)
      if (first === undefined || second === undefined) return
      yield* use(path, (journal) =>
        Effect.gen(function* () {
          yield* journal.append(...RECORDS)
          yield* journal.compact([first])
          yield* journal.append(second)
        })
      )
      assert.deepStrictEqual(yield* replayed(path), [first, second])
      assert.isFalse(existsSync(`${path}.new`))
    })
  )

  it.effect("on a full disk refuses aloud, keeps no half a line, and goes on when there is room again", () =>
    Effect.gen(function* () {
      const path = fresh()
      const real = yield* FileSystem.FileSystem
      let full = false
      const noSpace = Effect.fail(
        new SystemError({
          reason: "Unknown",
          module: "FileSystem",
          method: "writeAll",
          description: "ENOSPC: no space left on device, write"
        })
      )
      const disk = FileSystem.FileSystem.of({
        ...real,
        open: (name, options) =>
          Effect.map(real.open(name, options), (file) =>
            Object.create(file, {
              // like a disk that fills up in the middle of a write
              writeAll: {
                value: (bytes: Uint8Array) =>
                  full
                    ? Effect.zipRight(file.writeAll(bytes.subarray(0, bytes.length >> 1)), noSpace)
                    : file.writeAll(bytes)
              }
            })
          )
      })
      const [one, two, three] = RECORDS
      if (one === undefined || two === undefined || three === undefined) return assert.fail()
      yield* use(path, (journal) =>
        Effect.gen(function* () {
          yield* journal.append(one)
          full = true
          const error = yield* Effect.flip(journal.append(two))
          assert.include(error.message, "the disk is full; free some space")
          full = false
          yield* journal.append(three)
        })
      ).pipe(Effect.provideService(FileSystem.FileSystem, disk))
      assert.deepStrictEqual(yield* replayed(path), [one, three])
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("in a folder that is a file refuses aloud", () =>
    Effect.gen(function* () {
      const path = fresh()
      writeFileSync(join(path, ".."), "")
      const error = yield* Effect.flip(replayed(path))
      assert.include(error.message, path)
    })
  )

  it.effect("appended to by many fibers holds every record once", () =>
    Effect.gen(function* () {
      const path = fresh()
      yield* use(path, (journal) =>
        Effect.forEach(RECORDS, (record) => journal.append(record), { concurrency: "unbounded" })
      )
      const records = yield* replayed(path)
      assert.deepStrictEqual(
        [...records].sort((a, b) => a.n - b.n),
        RECORDS
      )
    })
  )

  it.effect("is readable by its owner alone", () =>
    Effect.gen(function* () {
      const path = fresh()
      yield* use(path, (journal) => journal.append({ n: 1, text: "x" }))
      const { statSync } = yield* Effect.promise(() => import("node:fs"))
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
    })
  )
})
