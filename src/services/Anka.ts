/** The `anka` command, one typed method each. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type Template, VM_PREFIX, type VmName } from "../domain/Job.ts"
import { hiding } from "../secrets/Secrets.ts"
import type { ExecResult } from "./Exec.ts"

/** A failed `anka` call: which command, its code, its own message, and what kind of failure that is. */
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
    /** The envelope's `code`, else the exit code. */
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

/** A VM or template as `anka list` and `anka show` tell it; everything but name and uuid may be unknown. */
export interface AnkaVm {
  readonly uuid: string
  readonly name: string
  /** `stopped`, `running`, `suspended`, `failed`, or a word this version does not know; `UNCLEAR` where `anka list` does not tell it. */
  readonly status: string
  /** The tag that is checked out; none on clones. */
  readonly tag: Option.Option<string>
  readonly ip: Option.Option<string>
  /** Bytes; `anka list` does not tell them. */
  readonly memory?: number
}

/** The status of a VM that may be running, for all that `anka list` says of it. */
export const UNCLEAR = "unclear"

/** Whether a VM runs, for all that is known. */
export const mayRun = ({ status }: AnkaVm): boolean => status === "running" || status === UNCLEAR

/** Whether a VM has one of the host's places, whoever it belongs to: it runs, or may, or is a clone of ours that is about to. */
export const takesRoom = (vm: AnkaVm): boolean => mayRun(vm) || vm.name.startsWith(VM_PREFIX)

/** The installed Anka. */
export interface AnkaVersion {
  readonly product: string
  /** `major.minor.patch`. */
  readonly version: string
}

/** Its licence, in its own words. */
export interface AnkaLicense {
  readonly status: string
  readonly type: string
}

/** Bytes of a pull: still to fetch, and free for images; none when everything is local. */
export interface PullSize {
  readonly missing: number
  readonly available: number
}

export class Anka extends Context.Tag("anklet/Anka")<
  Anka,
  {
    readonly version: Effect.Effect<AnkaVersion, AnkaError>
    readonly license: Effect.Effect<AnkaLicense, AnkaError>
    /** All VMs and templates of this user's library. An entry that cannot be read is left out, or `UNCLEAR` where it may be running. */
    readonly list: Effect.Effect<ReadonlyArray<AnkaVm>, AnkaError>
    readonly show: (vm: string) => Effect.Effect<AnkaVm, AnkaError>
    /** The tags of a template that are on this host, checked out or not. */
    readonly localTags: (template: string) => Effect.Effect<ReadonlyArray<string>, AnkaError>
    /** Whether a registry, or the default one, answers. */
    readonly registry: (registry: Option.Option<string>) => Effect.Effect<void, AnkaError>
    /** The folder of the images: pulls and clones fill its volume. */
    readonly imageDirectory: Effect.Effect<string, AnkaError>
    readonly pullSize: (
      template: Template,
      registry: Option.Option<string>
    ) => Effect.Effect<Option.Option<PullSize>, AnkaError>
    /** Pull a template's tag (or its newest); has no deadline of its own but a cap of hours. `started` learns the process's id. */
    readonly pull: (
      template: Template,
      registry: Option.Option<string>,
      started: (pid: number) => Effect.Effect<void>
    ) => Effect.Effect<void, AnkaError>
    /** `started` learns the process's id: a clone outlives a killed daemon. */
    readonly clone: (
      template: Template,
      vm: VmName,
      started: (pid: number) => Effect.Effect<void>
    ) => Effect.Effect<void, AnkaError>
    /** Returns when the hypervisor runs the VM, not when macOS is up. */
    readonly start: (vm: VmName) => Effect.Effect<void, AnkaError>
    /** Run a command in the guest. A command's own non-zero exit is a result; 124 and 125 are `GuestUnreachable`. */
    readonly run: (
      vm: VmName,
      command: ReadonlyArray<string>,
      options: { readonly timeout: Duration.DurationInput; readonly stdin?: string }
    ) => Effect.Effect<ExecResult, AnkaError>
    /** Copy a file of the host into the guest; an empty guest path is the home folder of its user. */
    readonly copyIn: (vm: VmName, hostPath: string, guestPath: string) => Effect.Effect<void, AnkaError>
    readonly stop: (vm: string, options: { readonly force: boolean }) => Effect.Effect<void, AnkaError>
    /** Delete a VM or template, running or not; one that is not there counts as deleted. */
    readonly delete: (vm: string) => Effect.Effect<void, AnkaError>
  }
>() {}
