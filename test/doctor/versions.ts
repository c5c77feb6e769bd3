/** What can be wrong with the versions of runners. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Fault } from "./Fault.ts"
import type { Host } from "./host.ts"

/** Records that a job of this template has ended, whose runner told this. */
const hasEnded = (host: Host, template: string, program: { readonly version: string; readonly isRefused: boolean }) => {
  const state = join(host.lab.folder, "daemon", "state")
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const job = { key: "github:1", name: "build", template, attempt: 1, adopted: false, stages: [], fields: {} }
  const past = { at: Date.now(), service: "RUNNER1", job, outcome: "finished", program }
  writeFileSync(join(state, "history.jsonl"), `${JSON.stringify(past)}\n`, { mode: 0o600 })
}

/** Its faults. */
export const versions: ReadonlyArray<Fault> = [
  {
    on: "GitHub",
    name: "refuses the runner of a template",
    id: "runner-version-refused",
    level: "problem",
    what: /^GitHub gave no job to the runner 2\.320\.0 in template some-template$/,
    remedy: /newest runner into the template/,
    cause: (host) => hasEnded(host, "some-template", { version: "2.320.0", isRefused: true })
  },
  {
    on: "GitHub's own servers",
    name: "take no such old runner",
    id: "runner-version-old",
    level: "warning",
    what: /^`runner_version` 2\.328\.0 is too old for GitHub$/,
    remedy: /leave `runner_version`/,
    cause: (host) => {
      // where no request leaves this machine
      host.rewrite("services:", "proxy: http://127.0.0.1:1\nservices:")
      host.rewrite(/api_url: .*/, "api_url: https://api.github.com")
      const runner = `runner_version: 2.328.0\n    runner_sha256: ${"a".repeat(64)}`
      host.rewrite("sleep_interval", `${runner}\n    sleep_interval`)
    }
  }
]
