/** How an update fails. */
import * as Schema from "effect/Schema"
import { hiding } from "../../secrets/Secrets.ts"

/** The update did not succeed; says what is installed and runs now. */
export class UpdateError extends hiding(Schema.TaggedError<UpdateError>()("UpdateError", { detail: Schema.String })) {
  override get message() {
    return this.detail
  }
}
