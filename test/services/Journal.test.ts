import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import { assert, describe, it as vitest } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
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

/** The real disk, on which chosen operations fail like on a full one; a write fails half-way. */
const faulty = Effect.map(FileSystem.FileSystem, (real) => {
  let failing: ReadonlyArray<string> = []
  const noSpace = (method: string) =>
    new SystemError({
      reason: "Unknown",
      module: "FileSystem",
      method,
      description: "ENOSPC: no space left on device"
    })
  const unless = <A, E, R>(method: string, effect: Effect.Effect<A, E, R>) =>
    Effect.suspend((): Effect.Effect<A, E | SystemError, R> => (failing.includes(method) ? noSpace(method) : effect))
  const disk = FileSystem.FileSystem.of({
    ...real,
    rename: (from, to) => unless("rename", real.rename(from, to)),
    open: (name, options) =>
      Effect.map(unless(`open ${options?.flag ?? "r"}`, real.open(name, options)), (file) =>
        Object.create(file, {
          writeAll: {
            value: (bytes: Uint8Array) =>
              failing.includes("writeAll")
                ? Effect.zipRight(file.writeAll(bytes.subarray(0, bytes.length >> 1)), noSpace("writeAll"))
                : file.writeAll(bytes)
          },
          truncate: { value: (size: FileSystem.Size) => unless("truncate", file.truncate(size)) },
          sync: { get: () => unless("sync", file.sync) },
          stat: { get: () => unless("stat", file.stat) }
        })
      )
  })
  const fill = (...methods: ReadonlyArray<string>) => {
    failing = methods
  }
  return { disk, fill }
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
      // through the file itself: every way to cut one line
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
        for (const flip of [0x01, 0xff]) {
          const changed = Uint8Array.from(bytes)
          changed[at] = (changed[at] ?? 0) ^ flip
          const { records, damaged } = Journal.parse(Record, changed)
          isPrefix(records)
          // silent only if a crash could have caused it, in what was written last
          assert.isTrue(damaged || records.length >= RECORDS.length - 2)
        }
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

  for (const [what, change] of [
    ["a byte of its text", (line: Buffer) => line.fill((line[20] ?? 0) ^ 1, 20, 21)],
    ["a byte of its checksum", (line: Buffer) => line.fill(line[0] === 0x30 ? "1" : "0", 0, 1)],
    ["its half", (line: Buffer) => Buffer.concat([line.subarray(0, 30), Buffer.from("\n")])],
    ["all of it", (_: Buffer) => Buffer.from("\n")]
  ] as const) {
    it.effect(`whose last line is whole, with ${what} changed, says so once at WARN, and keeps a copy`, () =>
      Effect.gen(function* () {
        const bytes = yield* written
        const at = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1
        const damaged = Buffer.concat([bytes.subarray(0, at), change(Buffer.from(bytes.subarray(at)))])
        const path = fresh()
        mkdirSync(join(path, ".."))
        writeFileSync(path, damaged)
        const said: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => void said.push(`${logLevel.label} ${message}`))
        const logged = Effect.provide(Logger.replace(Logger.defaultLogger, logger))
        assert.strictEqual((yield* logged(replayed(path))).length, RECORDS.length - 1)
        yield* logged(replayed(path))
        assert.strictEqual(said.length, 1)
        assert.match(said[0] ?? "", /^WARN the last line of the ledger .* was copied to/)
        const [copy] = readdirSync(join(path, "..")).filter((name) => name.includes("damaged"))
        assert.deepStrictEqual(readFileSync(join(path, "..", copy ?? "")), damaged)
      })
    )
  }

  it.effect("whose last line is torn, without its end, says nothing and keeps no copy", () =>
    Effect.gen(function* () {
      const bytes = yield* written
      const path = fresh()
      mkdirSync(join(path, ".."))
      writeFileSync(path, bytes.subarray(0, -1))
      const said: Array<unknown> = []
      const logger = Logger.make(({ message }) => void said.push(message))
      yield* Effect.provide(replayed(path), Logger.replace(Logger.defaultLogger, logger))
      assert.deepStrictEqual(said, [])
      assert.deepStrictEqual(readdirSync(join(path, "..")), ["ledger.jsonl"])
    })
  )

  it.effect("whose last line is whole but says something unknown keeps a copy of itself", () =>
    Effect.gen(function* () {
      const path = fresh()
      const newer = Schema.Union(Record, Schema.Struct({ kind: Schema.String }))
      yield* Effect.scoped(
        Effect.flatMap(Journal.open({ path, schema: newer }), (journal) =>
          journal.append({ n: 1, text: "known" }, { kind: "of a newer version" })
        )
      )
      const bytes = readFileSync(path)
      assert.deepStrictEqual(yield* replayed(path), [{ n: 1, text: "known" }])
      const [copy] = readdirSync(join(path, "..")).filter((name) => name.includes("damaged"))
      assert.isTrue(readFileSync(join(path, "..", copy ?? "")).equals(bytes))
    })
  )

  it.effect("on a full disk refuses aloud, keeps no half a line, and goes on when there is room again", () =>
    Effect.gen(function* () {
      const path = fresh()
      const { disk, fill } = yield* faulty
      yield* use(path, (journal) =>
        Effect.gen(function* () {
          yield* journal.append({ n: 1, text: "before" })
          fill("writeAll")
          const error = yield* Effect.flip(journal.append({ n: 2, text: "lost" }))
          assert.include(error.message, "the disk is full; free some space")
          fill()
          yield* journal.append({ n: 3, text: "after" })
        })
      ).pipe(Effect.provideService(FileSystem.FileSystem, disk))
      assert.deepStrictEqual(
        (yield* replayed(path)).map(({ n }) => n),
        [1, 3]
      )
    })
  )

  it.effect("that could not cut half a line off takes nothing more until it can", () =>
    Effect.gen(function* () {
      const path = fresh()
      const { disk, fill } = yield* faulty
      yield* use(path, (journal) =>
        Effect.gen(function* () {
          yield* journal.append({ n: 1, text: "before" })
          fill("writeAll", "truncate")
          yield* Effect.flip(journal.append({ n: 2, text: "lost" }))
          fill("truncate")
          yield* Effect.flip(journal.append({ n: 3, text: "refused" }))
          fill()
          yield* journal.append({ n: 4, text: "after" })
        })
      ).pipe(Effect.provideService(FileSystem.FileSystem, disk))
      assert.deepStrictEqual(
        (yield* replayed(path)).map(({ n }) => n),
        [1, 4]
      )
    })
  )

  it.effect("keeps all it has, and what comes after, when a compaction fails at any of its steps", () =>
    Effect.gen(function* () {
      for (const step of ["open wx", "writeAll", "sync", "open a", "stat", "rename"] as const) {
        const path = fresh()
        const { disk, fill } = yield* faulty
        yield* use(path, (journal) =>
          Effect.gen(function* () {
            yield* journal.append({ n: 1, text: "before" })
            fill(step)
            yield* Effect.flip(journal.compact([{ n: 9, text: "compacted" }]))
            fill()
            yield* journal.append({ n: 2, text: "after" })
          })
        ).pipe(Effect.provideService(FileSystem.FileSystem, disk))
        assert.deepStrictEqual(
          (yield* replayed(path)).map(({ n }) => n),
          [1, 2],
          step
        )
      }
    })
  )

  it.effect("takes all of the records of one append or none, whenever it is interrupted, and says which", () =>
    Effect.gen(function* () {
      const path = fresh()
      const exits = yield* use(path, (journal) =>
        Effect.forEach(
          Array.from({ length: 40 }, (_, n) => n),
          (n) =>
            Effect.gen(function* () {
              let told = false
              const fiber = yield* journal
                .append(...["a", "b", "c"].map((text) => ({ n, text })))
                .pipe(Effect.zipRight(Effect.sync(() => (told = true))), Effect.uninterruptible, Effect.fork)
              yield* Effect.repeatN(Effect.yieldNow(), n % 20)
              yield* Fiber.interrupt(fiber)
              yield* journal.append({ n, text: "next" })
              return told
            })
        )
      )
      const records = yield* replayed(path)
      for (const [n, told] of exits.entries()) {
        const texts = records.filter((record) => record.n === n).map(({ text }) => text)
        assert.deepStrictEqual(texts, told ? ["a", "b", "c", "next"] : ["next"])
      }
    })
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
