/** The program that an update replaces. */
import * as Context from "effect/Context"
import { oneFile } from "../../process/Program.ts"
import { releaseKeys, releases, version } from "../../process/version.ts"
import { targetOf } from "../../services/Release.ts"

/** What is installed, and what it was built with. */
export class Installed extends Context.Reference<Installed>()("anklet/Installed", {
  defaultValue: () => ({
    /** Path of the one file; undefined if Node runs the program. */
    program: oneFile,
    version,
    /** This kind of machine, as releases name it. */
    target: targetOf(process.platform, process.arch),
    /** Address of the newest release, if it is built in. */
    releases,
    /** Public keys as PEM; empty if none are built in. */
    keys: releaseKeys
  })
}) {}
