/** Addresses in the config that lack TLS, or show a password. */
import type { Fault } from "./Fault.ts"
import { PASSWORD } from "./host.ts"

/** Its faults. */
export const addresses: ReadonlyArray<Fault> = [
  {
    on: "what an operator has opened",
    name: "a registry without TLS",
    id: "registry-plain",
    level: "note",
    what: /`registry_url` http:\/\/elsewhere:1 is reached/,
    remedy: /https:\/\//,
    cause: (host) =>
      host.rewrite("sleep_interval", `registry_url: http://ci:${PASSWORD}@elsewhere:1\n    sleep_interval`)
  },
  {
    on: "what an operator has opened",
    name: "a registry's password in an argument",
    id: "registry-secret",
    level: "warning",
    what: /`registry_url` http:\/\/elsewhere:1 has a user/,
    remedy: /anka registry add/
  },
  {
    on: "what an operator has opened",
    name: "a password for archives that every job can read",
    id: "runner-url-secret",
    level: "note",
    what: /`runner_url` https:\/\/mirror\.corp has a user/,
    remedy: /SHA-256/,
    cause: (host) =>
      host.rewrite("sleep_interval", `runner_url: https://ci:${PASSWORD}@mirror.corp/r.tar.gz\n    sleep_interval`)
  },
  {
    on: "an API without TLS",
    name: "on another host",
    id: "api-plain",
    level: "warning",
    what: /`api_url` http:\/\/ghe\.invalid is reached without TLS/,
    remedy: /https:\/\//,
    cause: (host) => host.rewrite(/api_url: .*/, "api_url: http://ghe.invalid/api/v3")
  }
]
