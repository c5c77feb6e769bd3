/** `LOG_LEVEL`: how much is logged, and for whom. Imports nothing: it is read before anything else is loaded. Pure. */

/** What the log is; `dev` is for people. */
export type Level = "INFO" | "DEBUG" | "WARN" | "ERROR" | "dev"

const LEVELS: Readonly<Record<string, Level>> = {
  info: "INFO",
  debug: "DEBUG",
  warn: "WARN",
  warning: "WARN",
  error: "ERROR",
  dev: "dev",
  // Anklet 2 called it so as well
  "debug-pretty": "dev"
}

/** The level of this name, in upper or lower case; a blank one is as none. Undefined for others. */
export const levelOf = (name: string): Level | undefined => {
  const key = name.trim().toLowerCase()
  return key === "" ? "INFO" : Object.hasOwn(LEVELS, key) ? LEVELS[key] : undefined
}
