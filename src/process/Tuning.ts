/**
 * The JavaScript engine, set up for a daemon that mostly waits: little memory first, speed second.
 *
 * Loaded before everything else, because code that is compiled already stays as it is. Each of these was measured, see
 * docs/performance.md. Only for engines that they were tried on: others go without.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** Releases of Node, all with V8; Bun says that it is one, but is none. */
const isTried = /^(20|22|24)\./.test(process.versions.node) && process.versions.bun === undefined

const FLAGS = [
  // machine code is for loops that are hot; ours run every ten seconds
  "--no-opt",
  "--no-sparkplug",
  // the space for new objects stays small, also while a job makes many
  "--semi-space-growth-factor=1",
  // what was not called between two collections, such as the reading of the config, is thrown away and compiled again when it is
  "--bytecode-old-age=1",
  // pages that are half empty are given back
  "--compact-on-every-full-gc"
]

/** Prefer memory to speed, from now on. */
export const tune = (): void => {
  if (isTried) for (const flag of FLAGS) setFlagsFromString(flag)
}

/** How often a daemon looks whether to collect its garbage: V8 by itself waits until there is much of it. */
export const COLLECT_EVERY = "30 seconds"
/** So many bytes more than after the last time are worth it. */
const WORTHWHILE = 1 << 20

/** Collects garbage where enough may have gathered; does nothing where the engine lets nobody ask for it. */
export const collector = (): (() => void) => {
  if (!isTried) return () => {}
  setFlagsFromString("--expose-gc")
  const collect: unknown = runInNewContext("gc")
  if (typeof collect !== "function") return () => {}
  let kept = 0
  return () => {
    if (getHeapStatistics().used_heap_size - kept < WORTHWHILE) return
    collect()
    kept = getHeapStatistics().used_heap_size
  }
}
