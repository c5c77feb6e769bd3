/** A pass that failed, in the words that decide what its service does next. */
import * as Schema from "effect/Schema"
import { hiding } from "../secrets/Secrets.ts"

/** A pass that failed: what, on what, and what to do; the service logs it at ERROR and makes another pass later. */
export class PluginError extends hiding(
  Schema.TaggedError<PluginError>()("PluginError", {
    /** `Waiting` is no fault (a rate limit): it is not logged at ERROR. The others choose the exit code of `--once`. */
    reason: Schema.Literal("Failed", "Waiting", "Anka", "Credentials", "Store"),
    detail: Schema.String,
    /** Failures with the same `trouble` are reported once, however their `detail` differs; default: the detail. */
    trouble: Schema.optional(Schema.String),
    cause: Schema.optional(Schema.Defect)
  })
) {
  override get message() {
    return this.detail
  }
}
