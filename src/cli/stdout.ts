/** Standard output of a command: its reader may go away at any time, and its disk may be full. */

/** Exit code of a command whose output could not be written: see ExitCode.ts, which `--version` does not load. */
const UNUSABLE = 9
/** The reader has seen enough (`anklet logs | head -1`), or its terminal is closed: that is no failure. */
const READER_GONE = ["EPIPE", "EIO", "ECONNRESET"]

/** The first error of standard output. */
let failed: string | undefined
let onGone: (() => void) | undefined

const stdout = (): NodeJS.WriteStream => {
  if (process.stdout.listeners("error").includes(fail)) return process.stdout
  process.stdout.on("error", fail)
  // whatever else became of the command: what it printed is not where it was wanted
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

/** Print a line; done when the system has it, or will never have it. A command that does something goes on without its reader. */
export const sayPlainly = (text: string): Promise<void> =>
  new Promise((resolve) => {
    const out = stdout()
    if (failed !== undefined) return resolve()
    out.write(`${text}\n`, (error) => {
      // Node says it by an event before, Bun after
      if (error) fail(error)
      resolve()
    })
  })

/** Call `act` as soon as nobody reads: for a command that only shows what comes. Returns how to take that back. */
export const whenGone = (act: () => void): (() => void) => {
  onGone = act
  if (failed !== undefined) act()
  return () => {
    onGone = undefined
  }
}
