/** How to run this program again: for the demo, the simulator's `anka`, and `anklet` itself when it detaches. */

/**
 * The program, and the arguments that precede its own: none for the one file of a release, which contains its runtime.
 */
export const commandLine: readonly [program: string, ...args: ReadonlyArray<string>] =
  typeof ANKLET_ONE_FILE === "boolean"
    ? [process.execPath]
    : [process.execPath, ...process.execArgv, process.argv[1] ?? ""]

/** The one file of a release that runs; undefined if Node runs the program. */
export const oneFile: string | undefined = typeof ANKLET_ONE_FILE === "boolean" ? process.execPath : undefined
