/**
 * Standard output as the daemon's log uses it with `--attach`: it may be slow, stop reading, or disappear, and no job
 * may be affected.
 */
import { closeSync, fstatSync, openSync, write as writeTo } from "node:fs"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { hiding } from "../../secrets/Secrets.ts"
import * as Backlog from "./Backlog.ts"

const STDOUT = 1
/** Maximum number of lines that wait for a reader; all of them are in the log's file as well. */
const LIMIT = 1000
/** Timeout of the last write, which must not keep the daemon from exiting. */
const LAST_WORDS = "1 second"
const AGAIN_AFTER = "250 millis"

/** Nobody will ever read what is written there. */
export class Gone extends hiding(Schema.TaggedError<Gone>()("Gone", { code: Schema.String })) {}
/** It accepts nothing at present. */
class Busy extends hiding(Schema.TaggedError<Busy>()("Busy", {})) {}

/** The reader of a pipe has exited; the terminal was closed; there was none. */
const GONE = ["EPIPE", "EIO", "EBADF", "ENXIO", "ECONNRESET"]

/**
 * One write, by the threads that read and write files: this program's own streams would block it on a terminal that is
 * paused (Ctrl-S).
 */
const writeSome = (bytes: Uint8Array): Effect.Effect<number, Gone | Busy> =>
  Effect.async((resume) => {
    writeTo(STDOUT, bytes, (error, written) => {
      if (error === null) resume(Effect.succeed(written))
      else resume(error.code !== undefined && GONE.includes(error.code) ? new Gone({ code: error.code }) : new Busy())
    })
  })

/** Writes everything, however long it takes; nothing is written twice. */
const write = (bytes: Uint8Array): Effect.Effect<void, Gone> =>
  writeSome(bytes).pipe(
    Effect.retry({ while: ({ _tag }) => _tag === "Busy", schedule: Schedule.spaced(AGAIN_AFTER) }),
    Effect.catchTag("Busy", () => Effect.succeed(0)),
    Effect.flatMap((written) => (written < bytes.length ? write(bytes.subarray(written)) : Effect.void))
  )

/**
 * On exit, Node restores a terminal's settings, and aborts if the terminal is gone. So no descriptor may refer to it. A
 * newly opened descriptor gets the lowest free number: the one that was closed just before.
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
    // a descriptor that cannot be examined is not a terminal
  }
})

/** With these streams a write returns at once instead of blocking; Bun's have no such setting, and need it less. */
const neverBlock = Effect.sync(() => {
  const handle: unknown = Reflect.get(process.stdout, "_handle")
  if (Predicate.hasProperty(handle, "setBlocking") && typeof handle.setBlocking === "function")
    handle.setBlocking(false)
})

/**
 * Lines for standard output; `gone` runs once when nobody reads them any longer, `lost` when it accepted too few of
 * them.
 */
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
