/** What is wrong with a config that a running daemon was to take over, and did not. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Set at a reload, and shown by the status until a later one finds nothing wrong. */
interface Problem {
  /** In words for people; empty if nothing is wrong. */
  readonly get: Effect.Effect<string>
  readonly set: (problem: string) => Effect.Effect<void>
}

/** The problem; none, unless the layer is provided. */
export class RefusedConfig extends Context.Reference<RefusedConfig>()("anklet/RefusedConfig", {
  defaultValue: (): Problem => ({ get: Effect.succeed(""), set: () => Effect.void })
}) {
  static readonly layer = Layer.sync(RefusedConfig, (): Problem => {
    let problem = ""
    return {
      get: Effect.sync(() => problem),
      set: (now) =>
        Effect.sync(() => {
          problem = now
        })
    }
  })
}
