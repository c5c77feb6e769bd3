/**
 * `anklet simulate github [--port N] [--prefix /api/v3]`: prints its address as one line of JSON and runs until a signal
 * stops it, or until the folder of `--while` is gone.
 */
import { existsSync } from "node:fs"
import { Mistake, read, wholeNumber } from "../commands/flags.ts"
import { start } from "./server.ts"

/** Interval between two checks whether the folder is there, in milliseconds. */
const CHECK_EVERY = 5000

export const main = async (argv: ReadonlyArray<string>): Promise<void> => {
  const { values } = read("github", argv, {
    port: { type: "string", default: "0" },
    prefix: { type: "string" },
    while: { type: "string" }
  })
  const { prefix, while: folder } = values
  const port = wholeNumber("--port", values.port, 0)
  const github = await start({ port, ...(prefix === undefined ? {} : { prefix }) }).catch((error: unknown) => {
    throw new Mistake(`port ${port} cannot be used: ${error instanceof Error ? error.message : error}`)
  })
  process.stdout.write(`${JSON.stringify({ url: github.url })}\n`)
  const stop = () => void github.close().then(() => process.exit(0))
  process.on("SIGTERM", stop)
  process.on("SIGINT", stop)
  if (folder !== undefined) setInterval(() => (existsSync(folder) ? undefined : stop()), CHECK_EVERY)
}
