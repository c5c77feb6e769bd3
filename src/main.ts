/** The edge: answers `--version` before anything is loaded, and loads only the part of the program that was asked for. */
const [first] = process.argv.slice(2)

if (first === "--version") {
  process.stdout.write(`anklet ${typeof ANKLET_VERSION === "string" ? ANKLET_VERSION : "dev"}\n`)
} else if (first === "simulate") {
  const { main } = await import("./simulator/main.ts")
  await main(process.argv.slice(3))
} else {
  await import("./cli/main.ts")
}

export {}
