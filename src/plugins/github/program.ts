/** The runner as a program in the guest: installed, registered and started by three scripts, asked to end, and waited for. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Vm } from "../../job/Vm.ts"
import { hiding } from "../../secrets/Secrets.ts"
import { Anka, type AnkaError } from "../../services/Anka.ts"
import { Ledger, RunnerStarted } from "../../services/Ledger.ts"
import { Network } from "../../services/Network.ts"
import { type Call, surrounded } from "./guest.ts"
import { clean, lastWords } from "./lastWords.ts"

/** Timeouts of the scripts: one that needs nothing but the guest, and the one that may download the runner. */
const SCRIPT_WITHIN = "2 minutes"
const INSTALL_WITHIN = "20 minutes"

/**
 * Ask the runner in the guest to end its job the way Ctrl-C in a terminal does, so that GitHub frees it at once: the
 * signal goes to run.sh and all that it started, because run.sh by itself does not pass it on.
 */
export const interrupt = (vm: Vm) =>
  Effect.flatMap(Anka, (anka) =>
    anka.run(vm.name, ["bash", "-c", 'kill -INT -- "-$(cat actions-runner/runner.pid)"'], { timeout: "10 seconds" })
  ).pipe(Effect.ignore)

/** A script that failed in the VM. */
export class ScriptError extends hiding(
  Schema.TaggedError<ScriptError>()("ScriptError", {
    script: Schema.String,
    code: Schema.Number,
    output: Schema.String
  })
) {
  override get message() {
    return `${this.script} exited with ${this.code} in the VM: ${this.output}`
  }
}

const SCRIPTS = ["install-runner.bash", "register-runner.bash", "start-runner.bash"] as const

/** Copy the three scripts into the VM and run them there; the secret goes in on standard input. */
export const start = Effect.fn("runner.start")(function* (
  runner: { readonly name: string; readonly vm: Vm },
  options: {
    readonly directory: string
    readonly archive: { readonly url: string; readonly sha256: string }
    readonly jitConfig: Redacted.Redacted<string>
  }
) {
  const anka = yield* Anka
  const ledger = yield* Ledger
  const { guest } = yield* Network
  const [install, register, start] = SCRIPTS
  const script = (
    name: (typeof SCRIPTS)[number],
    { command, stdin }: Call,
    timeout: typeof INSTALL_WITHIN | typeof SCRIPT_WITHIN
  ): Effect.Effect<void, AnkaError | ScriptError, Anka> =>
    Effect.flatMap(
      anka.run(runner.vm.name, command, { timeout, ...(stdin === undefined ? {} : { stdin }) }),
      ({ code, stdout, stderr }) =>
        code === 0
          ? Effect.logDebug(clean(stdout))
          : Effect.flatMap(name === start ? lastWords(runner.vm) : Effect.succeed(""), (words) =>
              Effect.fail(new ScriptError({ script: name, code, output: `${clean(stderr.trim() || stdout)}${words}` }))
            )
    )
  yield* Effect.logInfo("installing, registering and starting the runner in the VM")
  for (const name of SCRIPTS) yield* anka.copyIn(runner.vm.name, `${options.directory}/${name}`, "")
  const { url, sha256 } = options.archive
  yield* script(install, surrounded(guest, [`./${install}`, url, sha256]), INSTALL_WITHIN)
  const jitConfig = `${Redacted.value(options.jitConfig)}\n`
  yield* script(register, { command: ["bash", `./${register}`], stdin: jitConfig }, SCRIPT_WITHIN)
  yield* ledger.append(RunnerStarted.make({ runner: runner.name }))
  yield* script(start, surrounded(guest, [`./${start}`]), SCRIPT_WITHIN)
})

/** Maximum number of half seconds that a start is waited for which a killed daemon had asked for: it may still be on its way. */
const START_TRIES = 10

/** Whether the runner's process was ever started in the VM; a question that failed is no answer, and taken for yes. */
export const began = Effect.fnUntraced(function* (vm: Vm) {
  const anka = yield* Anka
  const isThere = "[ -e actions-runner/runner.pid ] || [ -e actions-runner/runner.exit ]"
  return yield* anka
    .run(
      vm.name,
      ["bash", "-c", `for i in {1..${START_TRIES}}; do if ${isThere}; then exit 0; fi; sleep 0.5; done; exit 1`],
      { timeout: "30 seconds" }
    )
    .pipe(
      Effect.map(({ code }) => code === 0),
      Effect.orElseSucceed(() => true)
    )
})

/** A link to the guest that breaks is tried again while the VM runs, for about three minutes; then the VM counts as dead inside. */
const LINK_RETRIES = Schedule.intersect(Schedule.spaced("5 seconds"), Schedule.recurs(36))

/** Waits for the runner's process in the VM to end, and tells its exit code; works for a runner that an earlier life started. */
export const ended = Effect.fnUntraced(function* (vm: Vm) {
  const anka = yield* Anka
  const isRunning = anka.show(vm.name).pipe(
    Effect.map(({ status }) => status === "running"),
    // a question that failed is no answer
    Effect.catchAll((error) => Effect.succeed(error.reason !== "NotFound"))
  )
  const { stdout } = yield* anka
    .run(
      vm.name,
      ["bash", "-c", "cd actions-runner && while [ ! -f runner.exit ]; do sleep 0.5; done; cat runner.exit"],
      { timeout: "6 days" }
    )
    .pipe(Effect.retry({ while: () => isRunning, schedule: LINK_RETRIES }))
  return Number(stdout.trim())
})
