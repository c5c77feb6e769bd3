/** A plugin for a CI whose jobs are scripts: it says what jobs there are and takes their results, and Anklet does the rest. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Direct from "../job/Direct.ts"
import type { DirectCi } from "../job/DirectCi.ts"
import * as Pass from "../job/Pass.ts"
import { type Plugin, PluginError, type PluginParts, type ServiceContext } from "./Plugin.ts"
import type { Capabilities } from "./PluginApi.ts"

/** A plugin whose passes Anklet makes. */
export interface DirectPlugin<C, I, R> extends PluginParts<C, I, R> {
  /** The CI of a service, for one pass; it may fail with any error, and what its scope has is released after the pass. */
  readonly ci: (service: ServiceContext, config: C) => Effect.Effect<DirectCi<R>, unknown, R | Scope.Scope>
}

/** The plugin with its passes. */
export const withRun = <C, I>(plugin: DirectPlugin<C, I, Capabilities>): Plugin<C, I, Capabilities> => {
  const ciOf = (service: ServiceContext, config: C) =>
    Effect.suspend(() => plugin.ci(service, config)).pipe(
      Effect.mapError((cause) =>
        cause instanceof PluginError
          ? cause
          : new PluginError({ reason: "Failed", detail: `plugin ${plugin.name}: ${Direct.messageOf(cause)}`, cause })
      ),
      Effect.map((given) => Direct.ciOf(plugin.name, service.name, given))
    )
  return {
    ...plugin,
    run: (service, config) => Effect.flatMap(ciOf(service, config), (ci) => Pass.run(service, ci)),
    look: (service, config) => Effect.flatMap(ciOf(service, config), (ci) => Pass.look(service, ci))
  }
}
