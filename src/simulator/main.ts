/** `anklet simulate …`: the simulated world, for the demo, the tests and a user's dry run. */
import { without } from "../secrets/Secrets.ts"
import { visible } from "../text/Text.ts"
import { Mistake } from "./commands/flags.ts"
import { HELP, isName, type Name, OVERVIEW } from "./commands/help.ts"

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const run = async (name: Name, rest: ReadonlyArray<string>): Promise<number | undefined> => {
  switch (name) {
    case "anka":
      await (await import("./anka/main.ts")).main(rest)
      return undefined
    case "github":
      await (await import("./github/main.ts")).main(rest)
      return undefined
    case "runner":
      await (await import("./runner/main.ts")).main(rest)
      return undefined
    case "host":
      for (const line of (await import("./commands/host.ts")).host(rest)) say(line)
      return 0
    case "world":
      return (await import("./commands/world.ts")).world(rest, say)
    case "queue":
      return (await import("./commands/world.ts")).queue(rest, say)
    case "end":
      return (await import("./commands/world.ts")).end(rest, say)
  }
}

const isHelp = (word: string | undefined) => word === "--help" || word === "-h" || word === "help"

/** Runs one command of the simulator, and sets the exit code of this process. */
export const main = async ([name, ...rest]: ReadonlyArray<string>): Promise<void> => {
  if (name === undefined || isHelp(name)) {
    const [asked] = rest
    for (const line of asked !== undefined && isName(asked) ? HELP[asked] : OVERVIEW) say(line)
    return
  }
  try {
    if (!isName(name))
      throw new Mistake(
        `there is no command "simulate ${name}": known are ${Object.keys(HELP)
          .filter((known) => known !== "runner")
          .join(", ")}`
      )
    if (isHelp(rest[0])) for (const line of HELP[name]) say(line)
    else {
      const code = await run(name, rest)
      if (code !== undefined) process.exitCode = code
    }
  } catch (error) {
    if (!(error instanceof Mistake)) throw error
    process.stderr.write(`anklet: ${visible(without(error.message))}\n`)
    process.exitCode = 2
  }
}
