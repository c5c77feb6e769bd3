/** The program that runs a job in the guest: copied, started in the background, asked to end, and waited for. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { hiding } from "../secrets/Secrets.ts"
import { learned, type ProgramVersion } from "../services/Activity.ts"
import type { AnkaError } from "../services/Anka.ts"
import { OUTPUT_LIMIT } from "../services/Exec.ts"
import { Ledger, RunnerStarted } from "../services/Ledger.ts"
import { Network } from "../services/Network.ts"
import { surrounded } from "./GuestNetwork.ts"
import * as LastWords from "./LastWords.ts"
import type { Variable } from "./Variables.ts"
import type { Vm } from "./Vm.ts"

/**
 * A program in the guest, by what it leaves in a folder of the home folder there: `<name>.pid` with the number of its
 * process group from its start on, `<name>.log`, and `<name>.exit` with its exit code once it has ended. It outlives
 * the process that started it, so that a later daemon finds it.
 */
export interface Program {
  /** Also what it is called in messages. */
  readonly name: string
  readonly folder: string
  /** What must not be shown of its log, beside what looks like a secret anywhere. */
  readonly secrets: LastWords.Secrets
  /** How its log tells which version it has; left out where it does not. */
  readonly version?: {
    /** What `grep -E` finds in the log: text of limited length, whatever else is there. */
    readonly pattern: string
    /** What the text that was found means. */
    readonly of: (found: string) => Option.Option<ProgramVersion>
  }
}

/** One command in the guest on the way to a program that runs. */
export interface Step {
  /** What it is called in messages. */
  readonly name: string
  /** Arguments of `bash`. */
  readonly bash: ReadonlyArray<string>
  /** With `network`, it has the variables of the network and those that the host adds, and no other input. */
  readonly input: "network" | Redacted.Redacted<string>
  /** Timeout; two minutes are enough for what needs nothing but the guest. */
  readonly timeout?: Duration.DurationInput
}

/** How a program is started. */
export interface Start {
  /** One line for the log. */
  readonly what: string
  /** Files of the host that are copied into the home folder of the guest's user. */
  readonly files: ReadonlyArray<string>
  /** What prepares the start, in this order. */
  readonly prepare: ReadonlyArray<Step>
  /** What starts the program in the background. */
  readonly start: Step
}

/** A step that failed in the guest. */
export class ScriptError extends hiding(
  Schema.TaggedError<ScriptError>()("ScriptError", {
    script: Schema.String,
    /** What it did, as the predicate of a sentence: "exited with 3". */
    failure: Schema.String,
    output: Schema.String
  })
) {
  override get message() {
    return `${this.script} ${this.failure} in the VM: ${this.output}`
  }
}

const fileOf = ({ folder, name }: Program, kind: "pid" | "log" | "exit") => `${folder}/${name}.${kind}`

/** The end of the program's log, whole lines of it; fails where the guest does not answer. */
export const tail = (vm: Vm, program: Program) => LastWords.tail(vm, fileOf(program, "log"))

/** The last lines of the program's log, as the end of a message; empty where there are none, or the guest does not answer. */
export const lastWords = (vm: Vm, program: Program) =>
  tail(vm, program).pipe(
    Effect.map((text) => LastWords.clean(text, program.secrets)),
    Effect.tapError((error) => Effect.logDebug(`the ${program.name}'s log cannot be read: ${error.message}`)),
    Effect.orElseSucceed(() => ""),
    Effect.map((words) => (words === "" ? "" : `. The last lines of its ${program.name}.log: ${words}`))
  )

const run = Effect.fnUntraced(function* (
  vm: Vm,
  { bash, input, timeout = "2 minutes" }: Step,
  variables: ReadonlyArray<Variable>
) {
  const { guest } = yield* Network
  const { command, stdin } = Redacted.isRedacted(input)
    ? { command: ["bash", ...bash], stdin: Redacted.value(input) }
    : surrounded(guest, variables, bash)
  return yield* vm.run(command, { timeout, ...(stdin === undefined ? {} : { stdin }) })
})

