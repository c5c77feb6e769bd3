/**
 * `LOG_LEVEL`: how much is logged, and for whom. Imports nothing, because it is read before anything else is loaded.
 * Pure.
 */

/** The levels of the log; `dev` is for people. */
export type Level = "INFO" | "DEBUG" | "WARN" | "ERROR" | "dev"

const LEVELS: Readonly<Record<string, Level>> = {
  info: "INFO",
  debug: "DEBUG",
  warn: "WARN",
  warning: "WARN",
  error: "ERROR",
  dev: "dev",
  // its name in Anklet 2
  "debug-pretty": "dev"
}

/** The level of this name, in upper or lower case; `INFO` for a blank name. Undefined for other names. */
export const levelOf = (name: string): Level | undefined => {
  const key = name.trim().toLowerCase()
  return key === "" ? "INFO" : Object.hasOwn(LEVELS, key) ? LEVELS[key] : undefined
}
