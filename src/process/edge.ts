/**
 * What a runtime would do by itself with this process and must not: open its debugger, or take a folder for the user's home.
 *
 * A debugger is a port of this host on which every local user reads the process's memory, secrets and all.
 */

import { userHome } from "../config/UserHome.ts"
import { without } from "../secrets/Secrets.ts"

/** Exit code of what cannot be used: see ExitCode.ts, which is not loaded for this. */
const UNUSABLE = 9
/** That of an internal error. */
const INTERNAL = 1

const refuse = (text: string): never => {
  process.stderr.write(`anklet: ${text}\n`)
  return process.exit(UNUSABLE)
}

/** Close the debugger that Node may have opened: for `--inspect` in `NODE_OPTIONS`, or for a SIGUSR1 that came before its listener. */
export const closeDebugger = (): void => {
  // what `inspector.close` of node:inspector calls, without the 400 kB that this module takes
  const close: unknown = Reflect.get(process, "_debugEnd")
  if (typeof close === "function") close()
}

/** Keep the environment, which may hold secrets, out of the reports that `NODE_OPTIONS` may ask for (nodejs.org/api/report.html). */
const withoutEnvironment = ({ report }: NodeJS.Process): void => {
  if (report === undefined) return
  // from Node 22.13 on
  if ("excludeEnv" in report) return void Reflect.set(report, "excludeEnv", true)
  // an older one cannot leave it out, so that it writes none
  for (const cause of ["reportOnFatalError", "reportOnSignal", "reportOnUncaughtException"] as const)
    if (report[cause]) report[cause] = false
}

/** What nobody expected, as the last words of a process: the runtime would print all that an error holds, such as a command's arguments. */
const lastWords = (error: unknown): never => {
  const said = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`anklet: internal error: ${without(said)}\n`)
  return process.exit(INTERNAL)
}

/** Take the process over from its runtime. Ends it where that cannot be. */
export const prepare = (): void => {
  withoutEnvironment(process)
  process.on("uncaughtException", lastWords)
  // Node opens its debugger on this signal, Bun dies of it (nodejs.org/api/process.html, "Signal events"); the daemon does more with it
  process.on("SIGUSR1", () => {})
  closeDebugger()
  // the debugger of the one file's runtime, which cannot be closed again
  if (process.versions.bun !== undefined && process.env.BUN_INSPECT)
    refuse("BUN_INSPECT is set: it would let every user of this host read the secrets; unset it")
  const home = userHome(process.env.HOME)
  if (home === undefined)
    return refuse(`HOME is no absolute path, and the system knows no home of user ${process.getuid?.()}: set HOME`)
  // also for the programs that this one runs: `anka` keeps its library there
  process.env.HOME = home
}
