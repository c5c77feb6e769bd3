/** What a simulated host knows, in one file that parallel processes change under a lock. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Mistake } from "../commands/flags.ts"
import type { RegistryTemplate, State, Vm } from "./rules/step.ts"

export type { Vm } from "./rules/step.ts"

/** What a command does wrong, and when. */
export interface Fault {
  /** First words of the command, e.g. `clone` or `registry pull`. */
  readonly command: string
  /** Only the nth call of that command, counted from 1; default: each. */
  readonly nth?: number
  /** Maximum number of calls that have it. */
  readonly times?: number
  readonly fault:
    | "hang"
    | "sleep"
    | "empty"
    | "truncated"
    | "garbage"
    | "ok-exit-1"
    | "error-exit-0"
    | "fail"
    | "fail-after"
    | "failed-state"
    | "no-op"
  /** For `sleep`, in milliseconds. */
  readonly ms?: number
  /** For `fail` and `fail-after` (which fails after its work was done). */
  readonly code?: number
  readonly message?: string
}

/** All of a simulated host, which its tests may change at any time. */
export interface Host extends State {
  version: string
  license: { status: string; type: string; error?: string }
  limit: number
  phantoms: number
  free: number
  secondPull: State["secondPull"]
  registry: { name: string; url: string; down: boolean; error?: string; templates: Array<RegistryTemplate> }
  vms: Array<Vm>
  pulling?: { readonly pid: number; readonly template: string }
  /** Durations in milliseconds: of commands, of a boot, and of the time until a VM has an address. */
  takes: { clone: number; start: number; boot: number; ip: number; pull: number; delete: number; stop: number }
  /** What the tool prints besides its result. */
  prints: { newline: boolean; progress: boolean; bare: boolean }
  faults: Array<Fault>
  counts: Record<string, number>
}

/** The simulated host's folder, from `ANKA_SIM_HOME`. */
export const homeOf = (env: NodeJS.ProcessEnv): string => {
  const home = env.ANKA_SIM_HOME
  if (!home)
    throw new Mistake('ANKA_SIM_HOME is not set: it names the folder of a host that "anklet simulate host DIR" made')
  return home
}

const sleepSync = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** Whether a process lives. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A lock file is made whole by link(2), so every reader finds its owner in it. */
const lock = (home: string) => {
  const path = join(home, "state.lock")
  const mine = `${path}.${process.pid}`
  writeFileSync(mine, String(process.pid))
  for (;;) {
    try {
      linkSync(mine, path)
      rmSync(mine)
      return () => rmSync(path, { force: true })
    } catch {
      breakStale(path)
      sleepSync(2)
    }
  }
}

/** A holder that was killed leaves its lock behind: moved away first, so that two breakers cannot both remove one. */
const breakStale = (path: string) => {
  try {
    if (isAlive(Number(readFileSync(path, "utf8")))) return
    const aside = `${path}.stale.${process.pid}`
    renameSync(path, aside)
    // between the look and the move another breaker may have been faster, and a living process may hold it now
    if (isAlive(Number(readFileSync(aside, "utf8")))) linkSync(aside, path)
    rmSync(aside)
  } catch {
    // taken or given back this moment
  }
}

/** The host as it is now. */
export const read = (home: string): Host => JSON.parse(readFileSync(join(home, "state.json"), "utf8"))

/** Change the host in one step; nothing is changed when it throws. */
export const change = <A>(home: string, f: (host: Host) => A): A => {
  const unlock = lock(home)
  try {
    const host = read(home)
    const result = f(host)
    write(home, host)
    return result
  } finally {
    unlock()
  }
}

/** Put a host in the place of the one that is there. */
export const write = (home: string, host: Host): void => {
  const fresh = join(home, `state.json.${process.pid}`)
  writeFileSync(fresh, JSON.stringify(host, undefined, 1))
  renameSync(fresh, join(home, "state.json"))
}
