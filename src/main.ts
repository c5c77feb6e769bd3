/** The edge: answers `--version` before anything is loaded, and loads only the part of the program that was asked for. */
import { prepare } from "./cli/edge.ts"
import { plain } from "./cli/plain.ts"
import { levelOf } from "./services/log/level.ts"
import { build } from "./version.ts"

// before all else: what is loaded below may find secrets
prepare()
if (levelOf(process.env.LOG_LEVEL ?? "") === "dev") process.setSourceMapsEnabled(true)

const [first, second] = process.argv.slice(2)
/** What stands behind the name of a command that is started here: a person may ask for its help. */
const isAsked = second === undefined || !second.startsWith("-")
const asked = plain(process.argv.slice(2))

/** Before the daemon is loaded: code that is compiled already stays as it is. */
const tune = async () => (await import("./Tuning.ts")).tune()

if (first === "--version") {
  const { sayPlainly } = await import("./cli/stdout.ts")
  await sayPlainly(`anklet ${build}`)
} else if (first === "simulate" && isAsked) {
  const { main } = await import("./simulator/main.ts")
  await main(process.argv.slice(3))
} else if (first === "daemon" && second !== undefined && isAsked) {
  await tune()
  const { detached } = await import("./cli/daemon.ts")
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
