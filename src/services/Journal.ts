/**
 * An append-only file of records that survives a crash at any byte: `<crc32 in hex> <json>\
 * ` per record.
 */

import { crc32 } from "node:zlib"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Files from "../files/Files.ts"
import { said } from "../files/said.ts"
import { hiding } from "../secrets/Secrets.ts"

/** The file could not be read or written. */
export class JournalError extends hiding(
  Schema.TaggedError<JournalError>()("JournalError", {
    path: Schema.String,
    detail: Schema.String
  })
) {
  override get message() {
    return `ledger ${this.path}: ${this.detail}`
  }
}

/** An open journal. */
export interface Journal<A> {
  /** The records in the file when it was opened. */
  readonly replayed: ReadonlyArray<A>
  /** Appends all of the records or none of them; they are durable on return. */
  readonly append: (...records: ReadonlyArray<A>) => Effect.Effect<void, JournalError>
  /** Replaces the whole content with these records, in one step. */
  readonly compact: (records: ReadonlyArray<A>) => Effect.Effect<void, JournalError>
}

/** The content of a file. */
export interface Parsed<A> {
  readonly records: ReadonlyArray<A>
  /** Number of bytes of the valid beginning; the rest is torn or damaged. */
  readonly valid: number
  /**
   * There is a bad line that no crash explains: valid lines follow it, or it is complete but its meaning is unknown.
   */
  readonly damaged: boolean
  /**
   * The last line is complete, but its checksum is wrong. A crash leaves half a line; a bad disk or an editor leaves
   * this.
   */
  readonly spoiled: boolean
}

const encoder = <A, I>(schema: Schema.Schema<A, I>) => Schema.encodeSync(Schema.parseJson(schema))

const newline = 0x0a

const lineOf = (json: string) => `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`

/** The complete lines of a file, without their line breaks. */
const lines = function* (bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0, end = bytes.indexOf(newline); end !== -1; at = end + 1, end = bytes.indexOf(newline, at)) {
    yield bytes.subarray(at, end)
  }
}

/** The JSON of a line, if its checksum is right. */
const jsonOf = (line: Uint8Array): Option.Option<string> =>
  Option.liftThrowable(decodeUtf8)(line).pipe(
    Option.filter((text) => lineOf(text.slice(9)) === `${text}\n`),
    Option.map((text) => text.slice(9))
  )

const decodeUtf8 = (line: Uint8Array) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line)

/** Reads records up to the first line that is torn or damaged. */
export const parse = <A, I>(schema: Schema.Schema<A, I>, bytes: Uint8Array): Parsed<A> => {
  const decode = Schema.decodeUnknownOption(Schema.parseJson(schema))
  const records: Array<A> = []
  let valid = 0
  for (const line of lines(bytes)) {
    const record = Option.flatMap(jsonOf(line), decode)
    if (Option.isNone(record)) {
      const damaged = Array.from(lines(bytes.subarray(valid)), jsonOf).some(Option.isSome)
      return { records, valid, damaged, spoiled: !damaged }
    }
    records.push(record.value)
    valid += line.length + 1
  }
  return { records, valid, damaged: false, spoiled: false }
}

const explain = (path: string) => (error: PlatformError | Files.Untrusted) =>
  new JournalError({
    path,
    detail:
      error._tag === "Untrusted"
        ? error.message
        : /ENOSPC|EDQUOT/.test(error.message)
          ? "the disk is full; free some space"
          : /EROFS/.test(error.message)
            ? "the disk is read-only; choose another state_dir"
            : /EACCES|EPERM/.test(error.message)
              ? "it may not be written; check the owner and permissions of state_dir"
              : /EIO/.test(error.message)
                ? "the disk fails; check it, or choose another state_dir"
                : said(error)
  })

/** The file that lines are appended to. */
interface Open {
  readonly scope: Scope.CloseableScope
  readonly file: FileSystem.File
  /** Number of bytes that are certainly written. */
  readonly size: FileSystem.Size
  /** There may be half a line after them. */
  readonly torn: boolean
}

/**
 * Opens a journal; makes it if it is missing. A torn tail is cut off. A damaged file is copied, which is logged at
 * ERROR, or at WARN if only its last line is bad; its valid beginning is kept. Two processes must not open the same
 * file.
 */
