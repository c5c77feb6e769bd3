/** Checks the proxy settings of the config and the environment. The plugin checks whether GitHub can be reached. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Finding from "../domain/Finding.ts"
import { settle } from "../services/Network.ts"
import type { Check } from "./HostFacts.ts"

export const KINDS = {
  "network-unusable": {
    level: "problem",
    why: "A daemon never starts with a proxy that it cannot use.",
    remedy: "correct the variable or key that is named; docs/network.md has all of them"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("network", KINDS)

/** The check of whether the daemon could start with these settings. */
export const network: Check = {
  subject: "network",
  run: ({ daemon }) =>
    Effect.match(settle(Option.getOrUndefined(Option.map(daemon, ({ network }) => network))), {
      onFailure: ({ message }) => [found("network-unusable", message)],
      onSuccess: ({ authorities }) =>
        authorities.length === 0
          ? []
          : [Finding.ok("network", "the authority in `ca` is trusted beside the usual ones")]
    })
}
