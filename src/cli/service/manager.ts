/**
 * The service manager, which starts a program when its user logs in and again after a failure: launchd on a Mac,
 * systemd on Linux.
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { hiding } from "../../secrets/Secrets.ts"
import { Exec } from "../../services/Exec.ts"
import type { Unit } from "./unit.ts"

/** The service manager failed. */
export class ManagerError extends hiding(
  Schema.TaggedError<ManagerError>()("ManagerError", {
    detail: Schema.String,
    /** Exit code of its command. */
    code: Schema.optional(Schema.Int),
    /** Whether the service manager cannot be reached from this session, so that nothing was done. */
    isAway: Schema.optionalWith(Schema.Boolean, { default: () => false })
  })
) {
  override get message() {
    return this.detail
  }
}

/** The service manager's view of an entry. */
export interface State {
  /** Whether it knows the entry. */
  readonly isLoaded: boolean
  readonly pid: Option.Option<number>
  /** How the last process ended, if any: its exit code, or a signal. */
  readonly lastExit: Option.Option<string>
}

/** How the program is started, as an entry's file says. */
export interface Start {
  readonly command: ReadonlyArray<string>
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  readonly umask: number
}

/** A service manager. */
export interface Manager {
  readonly name: "launchd" | "systemd"
  /** Its name for the entry of a label. */
  readonly nameOf: (label: string) => string
  /** The folder of entries, relative to the user's home. */
  readonly folder: string
  /** The name of an entry's file. */
  readonly fileOf: (label: string) => string
  /** Files in that folder that it makes itself when it registers an entry. */
  readonly linksOf: (label: string) => ReadonlyArray<string>
  /** The content of the file. */
  readonly textOf: (unit: Unit) => string
  /** Parses a file; none if it cannot be parsed. */
  readonly read: (text: string) => Option.Option<Start>
  /** Fails with `isAway` if the service manager cannot be reached. */
  readonly query: (label: string) => Effect.Effect<State, ManagerError, Exec>
  /** Registers the entry in the file, also for the next log-in, and starts it. */
  readonly load: (label: string, file: string) => Effect.Effect<void, ManagerError, Exec>
  /** Starts a registered entry. */
  readonly start: (label: string) => Effect.Effect<void, ManagerError, Exec>
  /** Unregisters the entry. Its process is stopped, which may take longer than this call. */
  readonly unload: (label: string) => Effect.Effect<void, ManagerError, Exec>
  /** Must be run after a file was removed. */
  readonly reload: Effect.Effect<void, ManagerError, Exec>
  /** The command by which a person starts a stopped entry. */
  readonly toStart: (label: string) => string
  /** How a person gives the entry of a label a variable that its file must not contain. */
  readonly toSet: (label: string, name: string) => string
  /** Anything else that a person should know. */
  readonly note: Option.Option<string>
}

/** Runs one of its commands; the caller judges the exit code. */
export const ask = (program: string, ...args: ReadonlyArray<string>) =>
  Effect.flatMap(Exec, (exec) => exec.run(program, args, { timeout: "2 minutes" })).pipe(
    Effect.mapError(({ message }) => new ManagerError({ detail: message }))
  )

/** Runs one of its commands, which must succeed. */
export const must = (program: string, ...args: ReadonlyArray<string>) =>
  Effect.flatMap(ask(program, ...args), ({ code, stdout, stderr }) =>
    code === 0
      ? Effect.void
      : new ManagerError({
          code,
          detail: `${[program, ...args].join(" ")} exited with ${code}: ${(stderr.trim() || stdout.trim()).split("\n")[0]}`
        })
  )
