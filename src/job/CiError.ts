/** A question to a CI that failed, in the words that decide what follows for a job. */
import * as Schema from "effect/Schema"
import { hiding } from "../secrets/Secrets.ts"
import { CAUSES } from "../services/Metrics.ts"

/** Its CI did not do what it was asked to do. */
export class CiError extends hiding(
  Schema.TaggedError<CiError>()("CiError", {
    /**
     * `NotFound`: what was asked for is not there, or may not be seen. `Unavailable`: there was no answer that could be
     * used. `Unauthorized`: the credential is refused, which is the trouble of the service and not of the job. `Forbidden`:
     * it does not suffice. `RateLimited`: the CI is to be asked less.
     */
    reason: Schema.Literal("Failed", "Forbidden", "NotFound", "RateLimited", "Unauthorized", "Unavailable"),
    /** What failed, on what, and what to do. */
    detail: Schema.String,
    /** Not to be asked again before this, in milliseconds since the epoch. */
    until: Schema.optional(Schema.Number),
    /** What a try at a job that failed for this counts as; `ci_failed` by default. */
    counted: Schema.optional(Schema.Literal(...CAUSES)),
    cause: Schema.optional(Schema.Defect)
  })
) {
  override get message() {
    return this.detail
  }
}
