/** The edge: answers `--version` before anything is loaded, and loads only the part of the program that was asked for. */

import { plain } from "./cli/parser/plain.ts"
import { prepare } from "./process/edge.ts"
import { build } from "./process/version.ts"
import { levelOf } from "./services/Log/level.ts"

// before all else: what is loaded below may find secrets
prepare()
if (levelOf(process.env.LOG_LEVEL ?? "") === "dev") process.setSourceMapsEnabled(true)

const [first, second] = process.argv.slice(2)
/** What stands behind the name of a command that is started here: a person may ask for its help. */
const isAsked = second === undefined || !second.startsWith("-")
const asked = plain(process.argv.slice(2))

/** Before the daemon is loaded: code that is compiled already stays as it is. */
const tune = async () => (await import("./process/Tuning.ts")).tune()

if (first === "--version") {
  const { sayPlainly } = await import("./cli/stdout.ts")
  await sayPlainly(`anklet ${build}`)
} else if (first === "simulate" && isAsked) {
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
