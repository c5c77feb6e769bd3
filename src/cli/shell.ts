/** `anklet shell`: a terminal in the VM of a running job. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { lazy } from "../interruption/Lazy.ts"
import { config, handle, UsageError } from "./anklet.ts"
import { isAtTerminal } from "./input.ts"
import { complain, interrupted } from "./terminal.ts"

const target = Args.text({ name: "job" }).pipe(
  Args.withDescription("a service, a VM or runner by its name, or a job by its address, number or name")
)

/** `anklet shell`. */
export const shell = Command.make(
  "shell",
  { config, target },
  handle((given) =>
    Effect.gen(function* () {
      const { find } = yield* lazy(() => import("./shell/find.ts"))
      const guest = yield* lazy(() => import("./shell/guest.ts"))
      const vm = yield* find(given.config, given.target)
      if (!(yield* isAtTerminal))
        return yield* new UsageError({
          detail: `a shell needs a terminal; for one command, run "anka run ${vm} COMMAND"`
        })
      yield* complain(
        `in ${vm} until you leave with exit or Ctrl-D; the VM is removed when its job ends, or when it has been kept for long enough`
      )
      return yield* Effect.raceFirst(guest.shell(vm), Effect.as(interrupted, 0))
    })
  )
).pipe(Command.withDescription("open a terminal in the VM of a running job"))
