/** GitHub's runner as a program in the guest: installed, registered and started by three scripts. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Guest from "../../job/Guest.ts"
import type { Vm } from "../../job/Vm.ts"

/** The runner, as `start-runner.bash` leaves it. It needs Ctrl-C to free its job at GitHub at once: `run.sh` by itself passes no signal on. */
export const RUNNER: Guest.Program = {
  name: "runner",
  folder: "actions-runner",
  secrets: [[/\b(?:gh[a-z]_|github_pat_)\w+/g, "[…]"]],
  version: {
    // a job's name stands behind the time of its line, and so it cannot pass for one of these
    pattern:
      "^Current runner version: .[0-9.]{1,20}|^An error occurr?ed: (Error: )?(Forbidden )?Runner version v[0-9.]{1,20} is deprecated",
    of: (found) =>
      Option.map(Option.fromNullable(/\b(?:version: .|version v)(\d[\d.]*)/.exec(found)?.[1]), (version) => ({
        version,
        isRefused: found.includes(" is deprecated")
      }))
  }
}

const INSTALL = "install-runner.bash"
const REGISTER = "register-runner.bash"
const START = "start-runner.bash"

/** How the runner is started; the secret goes in on standard input. */
export const startOf = (options: {
  /** The folder of the three scripts on this host. */
  readonly directory: string
  readonly archive: { readonly url: string; readonly sha256: string }
  readonly jitConfig: Redacted.Redacted<string>
}): Guest.Start => {
  const { url, sha256 } = options.archive
  const jitConfig = Redacted.make(`${Redacted.value(options.jitConfig)}\n`)
  return {
    what: "installing, registering and starting the runner in the VM",
    files: [INSTALL, REGISTER, START].map((name) => `${options.directory}/${name}`),
    prepare: [
      { name: INSTALL, bash: [`./${INSTALL}`, url, sha256], input: "network", timeout: "20 minutes" },
      { name: REGISTER, bash: [`./${REGISTER}`], input: jitConfig }
    ],
    start: { name: START, bash: [`./${START}`], input: "network" }
  }
}

/**
 * Whether the runner says that it runs a job. It knows where GitHub denies all: a deleted repository and a credential that
 * lost its access look alike. A guest that does not answer may well be at work.
 */
export const isAtWork = (vm: Vm) =>
  Guest.tail(vm, RUNNER).pipe(
    // "2026-01-01 00:00:00Z: Running job: build", and "…: Job build completed with result: Succeeded" at its end
    Effect.map((log) =>
      log.split("\n").findLast((line) => /: Running job: |: Job .* completed with result: /.test(line))
    ),
    Effect.map((line) => line?.includes(": Running job: ") === true),
    Effect.orElseSucceed(() => true)
  )
