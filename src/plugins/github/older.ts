/** Scripts of Anklet 1 and 2 in the plugin's folder: they are called in another way, and every job would fail in them. */
import { dirname } from "node:path"
import * as Option from "effect/Option"
import type { Refusal } from "../PluginFiles.ts"

/** A line that is a comment, as bash reads it. */
const COMMENT = /^\s*#.*$/gm

/**
 * What only those scripts do: they take a name, a registration token, an address and labels as arguments, configure the
 * runner with `config.sh`, and install it as a service with `svc.sh`. Ours get a just-in-time configuration on standard
 * input, and the runner starts with `run.sh`.
 */
const SIGNS: ReadonlyArray<readonly [signs: ReadonlyArray<RegExp>, words: string]> = [
  [[/\bsvc\.sh\b/], "calls svc.sh"],
  [[/\bconfig\.sh\b/], "calls config.sh"],
  [
    [/(?:^|\s)--token\b/, /(?:^|\s)--(?:url|labels|unattended|replace|ephemeral|name)\b/],
    "registers a runner with --token"
  ]
]

/** What a script of ours has, however it was changed: those versions knew no such configuration. */
const OURS = /jit_?config/i

/** Those versions chose the runner in the script. Ours is handed an address and a checksum, and a changed one may be, too. */
const isOlderInstall = (commands: string): boolean =>
  /github\.com\/actions\/runner\/releases/.test(commands) &&
  /\bRUNNER_(?:ARCH|HOME)\b/.test(commands) &&
  !/\$(?:\{?[12]\b|[@*])/.test(commands)

/** Why a script in the place of one of ours cannot be used: it was written for Anklet 1 or 2. */
export const refuse = (path: string, text: string): Option.Option<Refusal> => {
  const commands = text.replaceAll(COMMENT, "")
  const signs = OURS.test(commands)
    ? []
    : SIGNS.flatMap(([all, words]) => (all.every((sign) => sign.test(commands)) ? [words] : []))
  if (isOlderInstall(commands)) signs.push("downloads a runner of its own choice")
  if (signs.length === 0) return Option.none()
  return Option.some({
    why: `is a script of Anklet 1 or 2 (it ${signs.join(" and ")}); every job would fail in it`,
    remedy: `\`anklet config migrate --scripts\` moves it aside, to ${dirname(path)}/anklet2, and the next start writes the one that works`
  })
}
