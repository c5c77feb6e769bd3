/** Which process a number refers to: the number may have been reused by another program. */
import type { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { hiding } from "../../secrets/Secrets.ts"

/** A process as the system knows it. The number alone may have been reused by another program. */
export const ProcessIdentity = Schema.Struct({
  pid: Schema.Int,
  /**
   * When it started, in the system's own notation: only compared, never parsed. Empty if unknown; then the number alone
   * counts.
   */
  startedAt: Schema.String
})
export type ProcessIdentity = typeof ProcessIdentity.Type

/** The system cannot tell right now, which does not mean that the process has ended. */
export class Unanswered extends hiding(Schema.TaggedError<Unanswered>()("Unanswered", {})) {}

/** The process with this number; none if it has ended or is a zombie. */
export type Answer = Effect.Effect<Option.Option<ProcessIdentity>, Unanswered>

/**
 * Linux reports a process's start, in clock ticks since boot, in field 22 of its stat file (proc(5)); each boot has an
 * id.
 */
export const byProc = (fs: FileSystem, pid: number): Answer =>
  Effect.zipWith(
    fs.readFileString(`/proc/${pid}/stat`),
    fs.readFileString("/proc/sys/kernel/random/boot_id"),
    (stat, boot) => {
      // the second field, the program's name in parentheses, may contain anything
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      const [state] = fields
      const ticks = fields[19]
      return state === "Z" || state === "X" || ticks === undefined
        ? Option.none()
        : Option.some({ pid, startedAt: `${ticks} ${boot.trim()}` })
    }
  ).pipe(
    Effect.catchAll((error) =>
      // ESRCH: the process ended between open and read
      error._tag === "SystemError" && (error.reason === "NotFound" || /ESRCH/.test(error.message))
        ? Effect.succeedNone
        : new Unanswered()
    )
  )

/** How to ask macOS: in one language and time zone, so that all daemons read the same notation. */
export const PS = {
  args: (pid: number) => ["-o", "stat=,lstart=", "-p", String(pid)],
  env: { LC_ALL: "C", TZ: "UTC0" }
} as const

/** The process as `ps` reports it; `ps` exits with 1 and prints nothing if there is no such process. */
export const byPs = (
  pid: number,
  said: Effect.Effect<{ readonly code: number; readonly stdout: string }, unknown>
): Answer =>
  said.pipe(
    Effect.mapError(() => new Unanswered()),
    Effect.flatMap(({ code, stdout }) => {
      const [, state, startedAt] = stdout.trim().match(/^(\S+)\s+(.+)$/) ?? []
      if (state !== undefined && startedAt !== undefined) {
        return Effect.succeed(state.startsWith("Z") ? Option.none() : Option.some({ pid, startedAt }))
      }
      return code === 1 ? Effect.succeedNone : new Unanswered()
    })
  )

/** Whether any process has this number: signal 0, for want of anything better. */
export const isTaken = (pid: number): Effect.Effect<boolean> =>
  Effect.sync(() => {
    try {
      return process.kill(pid, 0)
    } catch (error) {
      // another user's process may not be signalled, but it exists
      return error instanceof Error && "code" in error && error.code === "EPERM"
    }
  })
