/** The entry point: answers `--version` before anything is loaded, and loads only the requested part of the program. */

import { plain } from "./cli/parser/plain.ts"
import { prepare } from "./process/edge.ts"
import { build } from "./process/version.ts"
import { levelOf } from "./services/Log/level.ts"

// first of all, because what is loaded below may contain secrets
prepare()
if (levelOf(process.env.LOG_LEVEL ?? "") === "dev") process.setSourceMapsEnabled(true)

const [first, second] = process.argv.slice(2)
/** Whether the second word is not a flag: a person may ask for the help of a command that is started here. */
const isAsked = second === undefined || !second.startsWith("-")
const asked = plain(process.argv.slice(2))

/** Loaded before the daemon, because flags do not affect code that is already compiled. */
const tune = async () => (await import("./process/Tuning.ts")).tune()

if (first === "--version") {
  const { sayPlainly } = await import("./cli/stdout.ts")
  await sayPlainly(`anklet ${build}`)
} else if (first === "simulate" && (isAsked || second === "--help" || second === "-h")) {
  const { main } = await import("./simulator/main.ts")
  await main(process.argv.slice(3))
} else if (first === "daemon" && second !== undefined && isAsked) {
  await tune()
  const { detached } = await import("./daemon/main.ts")
  await detached(process.argv.slice(3))
} else if (first === "demo" && second === undefined) {
  const { main } = await import("./cli/demo.ts")
  await main()
} else if (asked !== undefined) {
  if (asked.attach) await tune()
  const { main } = await import("./cli/start.ts")
  await main(asked)
} else {
  await import("./cli/main.ts")
}
