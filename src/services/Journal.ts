/** An append-only file of records that survives a crash at any byte: `<crc32 in hex> <json>\n` per record. */
import { crc32 } from "node:zlib"
import type { PlatformError } from "@effect/platform/Error"
import { type File, FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"

/** The file could not be read or written. */
export class JournalError extends Schema.TaggedError<JournalError>()("JournalError", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `ledger ${this.path}: ${this.detail}`
  }
}

/** An open journal. */
export interface Journal<A> {
  /** What was in the file when it was opened. */
  readonly replayed: ReadonlyArray<A>
  /** Durable on return: all of the records, or none of them. */
  readonly append: (...records: ReadonlyArray<A>) => Effect.Effect<void, JournalError>
  /** Put these records in the place of all that is there, in one step. */
  readonly compact: (records: ReadonlyArray<A>) => Effect.Effect<void, JournalError>
}

/** What a file's bytes say. */
export interface Parsed<A> {
  readonly records: ReadonlyArray<A>
  /** Bytes of the valid beginning; what follows is torn, or damaged. */
  readonly valid: number
  /** A bad line with good ones after it: not a write that a crash cut off, but damage. */
  readonly damaged: boolean
}

const encoder = <A, I>(schema: Schema.Schema<A, I>) => Schema.encodeSync(Schema.parseJson(schema))

const newline = 0x0a

const lineOf = (json: string) => `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`

/** Read records up to the first line that is torn or damaged. */
export const parse = <A, I>(schema: Schema.Schema<A, I>, bytes: Uint8Array): Parsed<A> => {
  const decode = Schema.decodeUnknownEither(Schema.parseJson(schema))
  const decoder = new TextDecoder("utf-8", { fatal: true })
  const readLine = (line: Uint8Array) =>
    Either.try(() => decoder.decode(line)).pipe(
      Either.filterOrLeft(
        (text) => lineOf(text.slice(9)) === `${text}\n`,
        () => "checksum"
      ),
      Either.flatMap((text) => decode(text.slice(9)))
    )
  const records: Array<A> = []
  let valid = 0
  while (valid < bytes.length) {
    const end = bytes.indexOf(newline, valid)
    if (end === -1) break
    const record = readLine(bytes.subarray(valid, end))
    if (Either.isLeft(record)) {
      const damaged = lines(bytes.subarray(end + 1)).some((line) => Either.isRight(readLine(line)))
      return { records, valid, damaged }
    }
    records.push(record.right)
    valid = end + 1
  }
  return { records, valid, damaged: false }
}

const lines = (bytes: Uint8Array): ReadonlyArray<Uint8Array> => {
  const found: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(newline, at)
    if (end === -1) break
    found.push(bytes.subarray(at, end))
    at = end + 1
  }
  return found
}

const explain = (path: string) => (error: PlatformError) =>
  new JournalError({
    path,
    detail: /ENOSPC/.test(error.message)
      ? "the disk is full; free some space"
      : /EROFS/.test(error.message)
        ? "the disk is read-only; choose another state_dir"
        : /EACCES|EPERM/.test(error.message)
          ? "it may not be written; check the owner and permissions of state_dir"
          : error.message
  })

const syncDirectory = (fs: FileSystem, directory: string) =>
  Effect.scoped(Effect.flatMap(fs.open(directory, { flag: "r" }), (file) => file.sync))

/**
 * Open a journal, making it if need be. A torn tail is cut off. A damaged file is moved aside and reported at ERROR, and
 * its valid beginning is kept. Two processes must not open one file.
 */
export const open = Effect.fn("Journal.open")(function* <A, I>(options: {
  readonly path: string
  readonly schema: Schema.Schema<A, I>
}) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const { path } = options
  const directory = paths.dirname(path)
  const explained = Effect.mapError(explain(path))
  const encode = encoder(options.schema)
  const text = (records: ReadonlyArray<A>) =>
    new TextEncoder().encode(records.map((record) => lineOf(encode(record))).join(""))

  const replaceWith = (records: ReadonlyArray<A>) =>
    Effect.gen(function* () {
      const fresh = `${path}.new`
      yield* Effect.scoped(
        Effect.gen(function* () {
          const file = yield* fs.open(fresh, { flag: "w", mode: 0o600 })
          if (records.length > 0) yield* file.writeAll(text(records))
          yield* file.sync
        })
      )
      yield* fs.rename(fresh, path)
      yield* syncDirectory(fs, directory)
    })

  yield* explained(fs.makeDirectory(directory, { recursive: true }))
  const exists = yield* explained(fs.exists(path))
  const bytes = exists ? yield* explained(fs.readFile(path)) : new Uint8Array()
  const { records, valid, damaged } = parse(options.schema, bytes)
  if (damaged) {
    const aside = `${path}.damaged-${yield* Clock.currentTimeMillis}`
    yield* explained(fs.copyFile(path, aside))
    yield* Effect.logError(
      `ledger ${path} is damaged after ${records.length} records; it was copied to ${aside}. VMs and runners of the lost records are found by their names and removed`
    )
  }
  if (!exists || valid < bytes.length) yield* explained(replaceWith(records))

  // the file that is appended to changes with each compaction, so it has a scope of its own
  const openForAppend = Effect.gen(function* () {
    const scope = yield* Scope.make()
    const file = yield* Scope.extend(fs.open(path, { flag: "a", mode: 0o600 }), scope)
    return { scope, file, size: (yield* file.stat).size }
  })
  type Open = { readonly scope: Scope.CloseableScope; readonly file: File; readonly size: bigint }
  const current = yield* Effect.acquireRelease(
    Effect.flatMap(explained(openForAppend), (open) => Ref.make<Open>(open)),
    (ref) => Effect.flatMap(Ref.get(ref), ({ scope }) => Scope.close(scope, Exit.void))
  )
  const turn = yield* Effect.makeSemaphore(1)

  const append = (records: ReadonlyArray<A>) =>
    Effect.gen(function* () {
      const open = yield* Ref.get(current)
      const bytes = text(records)
      yield* open.file.writeAll(bytes).pipe(
        Effect.zipRight(open.file.sync),
        // half a line must not stay in front of the next one
        Effect.tapError(() => Effect.ignore(open.file.truncate(open.size)))
      )
      yield* Ref.set(current, { ...open, size: (open.size + BigInt(bytes.length)) as typeof open.size })
    })

  const journal: Journal<A> = {
    replayed: records,
    append: (...records) => append(records).pipe(explained, turn.withPermits(1), Effect.uninterruptible),
    compact: (records) =>
      Effect.gen(function* () {
        yield* replaceWith(records)
        const { scope } = yield* Ref.getAndSet(current, yield* openForAppend)
        yield* Scope.close(scope, Exit.void)
      }).pipe(explained, turn.withPermits(1), Effect.uninterruptible)
  }
  return journal
})
