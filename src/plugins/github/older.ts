/** Scripts of Anklet 1 and 2 in the plugin's folder: they are called in another way, and every job would fail in them. */
import * as Option from "effect/Option"
import type { Refusal } from "../PluginFiles.ts"

/** A line that is a comment, as bash reads it. */
const COMMENT = /^\s*#.*$/gm

/**
 * What only those scripts do: they take a name, a registration token, an address and labels as arguments, configure the
 * runner with `config.sh`, and install it as a service with `svc.sh`. Ours get a just-in-time configuration on standard
 * input, and the runner starts with `run.sh`.
 */
const SIGNS: ReadonlyArray<readonly [RegExp, string]> = [
  [/\bsvc\.sh\b/, "svc.sh"],
  [/\bconfig\.sh\b/, "config.sh"],
  [/(?:^|\s)--token\b/m, "--token"]
]

/** Why a script in the place of one of ours cannot be used: it was written for Anklet 1 or 2. */
export const refuse = (path: string, text: string): Option.Option<Refusal> => {
  const commands = text.replaceAll(COMMENT, "")
  const signs = SIGNS.flatMap(([sign, name]) => (sign.test(commands) ? [name] : []))
  if (signs.length === 0) return Option.none()
  return Option.some({
    why: `is a script of Anklet 1 or 2 (it calls ${signs.join(" and ")}); every job would fail in it`,
    remedy: `move it aside, and the next start writes the one that works: mv '${path}' '${path}.anklet2'`
  })
}
