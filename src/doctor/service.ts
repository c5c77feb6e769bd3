/** The service that was installed, against a daemon that is started by hand. */
import * as Effect from "effect/Effect"
import * as Finding from "../Finding.ts"
import type { Check } from "./Patient.ts"

export const KINDS = {
  "service-differs": {
    level: "warning",
    why: "What works by hand may fail in the service, or the other way round.",
    remedy: "`anklet service install`, from a shell where all is as it should be"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("service", KINDS)

/** Whether the service starts as its config and this environment say; nothing where there is none. */
export const service: Check = {
  subject: "service",
  run: ({ differences }) =>
    Effect.map(differences, (all) => (all.length === 0 ? [] : [found("service-differs", all.join("; "))]))
}
