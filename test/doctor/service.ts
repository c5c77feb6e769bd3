/** What can be wrong with the installed service. */
import { writeFileSync } from "node:fs"
import { build } from "plist"
import { TOKEN } from "../whole/lab.ts"
import type { Fault } from "./Fault.ts"
import { PASSWORD } from "./host.ts"

/** Its faults. */
export const service: ReadonlyArray<Fault> = [
  {
    on: "a Mac that belongs to somebody",
    name: "a service that starts otherwise than by hand",
    id: "service-differs",
    level: "warning",
    what: /SSL_CERT_FILE is set in the service, and not here/,
    remedy: /anklet service install/,
    cause: async (host) => {
      const { file } = JSON.parse((await host.anklet("service", "status", "--json")).stdout)
      const EnvironmentVariables = { SSL_CERT_FILE: "/a.pem" }
      writeFileSync(file, build({ ProgramArguments: ["anklet"], EnvironmentVariables }))
    }
  },
  {
    on: "a Mac with secrets in its service",
    name: "that other users can read",
    id: "service-secret",
    level: "warning",
    what: /\.plist holds the variable GH, the variable OTEL_EXPORTER_OTLP_HEADERS, the variable SOME_TOKEN, a token in the command, and others may read it/,
    remedy: /file:PATH/,
    cause: async (host) => {
      host.rewrite(`token: ${TOKEN}`, "token: ${GH}")
      host.lab.env.GH = TOKEN
      const { file } = JSON.parse((await host.anklet("service", "status", "--json")).stdout)
      const token = `ghp_${"x".repeat(36)}`
      const EnvironmentVariables = {
        GH: TOKEN,
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=${PASSWORD}`,
        SOME_TOKEN: token,
        LANG: "C"
      }
      writeFileSync(file, build({ ProgramArguments: ["anklet", "--attach", token], EnvironmentVariables }))
    }
  }
]
