/** Compares the installed service with a daemon that is started by hand. */
import * as Effect from "effect/Effect"
import * as Finding from "../domain/Finding.ts"
import type { Check } from "./HostFacts.ts"

export const KINDS = {
  "service-differs": {
    level: "warning",
    why: "What works by hand may fail in the service, or the other way round.",
    remedy: "`anklet service install`, from a shell where all is as it should be"
  },
  "service-secret": {
    level: "warning",
    why: "Every user of this Mac can read the secret there.",
    remedy: "keep it in a file that only you may read (`file:PATH` in the config), and `anklet service install`"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("service", KINDS)

/** The check that the service starts with this config and environment, and exposes no secret; empty where none is installed. */
export const service: Check = {
  subject: "service",
  run: ({ entry }) =>
    Effect.map(Effect.all([entry.differences, entry.exposed]), ([differences, exposed]) => [
      ...(differences.length === 0 ? [] : [found("service-differs", differences.join("; "))]),
      ...exposed.map((what) => found("service-secret", what))
    ])
}
