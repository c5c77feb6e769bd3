/** What can be wrong with the property list of launchd. */
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const launchd: ReadonlyArray<Fault> = [
  {
    on: "a Mac that nobody has prepared",
    name: "no file for launchd",
    id: "launchd-none",
    level: "note",
    what: /does not start/,
    remedy: /anklet service install/,
    cause: (host) => rmSync(join(host.lab.home, "Library"), { recursive: true })
  },
  {
    on: "a Mac that belongs to somebody",
    name: "a daemon of the system",
    id: "launchd-system",
    level: "problem",
    what: /com\.acme\.anklet runs as a LaunchDaemon/,
    remedy: /LaunchAgent/,
    cause: (host) =>
      host.standIn(
        "launchctl",
        `case "$2" in system) echo "	     412      - 	com.acme.anklet" ;; *) exit 113 ;; esac`
      )
  },
  {
    on: "a Mac that belongs to somebody",
    name: "a file that launchd has not loaded",
    id: "launchd-unloaded",
    level: "warning",
    what: /not loaded/,
    remedy: /launchctl bootstrap gui\/501 \S+\.plist/
  },
  {
    on: "a Mac that belongs to somebody",
    name: "a file that lets Anklet go to the background",
    id: "launchd-detaches",
    level: "problem",
    what: /without --attach/,
    remedy: /--attach/,
    cause: (host) =>
      host.writeAgent({ ProgramArguments: ["/usr/local/bin/anklet"], ExitTimeOut: undefined, KeepAlive: undefined })
  },
  {
    on: "a Mac that belongs to somebody",
    name: "a file that leaves no time to clean up",
    id: "launchd-impatient",
    level: "warning",
    what: /gives Anklet 20 seconds/,
    remedy: /120/
  },
  {
    on: "a Mac that belongs to somebody",
    name: "a file that does not start Anklet again",
    id: "launchd-forgets",
    level: "note",
    what: /KeepAlive/,
    remedy: /KeepAlive/
  },
  {
    on: "a Mac with warnings alone",
    name: "a file that is no property list",
    id: "launchd-unreadable",
    level: "warning",
    what: /no property list/,
    remedy: /plutil -lint/,
    cause: (host) => writeFileSync(join(host.lab.home, "Library/LaunchAgents/com.example.anklet.plist"), "<plist")
  }
]
