/**
 * Commands in the VM of a running job. `Exec` gives a program neither a terminal nor a pipe that is read while it runs,
 * so these are started here, with the same environment.
 */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { constants } from "node:os"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import { isName } from "../../secrets/Secrets.ts"
import { INSTALLED } from "../../services/Anka/command.ts"
import * as environment from "../../services/Exec/environment.ts"

/**
 * What is run in the VM: `anka run` gives no terminal, so `script`, a part of macOS, makes one there, with the size of
 * the one here. Linux, on which the simulated VMs run, has another `script`.
 */
const IN_A_TERMINAL = [
  'export TERM="$1" SHELL=/bin/bash; size="stty sane rows $2 cols $3 2>/dev/null"',
  'if [ "$(uname)" = Darwin ]; then exec script -q /dev/null bash -c "$size; exec bash -il"; fi',
  "exec script -qec \"bash -c '$size; exec bash -i'\" /dev/null"
].join("\n")

/**
 * In bash: follow the logs of the program that runs the job, also those that begin later. It ends when its input does,
 * so that it does not outlive the command here.
 */
const FOLLOW = [
  'followed=" "; tails=""; exec 3<&0',
  "trap 'kill $tails 2>/dev/null; exit' EXIT HUP INT TERM",
  "{ cat <&3 >/dev/null; kill $$; } & tails=$!",
  "while true; do",
  "  for log in actions-runner/runner.log actions-runner/_diag/*.log anklet-job/job.log; do",
  '    [ -e "$log" ] || continue',
  '    case "$followed" in *" $log "*) continue ;; esac',
  '    followed="$followed$log "; tail -n 50 -f "$log" </dev/null & tails="$tails $!"',
  "  done",
  "  sleep 1",
  "done"
].join("\n")

/** Exit code of this command if `anka` cannot be started. */
const NO_ANKA = 7

const start = (args: ReadonlyArray<string>, stdio: StdioOptions): ChildProcess => {
  const passed = environment.of("anka", process.env, isName)
  const isInPath = (passed.PATH ?? "").split(":").some((folder) => existsSync(`${folder}/anka`))
  return spawn(isInPath ? "anka" : INSTALLED, args, {
    stdio,
    env: { ...passed, ANKA_MACHINE_READABLE: undefined }
  })
}

/** Exit code as a shell counts it. */
const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal])

/** Maximum number of characters of a line that are held back until the line ends. */
const CHUNK = 64 << 10

/**
 * Follow the logs in a VM, until the VM is gone or this is interrupted. `show` gets whole lines and partial last ones,
 * and the guest waits for it.
 */
export const follow = (vm: string, show: (text: string) => Promise<void>): Effect.Effect<number> =>
  Effect.async((resume) => {
    const child = start(["run", vm, "bash", "-c", FOLLOW], ["pipe", "pipe", "pipe"])
    const pass = async (pipe: NodeJS.ReadableStream | null) => {
      let rest = ""
      pipe?.setEncoding("utf8")
      for await (const chunk of pipe ?? []) {
        const text = `${rest}${chunk}`
        const end = text.lastIndexOf("\n")
        // a line without an end is shown in parts
        const shown = text.length - end > CHUNK ? text.length : end
        rest = text.slice(shown + 1)
        if (shown > 0) await show(text.slice(0, shown))
      }
      if (rest !== "") await show(rest)
    }
    const shown = Promise.all([pass(child.stdout), pass(child.stderr)])
    child.on("error", () => resume(Effect.succeed(NO_ANKA)))
    child.on("exit", (code, signal) => void shown.then(() => resume(Effect.succeed(codeOf(code, signal)))))
    return Effect.sync(() => {
      child.stdin?.end()
      child.kill("SIGTERM")
    })
  })

/**
 * Open a terminal in a VM with the streams of this one, each key of which goes to the VM, Ctrl-C too; gives the exit
 * code of the shell there, or that of `anka`.
 */
export const shell = (vm: string): Effect.Effect<number> =>
  Effect.flatMap(
    Effect.orElseSucceed(Config.nonEmptyString("TERM"), () => "xterm"),
    (term) =>
      Effect.async<number>((resume) => {
        const { rows = 24, columns = 80 } = process.stdout
        const command = ["bash", "-c", IN_A_TERMINAL, "bash", term, `${rows}`, `${columns}`]
        process.stdin.setRawMode(true)
        const child = start(["run", vm, ...command], "inherit")
        const end = (code: number) => {
          process.stdin.setRawMode(false)
          resume(Effect.succeed(code))
        }
        child.on("error", () => end(NO_ANKA))
        child.on("exit", (code, signal) => end(codeOf(code, signal)))
        return Effect.sync(() => {
          child.kill("SIGTERM")
          process.stdin.setRawMode(false)
        })
      })
  )
