/** What an operator can open to others. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Fault } from "./Fault.ts"
import { PASSWORD } from "./host.ts"

/** Its faults. */
export const exposure: ReadonlyArray<Fault> = [
  {
    on: "what an operator has opened",
    name: "metrics for every host",
    id: "metrics-open",
    level: "note",
    what: /served on 0\.0\.0\.0, port 9464/,
    remedy: /firewall/,
    cause: (host) => host.rewrite("services:", "metrics:\n  port: 9464\n  host: 0.0.0.0\nservices:")
  },
  {
    on: "what an operator has opened",
    name: "certificates that nobody checks",
    id: "tls-unchecked",
    level: "warning",
    what: /NODE_TLS_REJECT_UNAUTHORIZED=0/,
    remedy: /unset NODE_TLS_REJECT_UNAUTHORIZED/,
    cause: (host) => {
      host.lab.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"
    }
  },
  {
    on: "what an operator has opened",
    name: "a runtime that prints headers",
    id: "runtime-talks",
    level: "warning",
    what: /environment: NODE_DEBUG$/,
    remedy: /unset the variable/,
    cause: (host) => {
      host.lab.env.NODE_DEBUG = "module"
    }
  },
  {
    on: "what an operator has opened",
    name: "a runtime that loads other code",
    id: "runtime-opened",
    level: "warning",
    what: /environment: --require in NODE_OPTIONS$/,
    remedy: /out of the variable/,
    cause: (host) => {
      writeFileSync(join(host.lab.folder, "other.cjs"), "")
      host.lab.env.NODE_OPTIONS = `--max_old_space_size=512 --require=${join(host.lab.folder, "other.cjs")}`
    }
  },
  {
    on: "what an operator has opened",
    name: "traces with a key and without TLS",
    id: "traces-plain",
    level: "warning",
    what: /sent to http:\/\/collector\.corp:4318, with OTEL_EXPORTER_OTLP_HEADERS/,
    remedy: /https:\/\/ address/,
    cause: (host) => {
      host.lab.env.OTEL_EXPORTER_OTLP_ENDPOINT = "http://collector.corp:4318"
      host.lab.env.OTEL_EXPORTER_OTLP_HEADERS = `authorization=${PASSWORD}`
    }
  },
  {
    on: "what an operator has opened",
    name: "a proxy that is told a password in the clear",
    id: "proxy-plain",
    level: "note",
    what: /the proxy proxy\.corp:3128, from `proxy` in the config/,
    remedy: /network that you trust/,
    // what is on this host goes past the proxy
    cause: (host) =>
      host.rewrite("services:", `proxy: http://ci:${PASSWORD}@proxy.corp:3128\nvm_proxy: true\nservices:`)
  },
  {
    on: "what an operator has opened",
    name: "VMs that know the proxy's password",
    id: "vm-proxy-secret",
    level: "note",
    what: /VMs get a proxy with a user and a password/,
    remedy: /asks for none/
  },
  {
    on: "what an operator has opened",
    name: "a plugin from disk",
    id: "plugin-own",
    level: "note",
    what: /the plugin mine does not come with Anklet: \S+plugins\/mine\/index\.mjs/,
    remedy: /who may write it/,
    cause: (host) => host.addPlugin("Effect.succeed([])")
  }
]
