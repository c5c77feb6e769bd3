/**
 * Prevents what a runtime would do with this process by itself: open its debugger, or trust a folder as the user's
 * home.
 *
 * A debugger is a port of this host at which every local user can read the process's memory, secrets included.
 */

import { userHome } from "../config/UserHome.ts"
import { without } from "../secrets/Secrets.ts"

/** Exit code for a file or folder that cannot be used: see ExitCode.ts, which is not loaded for this. */
const UNUSABLE = 9
/** Exit code for an internal error. */
const INTERNAL = 1

const refuse = (text: string): never => {
  process.stderr.write(`anklet: ${text}\n`)
  return process.exit(UNUSABLE)
}

/**
 * Closes the debugger that Node may have opened because of `--inspect` in `NODE_OPTIONS`, or of a SIGUSR1 that arrived
 * before its listener.
 */
export const closeDebugger = (): void => {
  // what `inspector.close` of node:inspector calls, without the 400 kB that this module takes
  const close: unknown = Reflect.get(process, "_debugEnd")
  if (typeof close === "function") close()
}

/**
 * Keeps the environment, which may hold secrets, out of the reports that `NODE_OPTIONS` may request
 * (nodejs.org/api/report.html).
 */
const withoutEnvironment = ({ report }: NodeJS.Process): void => {
  if (report === undefined) return
  // from Node 22.13 on
  if ("excludeEnv" in report) return void Reflect.set(report, "excludeEnv", true)
  // older versions cannot leave it out, so they write no reports
  for (const cause of ["reportOnFatalError", "reportOnSignal", "reportOnUncaughtException"] as const)
    if (report[cause]) report[cause] = false
}

/**
 * Prints an unexpected error and exits. The runtime would print everything that the error holds, such as a command's
 * arguments.
 */
const lastWords = (error: unknown): never => {
  const said = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`anklet: internal error: ${without(said)}\n`)
  return process.exit(INTERNAL)
}

/** Takes control of the process from its runtime. Exits if that is not possible. */
export const prepare = (): void => {
  withoutEnvironment(process)
  process.on("uncaughtException", lastWords)
  // on this signal Node opens its debugger and Bun dies (nodejs.org/api/process.html, "Signal events"); the daemon adds
  // its own listener
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
