/** What each signal means to the daemon, which leaves none to its runtime that would kill it with work in hand. */

/** What the daemon does on a signal. */
export type Meaning = "stop" | "drain" | "reopen" | "ignore"

/**
 * Those that a program may take, and whose default is to end it (signal(7); on macOS, signal(3)).
 *
 * Left alone are those that cannot be taken (KILL, STOP, the real-time ones), that say the process itself is broken (SEGV, BUS, FPE, ILL, TRAP,
 * SYS: going on would run into the same fault for ever), that suspend a program in the foreground (TSTP, TTIN, TTOU: Ctrl-Z and
 * `fg` are the user's), and that do nothing by themselves.
 */
const MEANINGS: Readonly<Partial<Record<NodeJS.Signals, Meaning>>> = {
  SIGTERM: "stop",
  SIGINT: "stop",
  // the time on the processor is used up: the next one is SIGKILL
  SIGXCPU: "stop",
  SIGABRT: "stop",
  SIGQUIT: "drain",
  // what a rotator sends: the first by habit, the second by default on macOS (newsyslog.conf(5)); a terminal that closes sends that as well
  SIGUSR1: "reopen",
  SIGHUP: "reopen",
  SIGUSR2: "ignore",
  SIGALRM: "ignore",
  SIGVTALRM: "ignore",
  SIGPROF: "ignore",
  SIGPIPE: "ignore",
  SIGXFSZ: "ignore",
  SIGIO: "ignore",
  SIGSTKFLT: "ignore",
  // Bun suspends its own threads with it
  ...(process.versions.bun === undefined ? { SIGPWR: "ignore" } : {})
}

/** Call `act` on each signal that has a meaning, until the process ends. */
export const listen = (act: (meaning: Meaning, signal: string) => void): void => {
  for (const [signal, meaning] of Object.entries(MEANINGS)) process.on(signal, () => act(meaning, signal))
}
