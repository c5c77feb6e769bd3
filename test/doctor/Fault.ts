/** What can be wrong with a host, and the hosts on which it is shown. */
import type { Level } from "../../src/domain/Finding.ts"
import type { Host } from "./host.ts"

/** A host with faults. */
export interface FaultyHost {
  /** Exit code of `anklet doctor`: 12 if one of the faults is a problem. */
  readonly code: 0 | 12
  /** Whether macOS's own programs are there. */
  readonly isMac?: boolean
  /** Run before any fault is caused. */
  readonly prepare?: (host: Host) => Promise<unknown>
}

/** The hosts, by name. Faults that do not hide each other share a host, and with it one run of the program. */
export const HOSTS = {
  "warnings and notes alone": { code: 0, prepare: (host) => host.lab.anklet("--attach", "--once") },
  "what GitHub, Anka and this Mac refuse": { code: 12 },
  "what is not there": { code: 12 },
  "a new Mac, and an old token": { code: 12 },
  "an organisation": { code: 12 },
  "a runner group": { code: 12 },
  "the runner group of an organisation": { code: 12 },
  "the runner group of a repository": { code: 12 },
  "a repository": { code: 12 },
  "an organisation that is not there": { code: 12 },
  "a classic token": { code: 12 },
  "an enterprise": { code: 12 },
  "an enterprise that is not there": { code: 12 },
  GitHub: { code: 12 },
  "what an operator has opened": { code: 0 },
  "a runner group for public repositories": { code: 0 },
  "an API without TLS": { code: 12 },
  "a rate limit": { code: 0 },
  "GitHub's own servers": { code: 12 },
  "a config": { code: 12 },
  "the way to GitHub": { code: 12 },
  "a config that is not there": { code: 12 },
  "a script": { code: 12 },
  "a Mac that nobody has prepared": { code: 12, isMac: true },
  "a Mac that belongs to somebody": { code: 12, isMac: true },
  "a Mac with secrets in its service": { code: 0, isMac: true },
  "a Mac with warnings alone": { code: 0, isMac: true }
} satisfies Readonly<Record<string, FaultyHost>>

/** One thing that is wrong with a host, and the finding that tells it. */
export interface Fault {
  /** The host that has it. */
  readonly on: keyof typeof HOSTS
  /** What is wrong, in words that follow the host's name. */
  readonly name: string
  /** The finding's id. */
  readonly id: string
  readonly level: Level
  /** Words of the finding. */
  readonly what: RegExp
  /** Words of its remedy. */
  readonly remedy: RegExp
  /** Makes it so; left out where the host has it already, or another fault of the host brings it. */
  readonly cause?: (host: Host) => void | Promise<void>
}
