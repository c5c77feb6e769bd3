/** The only door to subprocesses. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** A process that could not be started, or had to be killed because its time was up. */
export class ExecError extends Schema.TaggedError<ExecError>()("ExecError", {
  reason: Schema.Literal("NotFound", "NotExecutable", "Timeout", "Failed"),
  /** Program and arguments, as one line for people. */
  command: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.command}: ${this.detail}`
  }
}

/** What a process left behind. Output is capped; the tail is kept. */
export interface ExecResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** How to run a process. */
export interface ExecOptions {
  /** After this the whole process group gets SIGTERM, then SIGKILL. */
  readonly timeout: Duration.DurationInput
  /** Written to the process and closed; without it the process reads from /dev/null. May hold a secret: it is never logged. */
  readonly stdin?: string
  /** Added to the daemon's own environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Told the process's id as soon as it runs. */
  readonly started?: (pid: number) => Effect.Effect<void>
}

/** A process as the system knows it: a number alone may by now belong to another program. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it started, in the system's own spelling: only compared, never parsed. */
  readonly startedAt: string
}

export class Exec extends Context.Tag("anklet/Exec")<
  Exec,
  {
    /** Run a program without a shell, in a process group of its own, to its end or its deadline; a non-zero exit is not an error here. */
    readonly run: (
      program: string,
      args: ReadonlyArray<string>,
      options: ExecOptions
    ) => Effect.Effect<ExecResult, ExecError>
    /** The process with this number, if it is alive. */
    readonly identify: (pid: number) => Effect.Effect<Option.Option<ProcessIdentity>>
    /** Whether this very process still lives. */
    readonly isAlive: (process: ProcessIdentity) => Effect.Effect<boolean>
  }
>() {}
