/**
 * The variables that a daemon started by hand has from the shell and a service would lack: either copied into its
 * entry, or reported.
 */
import { Path } from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** Settings of this terminal, which differ in another one. */
export const LOCALE: ReadonlyArray<string> = ["LANG", "LC_ALL", "LC_CTYPE", "TZ"]
/** Copied as they are. */
const PLAIN = [
  ...LOCALE,
  ...["LOG_LEVEL", "NO_PROXY", "no_proxy", "NODE_OPTIONS", "NODE_USE_SYSTEM_CA"],
  ...["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"],
  ...["ANKA_LOG_LEVEL", "ANKA_DELETE_LOGS", "ANKA_HOSTNAME", "ANKA_SWAP_DIR"],
  ...["ANKA_REGISTRY_USER", "ANKA_REGISTRY_API_KEY_ID"]
]
/** Files and folders: relative paths are made absolute. */
const FILES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "ANKA_LOG_FILE"]
/** Addresses: copied unless they contain a user or password. */
const ADDRESSES = [
  ...["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
  ...["OTEL_EXPORTER_OTLP_ENDPOINT", "ANKA_REGISTRY"]
]
/** Never copied, because everyone on this host may read an entry. */
const SECRETS = ["OTEL_EXPORTER_OTLP_HEADERS", "ANKA_REGISTRY_AUTH_TOKEN", "ANKA_REGISTRY_API_KEY"]
/** Nor are those that disable certificate checks, which a person must set deliberately. */
const TRUSTING = ["NODE_TLS_REJECT_UNAUTHORIZED"]

/**
 * Whether the value of a variable is a secret, judged by its name and the value: `user:password@host` is a valid
 * address of a proxy, too.
 */
export const isSecret = (name: string, value: string): boolean =>
  SECRETS.includes(name) || (ADDRESSES.includes(name) && value.includes("@"))

/** The variables that are set here. */
export interface Given {
  /** By name: those that the service gets. */
  readonly taken: Readonly<Record<string, string>>
  /** Names of those that it does not get. */
  readonly left: ReadonlyArray<string>
}

/** Reads the environment of this process. */
export const given = Effect.gen(function* () {
  const paths = yield* Path
  const taken: Record<string, string> = {}
  const left: Array<string> = []
  for (const name of [...PLAIN, ...FILES, ...ADDRESSES, ...SECRETS, ...TRUSTING]) {
    const set = yield* Effect.option(Config.nonEmptyString(name))
    if (Option.isNone(set)) continue
    if (isSecret(name, set.value) || TRUSTING.includes(name)) left.push(name)
    else taken[name] = FILES.includes(name) ? paths.resolve(set.value) : set.value
  }
  const found: Given = { taken, left }
  return found
})
