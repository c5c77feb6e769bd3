/** What can be wrong with `anka`. */
import { rmSync } from "node:fs"
import { join } from "node:path"
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const anka: ReadonlyArray<Fault> = [
  {
    on: "warnings and notes alone",
    name: "an old anka",
    id: "anka-old",
    level: "warning",
    what: /3\.7\.2 is older than 3\.8/,
    remedy: /install Anka 3\.8/,
    cause: (host) => host.alterAnka((anka) => void Object.assign(anka, { version: "3.7.2" }))
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "an anka that prints garbage",
    id: "anka-fails",
    level: "problem",
    what: /anka version.*printed no result/,
    remedy: /by hand/,
    cause: (host) => host.alterAnka((anka) => void anka.faults.push({ command: "version", fault: "garbage" }))
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "a licence for laptops",
    id: "licence-unfit",
    level: "problem",
    what: /not one for CI/,
    remedy: /anka license activate/,
    cause: (host) => host.alterAnka((anka) => void Object.assign(anka.license, { type: "com.veertu.anka.develop" }))
  },
  {
    on: "what is not there",
    name: "no anka",
    id: "anka-missing",
    level: "problem",
    what: /no "anka"/,
    remedy: /veertu\.com/,
    cause: (host) => rmSync(join(host.lab.host, "bin", "anka"))
  },
  {
    on: "a new Mac, and an old token",
    name: "no licence",
    id: "licence-unfit",
    level: "problem",
    what: /License is not activated/,
    remedy: /anka license activate/,
    cause: (host) => host.alterAnka((anka) => void Object.assign(anka.license, { error: "License is not activated" }))
  }
]
