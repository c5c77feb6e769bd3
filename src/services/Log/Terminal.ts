/** Standard output as the daemon's log uses it with `--attach`: it may be slow, stop reading, or go away, and no job may notice. */
import { closeSync, fstatSync, openSync, write as writeTo } from "node:fs"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { hiding } from "../../secrets/Secrets.ts"
import * as Backlog from "./Backlog.ts"

const STDOUT = 1
/** Lines that wait for a reader; all of them are in the log's file as well. */
const LIMIT = 1000
/** What is written at the end must not keep the daemon from ending. */
const LAST_WORDS = "1 second"
const AGAIN_AFTER = "250 millis"

/** Nobody will ever read what is written there. */
export class Gone extends hiding(Schema.TaggedError<Gone>()("Gone", { code: Schema.String })) {}
/** It takes nothing now. */
class Busy extends hiding(Schema.TaggedError<Busy>()("Busy", {})) {}

/** The reader of a pipe has ended; the terminal was closed; there was none. */
const GONE = ["EPIPE", "EIO", "EBADF", "ENXIO", "ECONNRESET"]

/** One write, by the threads that read and write files: it is this program's own streams that would block it on a terminal that is held (Ctrl-S). */
const writeSome = (bytes: Uint8Array): Effect.Effect<number, Gone | Busy> =>
  Effect.async((resume) => {
    writeTo(STDOUT, bytes, (error, written) => {
      if (error === null) resume(Effect.succeed(written))
      else resume(error.code !== undefined && GONE.includes(error.code) ? new Gone({ code: error.code }) : new Busy())
    })
  })

/** All of it, however long that takes; what was taken already is not written twice. */
const write = (bytes: Uint8Array): Effect.Effect<void, Gone> =>
  writeSome(bytes).pipe(
    Effect.retry({ while: ({ _tag }) => _tag === "Busy", schedule: Schedule.spaced(AGAIN_AFTER) }),
    Effect.catchTag("Busy", () => Effect.succeed(0)),
    Effect.flatMap((written) => (written < bytes.length ? write(bytes.subarray(written)) : Effect.void))
  )

/**
 * Node gives a terminal its settings back when it ends, and aborts where the terminal is gone. So no descriptor is left on it.
 * A descriptor that is opened gets the lowest free number: the one that was closed just before.
 */
const leave = Effect.sync(() => {
  try {
    const device = fstatSync(STDOUT)
    if (!device.isCharacterDevice()) return
    for (const descriptor of [0, STDOUT, 2]) {
      if (fstatSync(descriptor).rdev !== device.rdev) continue
      closeSync(descriptor)
      openSync("/dev/null", "r+")
    }
  } catch {
    // one that cannot be asked is none
  }
})

/** With these streams a write answers at once where it would have to wait; Bun's have nothing like it, and need it less. */
const neverBlock = Effect.sync(() => {
  const handle: unknown = Reflect.get(process.stdout, "_handle")
  if (Predicate.hasProperty(handle, "setBlocking") && typeof handle.setBlocking === "function")
    handle.setBlocking(false)
})

/** Lines for standard output; `gone` is told once when nobody reads them any more, `lost` when it took too few of them. */
export const make = Effect.fnUntraced(function* (told: {
  readonly gone: (code: string) => Effect.Effect<void>
  readonly lost: (lines: number) => Effect.Effect<void>
}) {
  let isGone = false
  yield* neverBlock
  const lines = yield* Backlog.make({
    write: (text) =>
      Effect.catchTag(write(new TextEncoder().encode(text)), "Gone", ({ code }) => {
        if (isGone) return Effect.void
        isGone = true
        return Effect.zipRight(leave, told.gone(code))
      }),
    limit: LIMIT,
    lost: told.lost
  })
  yield* Effect.addFinalizer(() => lines.flush.pipe(Effect.interruptible, Effect.timeoutOption(LAST_WORDS)))
  return (line: string): void => {
    if (!isGone) lines.push(line)
  }
})
