/** Runs a program in a terminal of its own, as a person would. */
import { spawn } from "node:child_process"
import { PROGRAM } from "../whole/program.ts"

const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`

/** A program in a terminal, at which a person presses keys. */
export interface Terminal {
  readonly press: (keys: string) => void
  /** Everything that was written so far. */
  readonly seen: () => string
  readonly ended: Promise<number>
}

/** Starts the built program in a terminal of this size, in columns and rows. */
export const openTerminal = (
  args: ReadonlyArray<string>,
  options: {
    readonly env: Record<string, string>
    readonly cwd: string
    readonly columns: number
    readonly rows: number
  }
): Terminal => {
  const { columns, rows } = options
  const command = `stty cols ${columns} rows ${rows}; exec ${[...PROGRAM, ...args].map(quote).join(" ")}`
  const wrapped =
    process.platform === "darwin"
      ? ["-q", "/dev/null", "bash", "-c", command]
      : ["-qec", `bash -c ${quote(command)}`, "/dev/null"]
  const child = spawn("script", wrapped, {
    cwd: options.cwd,
    env: { TERM: "xterm", ...options.env },
    stdio: ["pipe", "pipe", "inherit"]
  })
  let seen = ""
  child.stdout.on("data", (chunk) => {
    seen += chunk
  })
  return {
    press: (keys) => void child.stdin.write(keys),
    seen: () => seen.replaceAll("\r\n", "\n"),
    ended: new Promise((resolve) => child.on("close", (code) => resolve(code ?? -1)))
  }
}

/** Runs the built program in a terminal of this width in columns (`script` is part of Debian's and macOS's base); returns what the person sees. */
export const atTerminal = (
  args: ReadonlyArray<string>,
  options: { readonly env: Record<string, string>; readonly cwd: string; readonly columns?: number }
): Promise<{ readonly code: number; readonly seen: string }> => {
  const command = `stty cols ${options.columns ?? 80}; exec ${[...PROGRAM, ...args].map(quote).join(" ")}`
  const wrapped =
    process.platform === "darwin"
      ? ["-q", "/dev/null", "bash", "-c", command]
      : ["-qec", `bash -c ${quote(command)}`, "/dev/null"]
  const child = spawn("script", wrapped, {
    cwd: options.cwd,
    env: { TERM: "xterm", ...options.env },
    stdio: ["ignore", "pipe", "inherit"]
  })
  let seen = ""
  child.stdout.on("data", (chunk) => {
    seen += chunk
  })
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ code: code ?? -1, seen: seen.replaceAll("\r\n", "\n") }))
  })
}
