/** A folder that stands for a VM, in which real programs run. */
import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import * as Effect from "effect/Effect"
import { VmName } from "../../src/domain/Job.ts"
import type { Vm } from "../../src/job/Vm.ts"
import type { ExecResult } from "../../src/services/Exec.ts"

/** A VM whose home is this folder. With `cut`, the link to it breaks once, after so many milliseconds, and what runs goes on. */
export const guestIn = (home: string, cut?: number): Vm => {
  let isWhole = cut === undefined
  return {
    name: VmName.make(`anklet-vm-${randomUUID()}`),
    copyIn: () => Effect.void,
    isRunning: Effect.succeed(true),
    run: ([program = "", ...args], { stdin = "" }) =>
      Effect.async<ExecResult, never>((resume) => {
        const child = spawn(program, args, {
          cwd: home,
          env: { HOME: home, PATH: process.env.PATH ?? "" },
          stdio: "pipe"
        })
        const said = { stdout: "", stderr: "" }
        child.stdout.on("data", (text) => {
          said.stdout += text
        })
        child.stderr.on("data", (text) => {
          said.stderr += text
        })
        child.on("close", (code) => resume(Effect.succeed({ code: code ?? 1, ...said })))
        child.stdin.end(stdin)
        if (isWhole) return
        isWhole = true
        setTimeout(() => child.kill("SIGKILL"), cut)
      })
  }
}
