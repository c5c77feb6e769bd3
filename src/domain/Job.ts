/** The words of a job, as plain schemas: what every other file may speak of. Imports nothing of ours. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** One CI job, unique over all platforms: `github:<job id>`, say. A re-run is another job; one whose repository is renamed is the same. */
export const JobKey = Schema.NonEmptyString.pipe(Schema.brand("JobKey"))
export type JobKey = typeof JobKey.Type

/** A set of jobs that are watched together, e.g. `github:<owner>/<repo>`, or `github:<owner>` for an organisation. */
export const Scope = Schema.NonEmptyString.pipe(Schema.brand("JobScope"))
export type Scope = typeof Scope.Type

/** Name of a VM that Anklet makes: `anklet-vm-<uuid>`, decided and written down before the VM exists. */
export const VmName = Schema.String.pipe(Schema.pattern(/^anklet-vm-[0-9a-f-]{36}$/), Schema.brand("VmName"))
export type VmName = typeof VmName.Type

/** The prefix by which Anklet's VMs and runners are recognised on a host and at GitHub. */
export const VM_PREFIX = "anklet-vm-"

/** An Anka VM template (UUID, or name) and the tag asked for; no tag means the newest. */
export class Template extends Schema.Class<Template>("anklet/Template")({
  id: Schema.NonEmptyString,
  tag: Schema.optionalWith(Schema.NonEmptyString, { as: "Option" })
}) {
  /** `<uuid>:<tag>`, or `<uuid> (using latest)`: how a template is named to people. */
  override toString() {
    return Option.match(this.tag, { onNone: () => `${this.id} (using latest)`, onSome: (tag) => `${this.id}:${tag}` })
  }
}

/** How a job ended, in GitHub's words; `unknown` when nobody could be asked. */
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

/** What is known of a job, under the log's own keys (spec 5), e.g. `workflowJobId`. */
export const LogFields = Schema.Record({ key: Schema.String, value: Schema.Union(Schema.String, Schema.Number) })
export type LogFields = typeof LogFields.Type

/** Priority of a job that names none; 0 goes first, 9 last. */
export const PRIORITY = 5

/** A queued job that wants a VM: what a plugin tells the coordinator, and what the ledger remembers. */
export class JobRequest extends Schema.Class<JobRequest>("anklet/JobRequest")({
  key: JobKey,
  scope: Scope,
  name: Schema.String,
  template: Template,
  /** Milliseconds since the epoch; older jobs go first, then by name. */
  createdAt: Schema.Number,
  /** 0 to 9, lower ones first; older ledgers do not have it. */
  priority: Schema.optional(Schema.Int.pipe(Schema.between(0, 9))),
  fields: LogFields,
  /** What only the plugin understands; it decodes this with its own schema. */
  detail: Schema.Unknown
}) {}
