/** Waits for a daemon to exit. */
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { Exec, type ProcessIdentity } from "../services/Exec.ts"
import { empty, type LedgerState, pathOf, peek } from "../services/Ledger.ts"
import { lines } from "./shown.ts"
import { say } from "./terminal.ts"

const CHECK_INTERVAL = "200 millis"

/** One line for each thing that the daemon still has in hand. */
const inHand = ({ claims, vms }: LedgerState): ReadonlyArray<string> => {
  const jobs = [...HashMap.values(claims)].map(({ job, service }) => {
    const vm = [...HashMap.values(vms)].find((vm) => vm.job === job.key)
    return `${service}: job "${job.name}"${vm === undefined ? "" : ` in ${vm.vm}`}`
  })
  const orphans = [...HashMap.values(vms)].filter(({ job }) => !HashMap.has(claims, job)).map(({ vm }) => `VM ${vm}`)
  return [...jobs, ...orphans]
}

/** The state in the ledger of a `state_dir`; empty if it cannot be read. */
export const ledgerIn = (stateDir: string) =>
  Effect.flatMap(pathOf(stateDir), peek).pipe(
    Effect.map(({ state }) => state),
    Effect.orElseSucceed(() => empty)
  )

/** Waits until a daemon has exited, and shows what it waits for if its `state_dir` is known. */
export const untilGone = Effect.fnUntraced(function* (process: ProcessIdentity, stateDir: Option.Option<string>) {
  const exec = yield* Exec
  let shown = ""
  while (yield* exec.isAlive(process)) {
    const owed = Option.isSome(stateDir) ? yield* ledgerIn(stateDir.value) : empty
    const waiting = inHand(owed).map((line) => `  waiting for ${line}`)
    const said = waiting.join("\n")
    if (said !== shown && said !== "") yield* say(lines(waiting))
    shown = said
    yield* Effect.sleep(CHECK_INTERVAL)
  }
})
