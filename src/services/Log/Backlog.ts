/** Lines on their way to a destination that may be slow or full: they wait in memory, up to a limit. */
import * as Effect from "effect/Effect"

/** Maximum time that lines wait in memory before they are written together. */
const FLUSH_EVERY = "250 millis"

/** A queue of lines. */
export interface Backlog {
  /** Adds a line, without waiting. */
  readonly push: (line: string) => void
  /** Writes what is waiting; on failure it keeps waiting. */
  readonly flush: Effect.Effect<void>
}

/**
 * Writes lines in the background, in batches, until the scope closes.
 *
 * A failed write is retried after a second. Beyond `limit` lines the oldest are dropped; `lost` receives their number
 * as soon as a write succeeds again.
 */
export const make = Effect.fnUntraced(function* (to: {
  readonly write: (text: string) => Effect.Effect<void, unknown>
  readonly limit: number
  readonly lost: (lines: number) => Effect.Effect<void>
}) {
  const waiting = Effect.unsafeMakeLatch(false)
  let lines: Array<string> = []
  let dropped = 0
  const keep = (all: Array<string>) => {
    dropped += Math.max(0, all.length - to.limit)
    lines = all.length > to.limit ? all.slice(-to.limit) : all
  }
  const write = Effect.suspend(() => {
    const batch = lines
    lines = []
    if (batch.length === 0) return Effect.succeed(true)
    return to.write(`${batch.join("\n")}\n`).pipe(
      Effect.zipRight(
        Effect.suspend(() => {
          const lost = dropped
          dropped = 0
          return lost === 0 ? Effect.void : to.lost(lost)
        })
      ),
      Effect.as(true),
      Effect.catchAll(() =>
        Effect.as(
          Effect.sync(() => keep([...batch, ...lines])),
          false
        )
      )
    )
  })
  const backlog: Backlog = {
    push: (line) => {
      lines.push(line)
      waiting.unsafeOpen()
      // one at a time, so that no long list is copied for each line
      if (lines.length > to.limit) {
        lines.shift()
        dropped++
      }
    },
    flush: Effect.asVoid(write)
  }
  // an idle daemon writes nothing and does not wake up
  yield* waiting.await.pipe(
    Effect.zipRight(Effect.sleep(FLUSH_EVERY)),
    Effect.zipRight(waiting.close),
    Effect.zipRight(write),
    Effect.flatMap((written) => (written ? Effect.void : Effect.zipRight(Effect.sleep("1 second"), waiting.open))),
    Effect.forever,
    Effect.forkScoped,
    Effect.interruptible
  )
  return backlog
})
