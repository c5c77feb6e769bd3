/** Starts this program once more: as the daemon, and by the daemon, for what it leaves to another process. */
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

/** Maximum length of an answer, in characters. */
const ANSWER_LIMIT = 1 << 20

/**
 * Runs a command of this program in a folder, with the environment of this process, which services/Exec.ts would not pass
 * on; gives its exit code and what it printed. An interruption ends it.
 */
export const ask = (
  [program, ...before]: readonly [string, ...ReadonlyArray<string>],
  args: ReadonlyArray<string>,
  cwd: string
): Effect.Effect<{ readonly code: number; readonly stdout: string }> =>
  Effect.async((resume) => {
    const child = spawn(program, [...before, ...args], { cwd, stdio: ["ignore", "pipe", "ignore"] })
    let stdout = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (stdout.length < ANSWER_LIMIT) stdout += text
    })
    child.on("error", () => resume(Effect.succeed({ code: 1, stdout })))
    child.on("close", (code) => resume(Effect.succeed({ code: code ?? 1, stdout })))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** Runs a command of this program in a folder, detached: it continues when this process ends. Gives its exit code. */
export const run = (
  [program, ...before]: readonly [string, ...ReadonlyArray<string>],
  args: ReadonlyArray<string>,
  cwd: string
): Effect.Effect<number> =>
  Effect.async((resume) => {
    const child = spawn(program, [...before, ...args], { cwd, detached: true, stdio: "ignore" })
    child.on("error", () => resume(Effect.succeed(1)))
    child.on("exit", (code) => resume(Effect.succeed(code ?? 1)))
    child.unref()
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
