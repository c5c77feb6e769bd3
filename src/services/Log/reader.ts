/** Reads a log that another process writes: its last lines, across rotated files, and new lines as they come. */
import { type File, FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Files from "../../files/Files.ts"

/** Number of bytes read at a time. */
const CHUNK = 1 << 18
/** Interval between checks for new lines. */
const POLL_INTERVAL = "200 millis"
const NEWLINE = 0x0a

/** A file that is open for reading, and its identity. */
interface Opened {
  readonly handle: File
  readonly ino: Option.Option<number>
  readonly size: number
  readonly close: Effect.Effect<void>
}

/** Where reading stopped, and can continue. */
export interface Place {
  readonly opened: Option.Option<Opened>
  /** In bytes, after the last complete line. */
  readonly position: number
}

const open = Effect.fnUntraced(function* (file: string) {
  const scope = yield* Scope.make()
  const handle = yield* Scope.extend(Files.openToRead(file), scope)
  const { ino, size } = yield* handle.stat
  const opened: Opened = { handle, ino, size: Number(size), close: Scope.close(scope, Exit.void) }
  return opened
})

/** None if there is no such file. */
const openIfThere = (file: string) =>
  open(file).pipe(
    Effect.asSome,
    Effect.catchIf(
      (error) => error._tag === "SystemError" && error.reason === "NotFound",
      () => Effect.succeedNone
    )
  )

const readAt = Effect.fnUntraced(function* (handle: File, from: number, length: number) {
  yield* handle.seek(from, "start")
  const bytes = new Uint8Array(length)
  return bytes.subarray(0, Number(yield* handle.read(bytes)))
})

const decode = (parts: ReadonlyArray<Uint8Array>): string => new TextDecoder().decode(Buffer.concat(parts))

/**
 * Passes the lines of a file to `take` from last to first, until it returns false; returns where the last complete line
 * ends.
 */
const backwards = Effect.fnUntraced(function* (
  { handle, size }: Opened,
  take: (line: string, isWhole: boolean) => boolean
) {
  let end = size
  let whole = 0
  // the pieces of a line that began before the chunks read so far
  let pieces: Array<Uint8Array> = []
  let goesOn = true
  while (end > 0 && goesOn) {
    const start = Math.max(0, end - CHUNK)
    const chunk = yield* readAt(handle, start, end - start)
    let until = chunk.length
    for (let at = chunk.lastIndexOf(NEWLINE); at !== -1 && goesOn; at = chunk.lastIndexOf(NEWLINE, at - 1)) {
      pieces.unshift(chunk.subarray(at + 1, until))
      const line = decode(pieces)
      if (whole > 0) goesOn = take(line, true)
      else {
        whole = start + at + 1
        if (line !== "") goesOn = take(line, false)
      }
      pieces = []
      until = at
      if (at === 0) break
    }
    pieces.unshift(chunk.subarray(0, until))
    end = start
  }
  const first = decode(pieces)
  if (goesOn && first !== "") take(first, whole > 0)
  return whole
})

/**
 * The last lines that match, oldest first, and the place to continue from. `files` are the log's own, newest first.
 *
 * With `follow` a line that is still being written is left for `follow` to read.
 */
export const last = Effect.fn("Log.last")(function* (
  files: readonly [string, ...ReadonlyArray<string>],
  options: { readonly lines: number; readonly follow: boolean; readonly matches: (line: string) => boolean }
) {
  const found: Array<string> = []
  const seen = new Set<number>()
  const take = (line: string, isWhole: boolean) => {
    if ((isWhole || !options.follow) && options.matches(line)) found.push(line)
    return found.length < options.lines
  }
  let place: Place = { opened: Option.none(), position: 0 }
  for (const [age, file] of files.entries()) {
    if (age > 0 && found.length >= options.lines) break
    const opened = yield* openIfThere(file)
    if (Option.isNone(opened)) continue
    const { ino, close } = opened.value
    // a file that was renamed while it was read now has the next name
    const isNew = !Option.exists(ino, (ino) => seen.has(ino))
    if (Option.isSome(ino)) seen.add(ino.value)
    const position = isNew ? yield* backwards(opened.value, options.lines === 0 ? () => false : take) : 0
    if (age === 0) place = { opened, position }
    else yield* close
  }
  return { lines: found.slice(0, options.lines).reverse(), place }
})

/** Passes lines on as they are written, forever: across a rotation, and from the beginning once the file exists. */
export const follow = Effect.fn("Log.follow")(function* <E, R>(
  file: string,
  from: Place,
  show: (lines: ReadonlyArray<string>) => Effect.Effect<void, E, R>
) {
  const fs = yield* FileSystem
  let { opened, position } = from
  let carried: Array<Uint8Array> = []

  const drain = Effect.fnUntraced(function* ({ handle }: Opened) {
    while (true) {
      const chunk = yield* readAt(handle, position, CHUNK)
      if (chunk.length === 0) return
      position += chunk.length
      const at = chunk.lastIndexOf(NEWLINE)
      if (at === -1) carried.push(chunk)
      else {
        const text = decode([...carried, chunk.subarray(0, at)])
        carried = [chunk.subarray(at + 1)]
        yield* show(text.split("\n"))
      }
    }
  })
  while (true) {
    if (Option.isSome(opened)) yield* drain(opened.value)
    const now = yield* Effect.option(fs.stat(file))
    const isOther =
      Option.isSome(now) &&
      Option.getOrNull(now.value.ino) !== Option.getOrNull(Option.flatMap(opened, ({ ino }) => ino))
    if (isOther) {
      const old = opened
      const next = yield* openIfThere(file)
      if (Option.isNone(next)) continue
      if (Option.isSome(old)) {
        // the writer may have used the old file a moment ago
        yield* Effect.sleep(POLL_INTERVAL)
        yield* drain(old.value)
        const torn = decode(carried)
        if (torn !== "") yield* show([torn])
        yield* old.value.close
      }
      opened = next
      position = 0
      carried = []
      continue
    }
    if (Option.isSome(now) && Number(now.value.size) < position) {
      // truncated in place
      position = 0
      carried = []
    }
    yield* Effect.sleep(POLL_INTERVAL)
  }
})
