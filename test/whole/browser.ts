/** A real browser without a window: Debian's Chromium, or any that is installed. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { type Browser, chromium } from "playwright-core"

const NAMES = ["chromium", "chromium-browser", "google-chrome"]
const ON_A_MAC = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
]

const found = (): string | undefined =>
  [
    ...(process.env.PATH ?? "").split(":").flatMap((folder) => NAMES.map((name) => join(folder, name))),
    ...ON_A_MAC
  ].find((file) => existsSync(file))

/** Starts it. Its sandbox requires a user other than root. */
export const start = (): Promise<Browser> => {
  const executablePath = found()
  if (executablePath === undefined) throw new Error("there is no Chromium here: npm run programs")
  return chromium.launch({
    executablePath,
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : []
  })
}
