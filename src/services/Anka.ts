/** The `anka` command, with one typed method for each use. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isOurName, type Template, type VmName } from "../domain/Job.ts"
import { hiding } from "../secrets/Secrets.ts"
import type { ExecResult } from "./Exec.ts"

/** A failed `anka` call: the command, its code and message, and the kind of failure. */
export class AnkaError extends hiding(
  Schema.TaggedError<AnkaError>()("AnkaError", {
    reason: Schema.Literal(
      "Missing",
      "NotFound",
      "NameExists",
      "CapacityExceeded",
      "RegistryUnavailable",
      "TagUnknown",
      "NoSpace",
      "LicenseInvalid",
      "VmFailed",
      "GuestUnreachable",
      "Protocol",
      "Timeout",
      "Failed"
    ),
    command: Schema.String,
    /** The envelope's `code`, or else the exit code. */
    code: Schema.optional(Schema.Number),
    detail: Schema.String
  })
) {
  override get message() {
    return this.code === undefined
      ? `${this.command}: ${this.detail}`
      : `${this.command} exited with ${this.code}: ${this.detail}`
  }
}

/** A VM or template as `anka list` and `anka show` report it; everything but name and uuid may be unknown. */
export interface AnkaVm {
  readonly uuid: string
  readonly name: string
  /**
   * `stopped`, `running`, `suspended`, `failed`, or a word that this version does not know; `UNCLEAR` if `anka list`
   * does not say.
   */
  readonly status: string
  /** The tag that is checked out; none for clones. */
  readonly tag: Option.Option<string>
  readonly ip: Option.Option<string>
  /** In bytes; `anka list` does not report it. */
  readonly memory?: number
  /** Number of its cores; `anka list` does not report it. */
  readonly cores?: number
}

/** The status of a VM that may be running, because `anka list` does not say. */
export const UNCLEAR = "unclear"

/** Whether a VM is running, or may be. */
export const mayRun = ({ status }: AnkaVm): boolean => status === "running" || status === UNCLEAR

/**
 * Whether a VM occupies one of the host's VM slots, no matter who made it: it is running, or may be, or is a clone of
 * ours that is about to run.
 */
export const takesRoom = (vm: AnkaVm): boolean => mayRun(vm) || isOurName(vm.name)

/** The installed Anka. */
export interface AnkaVersion {
  readonly product: string
  /** `major.minor.patch`. */
  readonly version: string
}

/** Its licence, in Anka's words. */
export interface AnkaLicense {
  readonly status: string
  readonly type: string
}

/** The size of a pull in bytes: still to fetch, and free for images. */
export interface PullSize {
  readonly missing: number
  readonly available: number
}

/** The installed `anka` command. */
export class Anka extends Context.Tag("anklet/Anka")<
  Anka,
  {
    readonly version: Effect.Effect<AnkaVersion, AnkaError>
    readonly license: Effect.Effect<AnkaLicense, AnkaError>
    /**
     * All VMs and templates in this user's library. An unreadable entry is left out, or is `UNCLEAR` if it may be
     * running.
     */
    readonly list: Effect.Effect<ReadonlyArray<AnkaVm>, AnkaError>
    readonly show: (vm: string) => Effect.Effect<AnkaVm, AnkaError>
    /** The tags of a template on this host, checked out or not. */
    readonly localTags: (template: string) => Effect.Effect<ReadonlyArray<string>, AnkaError>
    /** Succeeds if a registry (by default, Anka's default one) answers. */
    readonly registry: (registry: Option.Option<string>) => Effect.Effect<void, AnkaError>
    /** The folder of the images, whose volume pulls and clones fill. */
    readonly imageDirectory: Effect.Effect<string, AnkaError>
    readonly pullSize: (
      template: Template,
      registry: Option.Option<string>
    ) => Effect.Effect<Option.Option<PullSize>, AnkaError>
    /**
     * Pulls a template's tag (or its newest one). It has no timeout but a limit of hours. `started` receives the
     * process's id.
     */
    readonly pull: (
      template: Template,
      registry: Option.Option<string>,
      started: (pid: number) => Effect.Effect<void>
    ) => Effect.Effect<void, AnkaError>
    /** `started` receives the process's id, because a clone outlives a daemon that is killed. */
    readonly clone: (
      template: Template,
      vm: VmName,
      started: (pid: number) => Effect.Effect<void>
    ) => Effect.Effect<void, AnkaError>
    /** Returns when the hypervisor runs the VM, which is before macOS is up. */
    readonly start: (vm: VmName) => Effect.Effect<void, AnkaError>
    /** Runs a command in the guest. The command's own non-zero exit is a result; 124 and 125 are `GuestUnreachable`. */
    readonly run: (
      vm: VmName,
      command: ReadonlyArray<string>,
      options: { readonly timeout: Duration.DurationInput; readonly stdin?: string }
    ) => Effect.Effect<ExecResult, AnkaError>
    /** Copies a file from the host into the guest; an empty guest path is the home folder of the guest's user. */
    readonly copyIn: (vm: VmName, hostPath: string, guestPath: string) => Effect.Effect<void, AnkaError>
    readonly stop: (vm: string, options: { readonly force: boolean }) => Effect.Effect<void, AnkaError>
    /** Deletes a VM or template, running or not; a missing one counts as deleted. */
    readonly delete: (vm: string) => Effect.Effect<void, AnkaError>
  }
>() {}
