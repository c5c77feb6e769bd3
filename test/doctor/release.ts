/** What can be wrong with the version of the program. */
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const release: ReadonlyArray<Fault> = [
  {
    on: "warnings and notes alone",
    name: "a newer release",
    id: "release-newer",
    level: "note",
    what: /^anklet 999\.0\.0 is out, and \S+ is installed$/,
    // the one file of a release replaces itself, and a program that Node runs does not
    remedy: process.env.ANKLET_BIN === undefined ? /is run by Node.*update it there/ : /`anklet update`/,
    cause: (host) => host.findReleases("999.0.0")
  }
]
