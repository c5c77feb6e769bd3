/** This very program, as others start it: the demo, the simulator's `anka`, and `anklet` itself when it detaches. */

/** The program, and the arguments in front of its own: none for the one file of a release, which is its own runtime. */
export const commandLine: readonly [program: string, ...args: ReadonlyArray<string>] =
  typeof ANKLET_ONE_FILE === "boolean"
    ? [process.execPath]
    : [process.execPath, ...process.execArgv, process.argv[1] ?? ""]
