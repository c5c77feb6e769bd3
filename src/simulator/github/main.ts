/** `anklet simulate github [--port N] [--prefix /api/v3]`: prints its address as one line of JSON and runs until a signal stops it. */
import { start } from "./server.ts"

export const main = async (argv: ReadonlyArray<string>): Promise<void> => {
  const option = (name: string) => {
    const at = argv.indexOf(name)
    return at === -1 ? undefined : argv[at + 1]
  }
  const prefix = option("--prefix")
  const github = await start({ port: Number(option("--port") ?? 0), ...(prefix === undefined ? {} : { prefix }) })
  process.stdout.write(`${JSON.stringify({ url: github.url })}\n`)
  const stop = () => void github.close().then(() => process.exit(0))
  process.on("SIGTERM", stop)
  process.on("SIGINT", stop)
}
