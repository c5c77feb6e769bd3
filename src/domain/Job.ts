/** The vocabulary of jobs, as plain schemas that every other file may use. Imports nothing of ours. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * One CI job, unique across all platforms, e.g. `<plugin>:<job id>`. A re-run is a different job; a job whose repository
 * is renamed stays the same.
 */
export const JobKey = Schema.NonEmptyString.pipe(Schema.brand("JobKey"))
export type JobKey = typeof JobKey.Type

/** A set of jobs that are polled together, e.g. `<plugin>:<owner>/<repo>`, or `<plugin>:<owner>` for an organisation. */
export const Scope = Schema.NonEmptyString.pipe(Schema.brand("JobScope"))
export type Scope = typeof Scope.Type

/** Name of a VM that Anklet makes: `anklet-vm-<uuid>`, chosen and recorded before the VM exists. */
export const VmName = Schema.String.pipe(Schema.pattern(/^anklet-vm-[0-9a-f-]{36}$/), Schema.brand("VmName"))
export type VmName = typeof VmName.Type

/** The prefix that identifies Anklet's VMs on a host. */
export const VM_PREFIX = "anklet-vm-"

/** Whether Anklet gave this name to a VM. */
export const isOurName = (name: string): boolean => name.startsWith(VM_PREFIX)

/** The prefix that identifies Anklet's runners at a CI. */
export const RUNNER_PREFIX = "anklet-job-"

/** Whether Anklet gave this name to a runner; before 3.0, runners had the prefix of VMs. */
export const isRunnerName = (name: string): boolean => name.startsWith(RUNNER_PREFIX) || isOurName(name)

/** An Anka VM template (UUID or name) and the requested tag; without a tag, the newest one. */
export class Template extends Schema.Class<Template>("anklet/Template")({
  id: Schema.NonEmptyString,
  tag: Schema.optionalWith(Schema.NonEmptyString, { as: "Option" })
}) {
  /** `<uuid>:<tag>`, or `<uuid> (using latest)`: how people see a template named. */
  override toString() {
    return Option.match(this.tag, { onNone: () => `${this.id} (using latest)`, onSome: (tag) => `${this.id}:${tag}` })
  }
}

/** How a job ended, in the words of its CI; `unknown` if the CI could not be asked. */
export const Conclusion = Schema.Literal(
  "success",
  "failure",
  "neutral",
  "cancelled",
  "skipped",
  "timed_out",
  "action_required",
  "startup_failure",
  "stale",
  "unknown"
)
export type Conclusion = typeof Conclusion.Type

/** What is known about a job, under the log's own keys, e.g. `workflowJobId`. */
export const LogFields = Schema.Record({ key: Schema.String, value: Schema.Union(Schema.String, Schema.Number) })
export type LogFields = typeof LogFields.Type

/** Priority of a job that does not name one; 0 goes first, 9 last. */
export const PRIORITY = 5

/** A queued job that needs a VM: what a plugin reports to the coordinator, and what the ledger records. */
export class JobRequest extends Schema.Class<JobRequest>("anklet/JobRequest")({
  key: JobKey,
  scope: Scope,
  name: Schema.String,
  template: Template,
  /** Milliseconds since the epoch. Older jobs go first; ties are broken by name. */
  createdAt: Schema.Number,
  /** From 0 to 9, lowest first. Absent from older ledgers. */
  priority: Schema.optional(Schema.Int.pipe(Schema.between(0, 9))),
  fields: LogFields,
  /** Opaque to everything but the plugin, which decodes it with its own schema. */
  detail: Schema.Unknown
}) {}
