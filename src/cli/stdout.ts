/** Standard output of a command: its reader may exit at any time, and its disk may be full. */

/** Exit code of a command whose output could not be written: see ExitCode.ts, which `--version` does not load. */
const UNUSABLE = 9
/**
 * Error codes that mean that the reader has exited (`anklet logs | head -1`), or its terminal was closed, which is not
 * a failure.
 */
const READER_GONE = ["EPIPE", "EIO", "ECONNRESET"]

/** The first error of standard output. */
let failed: string | undefined
let onGone: (() => void) | undefined

const stdout = (): NodeJS.WriteStream => {
  if (process.stdout.listeners("error").includes(fail)) return process.stdout
  process.stdout.on("error", fail)
  // whatever the command's outcome: its output did not arrive
  process.on("exit", () => {
    if (failed === undefined || READER_GONE.includes(failed)) return
    process.stderr.write(`anklet: standard output cannot be written (${failed})\n`)
    if (process.exitCode === undefined || process.exitCode === 0) process.exitCode = UNUSABLE
  })
  return process.stdout
}

const fail = (error: NodeJS.ErrnoException): void => {
  failed ??= error.code ?? error.message
  onGone?.()
}

/**
 * Prints a line; resolves when the system has it, or never will. A command that does work continues without its reader.
 */
export const sayPlainly = (text: string): Promise<void> =>
  new Promise((resolve) => {
    const out = stdout()
    if (failed !== undefined) return resolve()
    out.write(`${text}\n`, (error) => {
      // Node emits an event before this callback, Bun after it
      if (error) fail(error)
      resolve()
    })
  })

/**
 * Calls `act` as soon as nobody reads: for a command that only shows what comes. Returns a function that cancels this.
 */
export const whenGone = (act: () => void): (() => void) => {
  onGone = act
  if (failed !== undefined) act()
  return () => {
    onGone = undefined
  }
}
