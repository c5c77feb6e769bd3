/** Checks the config, and which other users can read its secrets. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { doubtOf, holding, isOpen } from "../config/Open.ts"
import * as Finding from "../domain/Finding.ts"
import type { Check } from "./HostFacts.ts"

export const KINDS = {
  "config-unusable": {
    level: "problem",
    why: "A daemon never starts with a config that is wrong.",
    remedy: "correct the file; the README has an example, docs/configuration.md all keys"
  },
  "variables-ignored": {
    level: "warning",
    why: "They set keys for Anklet 1 and 2. This one reads none of them, and does as the config says.",
    remedy: "write the values into the config, or unset the variables: docs/moving-in.md has the key of each"
  },
  "secret-readable": {
    level: "warning",
    why: "Every user of this Mac can read the secret, and take runners or the queue with it.",
    remedy: "`chmod 600 FILE`"
  },
  "config-untrusted": {
    level: "warning",
    why: "Whoever changes the config decides what runs here, and where tokens go.",
    remedy: "`chmod go-w FILE`, and `chown` where it belongs to another user"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("config", KINDS)

const readable = (path: string) =>
  found("secret-readable", `${path} holds a secret, and others may read it`, { remedy: `\`chmod 600 ${path}\`` })

/** Whether the daemon could start with this config. */
export const config: Check = {
  subject: "config",
  run: (host) =>
    Effect.zipWith(
      Effect.filter(holding(host.file, host.settings), isOpen),
      doubtOf(host.file),
      (readables, doubts) => [
        ...host.problems.map((problem) => found("config-unusable", `${host.file}: ${problem}`)),
        ...(host.problems.length > 0
          ? []
          : [Finding.ok("config", `${host.file} is understood: ${host.services.map(({ name }) => name).join(", ")}`)]),
        ...Option.toArray(Option.map(host.ignored, (what) => found("variables-ignored", what))),
        ...readables.map(readable),
        ...doubts.map(({ path, why, remedy }) => found("config-untrusted", `${path} ${why}`, { remedy }))
      ]
    )
}