export const open = Effect.fn("Journal.open")(function* <A, I>(options: {
  readonly path: string
  readonly schema: Schema.Schema<A, I>
}) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path
  const { path } = options
  const directory = paths.dirname(path)
  const explained = Effect.mapError(explain(path))
  const encode = encoder(options.schema)
  const text = (records: ReadonlyArray<A>) =>
    new TextEncoder().encode(records.map((record) => lineOf(encode(record))).join(""))

  // each compaction replaces the file that is appended to, so it has a scope of its own
  const openToAppend = (name: string) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const file = yield* Scope.extend(Files.openToAppend(name), scope)
      const { size } = yield* Effect.onError(file.stat, (cause) => Scope.close(scope, Exit.failCause(cause)))
      const open: Open = { scope, file, size, torn: false }
      return open
    })

  /** Everything that can fail comes before the rename: after it, the old file accepts no more lines. */
  const writeAnew = (records: ReadonlyArray<A>) =>
    Effect.gen(function* () {
      const fresh = `${path}.new`
      yield* Effect.scoped(
        Effect.gen(function* () {
          const file = yield* Files.openAnew(fresh)
          if (records.length > 0) yield* file.writeAll(text(records))
          yield* file.sync
        })
      )
      const open = yield* openToAppend(fresh)
      yield* Effect.onError(fs.rename(fresh, path), (cause) => Scope.close(open.scope, Exit.failCause(cause)))
      return open
    })

  yield* explained(Files.makeFolder(directory))
  const found = yield* explained(Files.read(path))
  const exists = Option.isSome(found)
  const bytes = Option.getOrElse(found, () => new Uint8Array())
  const { records, valid, damaged, spoiled } = parse(options.schema, bytes)
  const aside = `${path}.damaged-${yield* Clock.currentTimeMillis}`
  if (damaged || spoiled) yield* explained(Files.create(aside, bytes))
  if (spoiled) {
    yield* Effect.logWarning(
      `the last line of the ledger ${path} is complete, but its checksum is wrong: a bad disk, or an editor. The file was copied to ${aside}, and the line is ignored; its VM or runner will be found by name and removed`
    )
  }
  if (damaged) {
    yield* Effect.logError(
      `ledger ${path} is damaged, or from a newer version, after ${records.length} records; it was copied to ${aside}. VMs and runners of the lost records will be found by name and removed`
    )
  }
  const first = !exists || valid < bytes.length ? writeAnew(records) : openToAppend(path)
  const current = yield* Effect.acquireRelease(
    Effect.flatMap(explained(first), (open) => Ref.make(open)),
    (ref) => Effect.flatMap(Ref.get(ref), ({ scope }) => Scope.close(scope, Exit.void))
  )
  yield* explained(Files.syncFolder(directory))
  const turn = yield* Effect.makeSemaphore(1)

  const append = (records: ReadonlyArray<A>) =>
    Effect.gen(function* () {
      if (records.length === 0) return
      const open = yield* Ref.get(current)
      const { file, size } = open
      const bytes = text(records)
      // half a line must not stay in front of the next one: nothing is appended until it is cut off
      if (open.torn) yield* file.truncate(size)
      yield* Ref.set(current, { ...open, torn: true })
      yield* file.writeAll(bytes).pipe(
        Effect.zipRight(file.sync),
        Effect.tapError(() => Effect.ignore(file.truncate(size)))
      )
      yield* Ref.set(current, { ...open, size: FileSystem.Size(size + BigInt(bytes.length)), torn: false })
    })

  const journal: Journal<A> = {
    replayed: records,
    append: (...records) => append(records).pipe(explained, turn.withPermits(1), Effect.uninterruptible),
    compact: (records) =>
      Effect.gen(function* () {
        const before = yield* Ref.getAndSet(current, yield* writeAnew(records))
        yield* Scope.close(before.scope, Exit.void)
        yield* Files.syncFolder(directory)
      }).pipe(Effect.provideService(FileSystem.FileSystem, fs), explained, turn.withPermits(1), Effect.uninterruptible)
  }
  return journal
})
