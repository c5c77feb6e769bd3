/** The processes of a test: whether they live, waiting for what they do, and ending them. */
import { type SpawnOptions, spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

/** Whether a process lives. A zombie is dead, even if nobody collects it. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")
  } catch {
    return false
  }
}

/** Waits until a condition holds; fails with the name of the wait if it never does. */
export const until = async (what: string, holds: () => boolean | Promise<boolean>, within = 90_000): Promise<void> => {
  const end = Date.now() + within
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${within} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

/** The processes whose command, as program and arguments, matches. */
export const processesOf = (isMeant: (command: ReadonlyArray<string>) => boolean): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => isMeant(textOf(`/proc/${pid}/cmdline`).split("\0")))
    .map(Number)
    .filter(isAlive)

/** The processes started in this folder, judged by an environment or a command line that names it. */
const processesIn = (folder: string): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => ["environ", "cmdline"].some((file) => textOf(`/proc/${pid}/${file}`).includes(folder)))
    .map(Number)
    .filter(isAlive)

const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // it ended by itself
  }
}

/**
 * Ends everything that runs in a folder of a test, including what a failed test left; resolves when nothing writes
 * there any longer.
 */
export const endAllIn = (folder: string): Promise<void> =>
  until("nothing runs there any more", () => {
    const left = processesIn(folder)
    for (const pid of left) kill(pid)
    return left.length === 0
  })

/** How a program ended, and what it printed. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program, whose end is a promise; its output so far can be read at any time. */
export const run = (
  [program, ...args]: readonly [string, ...ReadonlyArray<string>],
  options: Pick<SpawnOptions, "cwd" | "env" | "uid" | "gid">
) => {
  const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] })
  const said = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk) => {
      said[name] += chunk
    })
  }
  const done = new Promise<Ran>((resolve) => {
    child.on("close", (code) => resolve({ code: code ?? -1, ...said }))
  })
  return { child, done, out: () => said.stdout }
}
