/** The processes of a test: whether they live, waiting for what they do, and their end. */
import { type SpawnOptions, spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

/** Whether a process lives. A zombie is dead, also where nobody collects it. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")
  } catch {
    return false
  }
}

/** Wait until something is so; fails with the name of the wait when it never is. */
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

/** The processes whose command, as its program and arguments, is one that is meant. */
export const processesOf = (isMeant: (command: ReadonlyArray<string>) => boolean): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => isMeant(textOf(`/proc/${pid}/cmdline`).split("\0")))
    .map(Number)
    .filter(isAlive)

/** The processes that were started in this folder, by the environment or the command line that names it. */
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

/** End everything that runs in a folder of a test, also what a test that failed half-way leaves; done when nothing writes there any more. */
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

/** Run a program, whose end is a promise; what it has printed so far can be asked for meanwhile. */
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
