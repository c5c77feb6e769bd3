/** Running a script that this host adds to its VMs: bounded in time and in what it prints, and begun once in a VM. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { span } from "../domain/Format.ts"
import { Network } from "../services/Network.ts"
import { exports, quoted } from "./GuestNetwork.ts"
import * as LastWords from "./LastWords.ts"
import runScript from "./run-script.bash"
import startProgram from "./start-program.bash"
import type { Variable } from "./Variables.ts"
import type { Vm } from "./Vm.ts"

/** A script, and how it is run. */
export interface HostScript {
  /** Its file is `<name>.bash`. */
  readonly name: string
  readonly text: string
  readonly variables: ReadonlyArray<Variable>
  /** Timeout of the script in the VM. */
  readonly timeout: Duration.Duration
}

/** How a script ended. */
export interface Ended {
  /** What went wrong, as the predicate of a sentence about the script; none where it exited with 0. */
  readonly failure: Option.Option<string>
  /** The end of what it printed, as it printed it. */
  readonly output: string
}

/** The folder in the guest that has the scripts, their logs, and how they ended. */
export const FOLDER = "anklet-scripts"

/** Time beyond a script's timeout in which the guest tells how it ended. */
const SLACK = Duration.seconds(30)
/** A link to the guest that breaks is tried again while the VM runs. */
const LINK_RETRIES = Schedule.intersect(Schedule.spaced("5 seconds"), Schedule.recurs(36))
/** Maximum number of characters of the output that are looked at for a message. */
const WORDS = 8192

/** Puts a text into a file in one step, so that one that is being read is not changed. */
const write = (file: string, text: string) => `printf %s ${quoted(text)} >${file}.new && mv ${file}.new ${file} || exit`

const endedOf = (stdout: string, { timeout }: HostScript): Ended => {
  const end = stdout.indexOf("\n") + 1
  const first = stdout.slice(0, end).trim()
  const [, code] = first.match(/^exit (\d+)$/) ?? []
  const output = stdout.slice(end)
  if (code !== undefined)
    return { failure: Number(code) === 0 ? Option.none() : Option.some(`exited with ${Number(code)}`), output }
  if (first === "timeout") return { failure: Option.some(`did not end within ${span(timeout)} and was killed`), output }
  return first === "lost"
    ? { failure: Option.some("could not be started"), output }
    : { failure: Option.some("ended in a way that the VM does not tell"), output: stdout }
}

/**
 * Run a script in the home folder of the guest's user, without input. If it was begun before in this VM, its end is waited
 * for. Fails where the VM does not answer.
 */
export const run = Effect.fn("HostScript.run")(function* (vm: Vm, script: HostScript) {
  const { guest } = yield* Network
  const { name, text, variables, timeout } = script
  const stdin = [
    ...exports(guest, variables),
    "umask 077",
    `mkdir -p ${FOLDER} && cd ${FOLDER} || exit`,
    write("start.bash", startProgram),
    write("run.bash", runScript),
    write(`${name}.bash`, text),
    `exec bash run.bash ${name} ${Math.ceil(Duration.toSeconds(timeout))} </dev/null`
  ]
  // the name is for those who look at the processes: the shell has no use for it
  const { code, stdout, stderr } = yield* vm
    .run(["bash", "-s", `${name}.bash`], { timeout: Duration.sum(timeout, SLACK), stdin: `${stdin.join("\n")}\n` })
    .pipe(
      Effect.retry({
        while: ({ reason }) => (reason === "GuestUnreachable" ? vm.isRunning : Effect.succeed(false)),
        schedule: LINK_RETRIES
      })
    )
  return code === 0
    ? endedOf(stdout, script)
    : { failure: Option.some("could not be written into the VM"), output: stderr }
})

/** The last lines of an output, made fit for a message; empty where there are none. */
export const words = (output: string, secrets: LastWords.Secrets): string => {
  const end = output.slice(-WORDS)
  // no half of a secret at the beginning
  return LastWords.clean(end.length < output.length ? end.slice(end.indexOf("\n") + 1) : end, secrets)
}
