/** Why a CI has no runner for a job. */
import * as Schema from "effect/Schema"
import { hiding } from "../secrets/Secrets.ts"

/** No runner was registered for the job. */
export class RegistrationError extends hiding(
  Schema.TaggedError<RegistrationError>()("RegistrationError", {
    /**
     * `Elsewhere`: another host or daemon sees to the job. `Failed`: the CI did not let us, for reasons in `detail`.
     * `Unfit`: it takes no runner for this job, `Refused`: nor any of this service, whenever it is asked.
     */
    reason: Schema.Literal("Elsewhere", "Failed", "Unfit", "Refused"),
    detail: Schema.String,
    /** With `Elsewhere`: the runner that stands in the way, where there is one. */
    runner: Schema.optional(Schema.String)
  })
) {
  override get message() {
    return this.detail
  }
}
