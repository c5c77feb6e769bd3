/** What `npm run release` has built. */
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"

export const RELEASE = resolve("release")

/** The version, as package.json states it. */
export const VERSION: string = JSON.parse(readFileSync("package.json", "utf8")).version

/** A file of the release. */
export const at = (name: string): string => join(RELEASE, name)

/** Names of its programs, one for each system. */
export const programs: ReadonlyArray<string> = readdirSync(RELEASE).filter((name) =>
  /^anklet-.*-(macos|linux)-(arm64|x64)$/.test(name)
)

/** This machine, as its program's name calls it. */
export const HOST = `${process.platform.replace("darwin", "macos")}-${process.arch}`

/** The program for this machine. */
export const PROGRAM = at(`anklet-${VERSION}-${HOST}`)

export const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex")
