/** One number for each way to end; `--help` and the documentation show this table. */

/** What each exit code means. */
export const EXIT_CODES = {
  0: "as asked",
  1: "an internal error",
  2: "a command line that is not understood",
  3: "a config that cannot be used",
  4: "a daemon is running already",
  5: "no daemon is running",
  6: "the store cannot be reached",
  7: "`anka` is missing, unlicensed or does not work",
  8: "GitHub refuses the credentials",
  9: "a folder or file cannot be used, or is in the way",
  10: "a pass failed (with --once)",
  11: "launchd or systemd does not do as asked",
  12: "the doctor found a problem",
  13: "the daemon does not answer",
  14: "a port cannot be used",
  15: "the job is not found, has no VM on this Mac, or could not be asked for",
  16: "there is a newer version (`anklet update --check`)",
  17: "the update did not succeed"
} as const

/** An exit code. */
export type ExitCode = keyof typeof EXIT_CODES

const OF_PASS: Readonly<Record<string, ExitCode>> = { Anka: 7, Credentials: 8, Store: 6 }

/** The exit code of an error. */
export const exitCodeOf = (error: { readonly _tag: string; readonly reason?: string }): ExitCode => {
  switch (error._tag) {
    case "UsageError":
      return 2
    case "ConfigError":
    case "TokenError":
    case "NetworkError":
    case "TracesError":
      return 3
    case "AlreadyRunning":
      return 4
    case "NotRunning":
      return 5
    case "NoAnswer":
      return 13
    case "ControlError":
      return 14
    case "AnkaError":
      return 7
    case "InitError":
    case "JournalError":
    case "HostLockError":
    case "LogError":
    case "LogLevelError":
    case "MigrateError":
    case "PidFileError":
    case "PluginFileError":
    case "StillPaused":
      return 9
    case "ManagerError":
      return 11
    case "DownloadError":
    case "UpdateError":
      return 17
    case "PluginError":
      return OF_PASS[error.reason ?? ""] ?? 10
    case "NoVm":
      return 15
    default:
      return 1
  }
}
