/** What can be wrong with the config. */
import { chmodSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { TOKEN } from "../whole/lab.ts"
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const config: ReadonlyArray<Fault> = [
  {
    on: "warnings and notes alone",
    name: "a token that others can read",
    id: "secret-readable",
    level: "warning",
    what: /holds a secret/,
    remedy: /chmod 600 \S+daemon.yml/,
    cause: (host) => chmodSync(host.lab.config, 0o644)
  },
  {
    on: "warnings and notes alone",
    name: "variables of an older Anklet",
    id: "variables-ignored",
    level: "warning",
    what: /RUNNER1_OWNER is set as for Anklet 1 or 2/,
    remedy: /moving-in/,
    cause: (host) => {
      host.lab.env.RUNNER1_OWNER = "o"
    }
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "a file with a token that others can read",
    id: "secret-readable",
    level: "warning",
    what: /home\/token/,
    remedy: /chmod 600 \S+token/,
    cause: (host) => {
      writeFileSync(join(host.lab.home, "token"), TOKEN, { mode: 0o644 })
      host.rewrite(`token: ${TOKEN}`, "token: file:~/token")
    }
  },
  {
    on: "what is not there",
    name: "a config that all may write",
    id: "config-untrusted",
    level: "warning",
    what: /daemon\.yml may be written by other users/,
    remedy: /chmod go-w \S+daemon\.yml/,
    cause: (host) => chmodSync(host.lab.config, 0o622)
  },
  {
    on: "a config",
    name: "with a mistake",
    id: "config-unusable",
    level: "problem",
    what: /`ownr`: did you mean `owner`/,
    remedy: /README/,
    cause: (host) => host.rewrite("owner:", "ownr:")
  },
  {
    on: "a config that is not there",
    name: "at all",
    id: "config-unusable",
    level: "problem",
    what: /there is no such file/,
    remedy: /README/,
    cause: (host) => rmSync(host.lab.config)
  }
]
