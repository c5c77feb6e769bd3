/** What starts a program when its user logs in and again after a failure: launchd on a Mac, systemd on Linux. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { hiding } from "../../secrets/Secrets.ts"
import { Exec } from "../../services/Exec.ts"
import type { Unit } from "./unit.ts"

/** It does not do as asked. */
export class ManagerError extends hiding(
  Schema.TaggedError<ManagerError>()("ManagerError", {
    detail: Schema.String,
    /** Exit code of its command. */
    code: Schema.optional(Schema.Int)
  })
) {
  override get message() {
    return this.detail
  }
}

/** What it says of an entry. */
export interface State {
  /** Whether it knows of the entry. */
  readonly isLoaded: boolean
  readonly pid: Option.Option<number>
  /** How the last process ended, if one has: its exit code, or a signal. */
  readonly lastExit: Option.Option<string>
}

/** How an entry's file says that the program is started. */
export interface Start {
  readonly command: ReadonlyArray<string>
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  readonly umask: number
}

/** A service manager. */
export interface Manager {
  readonly name: "launchd" | "systemd"
  /** What it calls the entry of a label. */
  readonly nameOf: (label: string) => string
  /** Where entries are written, from the user's home. */
  readonly folder: string
  /** The name of an entry's file. */
  readonly fileOf: (label: string) => string
  /** What is written there. */
  readonly textOf: (unit: Unit) => string
  /** What a file says; none where that is not to be understood. */
  readonly read: (text: string) => Option.Option<Start>
  readonly look: (label: string) => Effect.Effect<State, ManagerError, Exec>
  /** Make the entry of the file known, also for the next log-in, and start it. */
  readonly load: (label: string, file: string) => Effect.Effect<void, ManagerError, Exec>
  /** Start an entry that is known. */
  readonly start: (label: string) => Effect.Effect<void, ManagerError, Exec>
  /** Forget the entry. What runs of it is stopped, which may go on after this. */
  readonly unload: (label: string) => Effect.Effect<void, ManagerError, Exec>
  /** To be run when a file has been removed. */
  readonly reload: Effect.Effect<void, ManagerError, Exec>
  /** How a person starts an entry that was stopped. */
  readonly toStart: (label: string) => string
  /** How a person gives the entry of a label a variable that its file must not hold. */
  readonly toSet: (label: string, name: string) => string
  /** What else a person should know. */
  readonly note: Option.Option<string>
}

/** Run one of its commands; the exit code is the caller's to judge. */
export const ask = (program: string, ...args: ReadonlyArray<string>) =>
  Effect.flatMap(Exec, (exec) => exec.run(program, args, { timeout: "2 minutes" })).pipe(
    Effect.mapError(({ message }) => new ManagerError({ detail: message }))
  )

/** Run one of its commands, which must work. */
export const must = (program: string, ...args: ReadonlyArray<string>) =>
  Effect.flatMap(ask(program, ...args), ({ code, stdout, stderr }) =>
    code === 0
      ? Effect.void
      : new ManagerError({
          code,
          detail: `${[program, ...args].join(" ")} exited with ${code}: ${(stderr.trim() || stdout.trim()).split("\n")[0]}`
        })
  )