/**
 * Start a program. That it is about to start is written down before; `runner` is the name under which the ledger has it,
 * and `variables` are what the host adds to the environment of its steps.
 * Fails with `ScriptError` where a step ends with another exit code than 0.
 */
export const start = Effect.fn("Guest.start")(function* (
  vm: Vm,
  program: Program,
  runner: string,
  { what, files, prepare, start }: Start,
  variables: ReadonlyArray<Variable> = []
) {
  const ledger = yield* Ledger
  const clean = (text: string) => LastWords.clean(text, program.secrets)
  const done = Effect.fnUntraced(function* (step: Step): Effect.fn.Return<void, AnkaError | ScriptError> {
    const { code, stdout, stderr } = yield* run(vm, step, variables)
    if (code === 0) return yield* Effect.logDebug(clean(stdout))
    const words = step === start ? yield* lastWords(vm, program) : ""
    const output = `${clean(stderr.trim() || stdout)}${words}`
    return yield* new ScriptError({ script: step.name, failure: `exited with ${code}`, output })
  })
  yield* Effect.logInfo(what)
  for (const file of files) yield* vm.copyIn(file)
  for (const step of prepare) yield* done(step)
  yield* ledger.append(RunnerStarted.make({ runner }))
  yield* done(start)
})

/** Maximum number of places in a program's log that are read for its version. */
const PLACES = 4

/** Maximum number of half seconds that a start is waited for which a killed daemon had asked for: it may still be on its way. */
const START_TRIES = 10

/** Whether the program was ever started in the VM; a guest that does not answer is taken for yes. */
export const began = (vm: Vm, program: Program) => {
  const isThere = `[ -e ${fileOf(program, "pid")} ] || [ -e ${fileOf(program, "exit")} ]`
  return vm
    .run(["bash", "-c", `for i in {1..${START_TRIES}}; do if ${isThere}; then exit 0; fi; sleep 0.5; done; exit 1`], {
      timeout: "30 seconds"
    })
    .pipe(
      Effect.map(({ code }) => code === 0),
      Effect.orElseSucceed(() => true)
    )
}

/** A link to the guest that breaks is tried again while the VM runs, for about three minutes; then the VM counts as dead inside. */
const LINK_RETRIES = Schedule.intersect(Schedule.spaced("5 seconds"), Schedule.recurs(36))

/**
 * Waits for the program to end, and returns its exit code, `NaN` where the guest does not have it; works for one that an
 * earlier daemon started. Reports which version of the program that was, where its log tells.
 */
export const ended = (vm: Vm, { folder, name, version }: Program) => {
  const wait = `cd ${folder} && while [ ! -f ${name}.exit ]; do sleep 0.5; done; cat ${name}.exit`
  const told = version === undefined ? "" : `; grep -oE -m ${PLACES} '${version.pattern}' ${name}.log; true`
  return vm.run(["bash", "-c", `${wait}${told}`], { timeout: "6 days" }).pipe(
    Effect.retry({ while: () => vm.isRunning, schedule: LINK_RETRIES }),
    Effect.tap(({ stdout }) =>
      Option.match(version?.of(stdout) ?? Option.none(), {
        onNone: () => Effect.void,
        onSome: (program) => learned({ program })
      })
    ),
    Effect.map(({ stdout }) => Number.parseInt(stdout, 10))
  )
}

/** Maximum number of bytes that are read of a program's whole log; of a longer one, its end. */
export const LOG_LIMIT = OUTPUT_LIMIT

/** What the program has written, as it wrote it: nothing is hidden in it. */
export const logOf = (vm: Vm, program: Program) =>
  vm.run(["tail", "-c", `${LOG_LIMIT}`, fileOf(program, "log")], { timeout: "1 minute" }).pipe(
    Effect.retry({ while: () => vm.isRunning, schedule: LINK_RETRIES }),
    Effect.map(({ stdout }) => stdout)
  )

/** Ask the program to end as Ctrl-C in a terminal does: the signal goes to all that it has started, too. */
export const interrupt = (vm: Vm, program: Program) =>
  vm
    .run(["bash", "-c", `kill -INT -- "-$(cat ${fileOf(program, "pid")})"`], { timeout: "10 seconds" })
    .pipe(Effect.ignore)
