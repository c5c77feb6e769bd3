/** Variables for what runs in a guest: its network settings, and those that its host adds. They go in on standard input, because a proxy's address may hold a password. */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Guest } from "../services/Network/Way.ts"
import type { Variable } from "./Variables.ts"

/** A word of bash, whatever is in it. */
export const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

/** Names in both cases: curl reads `http_proxy` only, some programs `HTTP_PROXY` only. */
const both = (name: string, value: string) =>
  [name.toLowerCase(), name].map((name) => `export ${name}=${quoted(value)}`)

/** Where authorities are that curl trusts by itself: on macOS, and on Linux, where guests are simulated. */
const USUAL = "/etc/ssl/cert.pem /etc/ssl/certs/ca-certificates.crt"

/**
 * Lines of bash that set the variables that curl and CI runners read, and Node programs.
 */
const lines = ({ proxy, noProxy, ca }: Guest): ReadonlyArray<string> => [
  ...Option.match(proxy, {
    onNone: () => [],
    onSome: (address) => [
      ...["HTTP_PROXY", "HTTPS_PROXY"].flatMap((name) => both(name, Redacted.value(address))),
      ...(noProxy === "" ? [] : both("NO_PROXY", noProxy))
    ]
  }),
  ...Option.match(ca, {
    onNone: () => [],
    onSome: (text) => [
      `printf '%s\\n' ${quoted(text)} >"$HOME/.anklet-ca.pem"`,
      // curl trusts either its own list or this one
      `cat "$HOME/.anklet-ca.pem" $(ls ${USUAL} 2>/dev/null | head -n 1) >"$HOME/.anklet-ca-all.pem"`,
      'export NODE_EXTRA_CA_CERTS="$HOME/.anklet-ca.pem" CURL_CA_BUNDLE="$HOME/.anklet-ca-all.pem"'
    ]
  })
]

/** A command in the VM. */
export interface Call {
  readonly command: ReadonlyArray<string>
  readonly stdin?: string
}

/** Lines of bash that set the network's variables and then these, which may replace them. */
export const exports = (guest: Option.Option<Guest>, variables: ReadonlyArray<Variable>): ReadonlyArray<string> => [
  ...Option.match(guest, { onNone: () => [], onSome: lines }),
  ...variables.map(([name, value]) => `export ${name}=${quoted(value)}`)
]

/** A script that reads nothing, with the variables set: whatever the script is, for it is the user's to change. */
export const surrounded = (
  guest: Option.Option<Guest>,
  variables: ReadonlyArray<Variable>,
  script: ReadonlyArray<string>
): Call => {
  const set = exports(guest, variables)
  return set.length === 0
    ? { command: ["bash", ...script] }
    : {
        command: ["bash", "-c", 'eval "$(cat)"; exec bash "$@" </dev/null', "bash", ...script],
        stdin: `${set.join("\n")}\n`
      }
}
