/** Who else may read or change a config, as a start tells it. What it takes to find out is loaded then. */
import * as Effect from "effect/Effect"
import type { Raw } from "../config/Config.ts"

/** One sentence for each file that is not its user's alone. */
export const exposed = Effect.fn("exposed")(function* (raw: Raw) {
  const { resolved } = yield* Effect.promise(() => import("./resolved.ts"))
  const { warnings } = yield* Effect.promise(() => import("../config/Open.ts"))
  return yield* warnings(raw.daemon.file, yield* resolved(raw))
})
