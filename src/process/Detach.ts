/** Starts the daemon as a process of its own, and learns from it how the start went. */
import { spawn } from "node:child_process"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** What a starting daemon reports to the process that started it. */
export const Report = Schema.Union(
  Schema.TaggedStruct("Up", {}),
  Schema.TaggedStruct("Failed", { code: Schema.Int, message: Schema.String })
)
export type Report = typeof Report.Type

const decode = Schema.decodeUnknownOption(Report)

/**
 * Starts this program detached from the terminal, and waits until it reports or exits without a report.
 *
 * Interrupting the wait does not affect the daemon: it continues to start, and exits by itself if it cannot.
 */
export const start = (
  [program, ...before]: readonly [string, ...ReadonlyArray<string>],
  args: ReadonlyArray<string>
): Effect.Effect<{ readonly pid: number; readonly report: Report }> =>
  Effect.async((resume) => {
    const child = spawn(program, [...before, ...args], {
      detached: true,
      stdio: ["ignore", "ignore", "ignore", "ipc"]
    })
    const end = (report: Report) => {
      child.removeAllListeners()
      if (child.connected) child.disconnect()
      child.unref()
      resume(Effect.succeed({ pid: child.pid ?? 0, report }))
    }
    child.on("message", (message) => {
      const report = decode(message)
      if (report._tag === "Some") end(report.value)
    })
    child.on("error", (error) => end({ _tag: "Failed", code: 1, message: error.message }))
    child.on("exit", (code, signal) =>
      end({ _tag: "Failed", code: 1, message: `the daemon ended at once (${signal ?? `exit code ${code}`})` })
    )
  })

/** Reports to the process that started this one, if there is one. */
export const report = (message: Report): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (process.send === undefined || !process.connected) return resume(Effect.void)
    // a parent that has exited gets no report
    process.send(message, () => {
      if (process.connected) process.disconnect()
      resume(Effect.void)
    })
  })
