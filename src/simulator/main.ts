/** `anklet simulate anka|github|runner`: the simulated world, for the demo, the tests and a user's dry run. */
export const main = async (argv: ReadonlyArray<string>): Promise<void> => {
  const [part, ...rest] = argv
  switch (part) {
    case "anka":
      return (await import("./anka/main.ts")).main(rest)
    case "github":
      return (await import("./github/main.ts")).main(rest)
    case "runner":
      return (await import("./runner/main.ts")).main(rest)
    default:
      process.stderr.write("usage: anklet simulate anka|github|runner …\n")
      process.exitCode = 2
  }
}
