/** What can be wrong with the scripts that run in VMs. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { assert } from "vitest"
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const scripts: ReadonlyArray<Fault> = [
  {
    on: "warnings and notes alone",
    name: "a script that was changed",
    id: "script-differs",
    level: "note",
    what: /start-runner\.bash differs/,
    remedy: /mv \S+start-runner\.bash/,
    cause: (host) => writeFileSync(host.script("start-runner.bash"), "# mine")
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "a script of an older Anklet",
    id: "script-outdated",
    level: "problem",
    what: /register-runner\.bash is a script of Anklet 1 or 2/,
    remedy: /anklet config migrate --scripts/,
    cause: (host) => {
      writeFileSync(host.script("register-runner.bash"), "./config.sh --token $2")
    }
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "a script that cannot be read",
    id: "script-unreadable",
    level: "problem",
    what: /start-runner\.bash cannot be read/,
    remedy: /owner/,
    cause: (host) => void mkdirSync(host.script("start-runner.bash"), { recursive: true })
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "a wrong line in the variables that are added",
    id: "script-unusable",
    level: "problem",
    what: /runner\.env has a wrong line/,
    remedy: /line 2: write NAME=VALUE without `export`/,
    cause: (host) => writeFileSync(host.script("runner.env"), "A=1\nexport B=2\n")
  },
  {
    on: "what is not there",
    name: "a script that all may write",
    id: "script-untrusted",
    level: "problem",
    what: /start-runner\.bash may be written by other users/,
    remedy: /chmod go-w \S+start-runner\.bash/,
    cause: (host) => {
      writeFileSync(host.script("start-runner.bash"), "")
      chmodSync(host.script("start-runner.bash"), 0o777)
    }
  },
  {
    on: "a script",
    name: "that is gone under a daemon",
    id: "script-missing",
    level: "problem",
    what: /start-runner\.bash is not there/,
    remedy: /anew/,
    cause: async (host) => {
      assert.strictEqual((await host.lab.anklet()).code, 0)
      rmSync(host.script("start-runner.bash"))
    }
  }
]
