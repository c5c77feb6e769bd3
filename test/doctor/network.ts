/** What can be wrong with the way to GitHub. */
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const network: ReadonlyArray<Fault> = [
  {
    on: "the way to GitHub",
    name: "by a proxy that is none",
    id: "network-unusable",
    level: "problem",
    what: /environment variable HTTPS_PROXY: expected the address of an HTTP proxy/,
    remedy: /docs\/network\.md/,
    cause: (host) => {
      host.lab.env.HTTPS_PROXY = "ftp://proxy.corp"
    }
  }
]
