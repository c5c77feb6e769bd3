/** The host's own scripts around a job: `prepare.bash` before its runner starts, and `after.bash` when it is over. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { span } from "../domain/Format.ts"
import type { Conclusion } from "../domain/Job.ts"
import { type Additions, FILES } from "./Additions.ts"
import type { Evidence } from "./Evidence.ts"
import { type Program, ScriptError } from "./Guest.ts"
import * as HostScript from "./HostScript.ts"
import type { Vm } from "./Vm.ts"

/** Timeout of `prepare.bash`. */
const PREPARE_WITHIN = Duration.minutes(20)
/** Timeout of `after.bash`. */
const AFTER_WITHIN = Duration.minutes(2)
/** Maximum time by which `after.bash` delays the removal of its VM, whatever the VM does. */
const DELAY = Duration.seconds(150)

/** Tells that a script ended well, with its last lines. */
const logged = (file: string, output: string, { secrets }: Program) =>
  Effect.logInfo(`${file} ended in the VM${said(HostScript.words(output, secrets))}`)

const said = (words: string) => (words === "" ? "" : `. Its last lines: ${words}`)

/**
 * Run the host's `prepare.bash`, if it has one. Fails with `ScriptError` where the script does not exit with 0, or not in
 * time: then the VM is not as its jobs need it.
 */
export const prepare = Effect.fn("AroundJob.prepare")(function* (
  vm: Vm,
  program: Program,
  { prepare, variables }: Additions
) {
  if (Option.isNone(prepare)) return
  yield* Effect.logInfo(`running ${FILES.prepare} in the VM`)
  const script = { name: "prepare", text: prepare.value, variables, timeout: PREPARE_WITHIN }
  const { failure, output } = yield* HostScript.run(vm, script)
  if (Option.isNone(failure)) return yield* logged(FILES.prepare, output, program)
  return yield* new ScriptError({
    script: FILES.prepare,
    failure: failure.value,
    output: HostScript.words(output, program.secrets) || "it printed nothing"
  })
})

/**
 * Run the host's `after.bash`, if it has one, and the VM still runs. The script has the conclusion of the job as
 * `ANKLET_CONCLUSION`. Whatever becomes of it changes nothing for the job, and delays the removal of the VM by a limited
 * time.
 */
export const after = Effect.fn("AroundJob.after")(function* (
  vm: Vm,
  program: Program,
  { after, variables }: Additions,
  conclusion: Conclusion,
  evidence: Evidence
) {
  if (Option.isNone(after)) return
  const failed = (what: string, output = "") =>
    Effect.gen(function* () {
      yield* evidence.note(`${FILES.after} ${what}`, { "after.log": output })
      const words = HostScript.words(output, program.secrets)
      yield* Effect.logWarning(
        `${FILES.after} ${what} in the VM, which changes nothing for its job${yield* evidence.words}${said(words)}`
      )
    })
  const script = {
    name: "after",
    text: after.value,
    variables: [...variables, ["ANKLET_CONCLUSION", conclusion] as const],
    timeout: AFTER_WITHIN
  }
  yield* Effect.gen(function* () {
    // a command in a VM that has stopped would start it again
    if (!(yield* vm.isRunning))
      return yield* Effect.logDebug(`${FILES.after} is left out: the VM does not run any more`)
    yield* Effect.logInfo(`running ${FILES.after} in the VM`)
    const { failure, output } = yield* HostScript.run(vm, script)
    yield* Option.match(failure, {
      onNone: () => logged(FILES.after, output, program),
      onSome: (what) => failed(what, output)
    })
  }).pipe(
    Effect.catchAll((error) =>
      Effect.logWarning(`${FILES.after} was lost, which changes nothing for its job: ${error.message}`)
    ),
    Effect.timeoutOption(DELAY),
    Effect.flatMap((ended) =>
      Option.isSome(ended)
        ? Effect.void
        : Effect.logWarning(
            `${FILES.after} is given up, because the VM has not told its end within ${span(DELAY)}. That changes nothing for its job`
          )
    )
  )
})
