/**
 * What each signal means to the daemon. It handles every signal by which the runtime would kill it while it has work in
 * hand.
 */

/** What the daemon does on a signal. */
export type Meaning = "stop" | "drain" | "reopen" | "reload" | "ignore"

/**
 * The signals that a program may handle, and whose default is to end it (signal(7); on macOS, signal(3)).
 *
 * Not handled are signals that cannot be (KILL, STOP, the real-time ones), that report a fault of the process itself
 * (SEGV, BUS, FPE, ILL, TRAP, SYS: continuing would hit the same fault forever), that suspend a program in the
 * foreground (TSTP, TTIN, TTOU: Ctrl-Z and `fg` belong to the user), and that do nothing by default.
 */
const MEANINGS: Readonly<Partial<Record<NodeJS.Signals, Meaning>>> = {
  SIGTERM: "stop",
  SIGINT: "stop",
  // the limit of processor time is reached: the next signal is SIGKILL
  SIGXCPU: "stop",
  SIGABRT: "stop",
  SIGQUIT: "drain",
  // what log rotation sends
  SIGUSR1: "reopen",
  // by convention for a changed config; log rotation sends it by default on macOS (newsyslog.conf(5)), and so does a
  // closing terminal
  SIGHUP: "reload",
  SIGUSR2: "ignore",
  SIGALRM: "ignore",
  SIGVTALRM: "ignore",
  SIGPROF: "ignore",
  SIGPIPE: "ignore",
  SIGXFSZ: "ignore",
  SIGIO: "ignore",
  SIGSTKFLT: "ignore",
  // Bun uses it to suspend its own threads
  ...(process.versions.bun === undefined ? { SIGPWR: "ignore" } : {})
}

/** Calls `act` on each signal that has a meaning, until the process ends. */
export const listen = (act: (meaning: Meaning, signal: string) => void): void => {
  for (const [signal, meaning] of Object.entries(MEANINGS)) process.on(signal, () => act(meaning, signal))
}
