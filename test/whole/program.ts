/** The program under test: the build for Node, or with `ANKLET_BIN` the one file of a release in its place. */
import { resolve } from "node:path"

const file = process.env.ANKLET_BIN

/** The program, and the arguments in front of its own. */
export const PROGRAM: readonly [program: string, ...args: ReadonlyArray<string>] =
  file === undefined ? [process.execPath, resolve("dist/main.js")] : [resolve(file)]
