/** What can be wrong with the registry of templates. */
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const registry: ReadonlyArray<Fault> = [
  {
    on: "warnings and notes alone",
    name: "a registry that is down",
    id: "registry-away",
    level: "warning",
    what: /Connection refused/,
    remedy: /registry_url/,
    cause: (host) => host.alterAnka((anka) => void Object.assign(anka.registry, { down: true }))
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "another registry that is not there",
    id: "registry-away",
    level: "warning",
    what: /http:\/\/elsewhere:1/,
    remedy: /registry_url/,
    cause: (host) => host.rewrite("sleep_interval", "registry_url: http://elsewhere:1\n    sleep_interval")
  },
  {
    on: "a new Mac, and an old token",
    name: "no registry",
    id: "registry-none",
    level: "note",
    what: /no default registry/,
    remedy: /registry add/,
    cause: (host) => host.alterAnka((anka) => void Object.assign(anka.registry, { error: "No registry configured" }))
  }
]
