/** The answer to `anklet why`. */
import * as Effect from "effect/Effect"
import { explain } from "./explain.ts"
import { gather } from "./facts.ts"

/** Why the job of this address or number waits. */
export const ask = (job: string) => Effect.map(gather(job), explain)
