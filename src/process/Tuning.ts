/**
 * Tunes the JavaScript engine for a daemon that mostly waits: little memory first, speed second.
 *
 * Loaded before everything else, because the flags do not affect code that is already compiled. Each of them was
 * measured, see docs/performance.md. Applied only to engines they were tested on.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** Releases of Node, all with V8; Bun also reports a Node version, but has another engine. */
const isTried = /^(20|22|24)\./.test(process.versions.node) && process.versions.bun === undefined

const FLAGS = [
  // machine code is for hot loops; ours run every ten seconds
  "--no-opt",
  "--no-sparkplug",
  // keeps the space for new objects small, even while a job creates many
  "--semi-space-growth-factor=1",
  // discards the bytecode of functions not called between two collections, such as those that read the config; they are
  // compiled again when needed
  "--bytecode-old-age=1",
  // returns half-empty pages to the system
  "--compact-on-every-full-gc"
]

/** From here on, prefer low memory use to speed. */
export const tune = (): void => {
  if (isTried) for (const flag of FLAGS) setFlagsFromString(flag)
}

/** Interval at which a daemon checks whether to collect garbage; V8 by itself waits until there is much of it. */
export const COLLECT_EVERY = "30 seconds"
/** Minimum growth of the heap since the last collection, in bytes, that is worth collecting. */
const WORTHWHILE = 1 << 20

/**
 * Returns a function that collects garbage if enough may have accumulated; it does nothing on an engine that does not
 * allow this.
 */
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
