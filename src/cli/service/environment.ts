/** What a daemon that is started by hand has from the shell and a service would not have: taken along into its entry, or named. */
import { Path } from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** How this terminal speaks, which another one does otherwise. */
export const LOCALE: ReadonlyArray<string> = ["LANG", "LC_ALL", "LC_CTYPE", "TZ"]
/** Taken along as they are. */
const PLAIN = [
  ...LOCALE,
  ...["LOG_LEVEL", "NO_PROXY", "no_proxy", "NODE_OPTIONS", "NODE_USE_SYSTEM_CA"],
  ...["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"],
  ...["ANKA_LOG_LEVEL", "ANKA_DELETE_LOGS", "ANKA_HOSTNAME", "ANKA_SWAP_DIR"],
  ...["ANKA_REGISTRY_USER", "ANKA_REGISTRY_API_KEY_ID"]
]
/** Files and folders: those of the shell's folder are spelled out. */
const FILES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "ANKA_LOG_FILE"]
/** Addresses: taken along where no user or password is in them. */
const ADDRESSES = [
  ...["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
  ...["OTEL_EXPORTER_OTLP_ENDPOINT", "ANKA_REGISTRY"]
]
/** Never taken along: everybody on this host may read an entry. */
const SECRETS = ["OTEL_EXPORTER_OTLP_HEADERS", "ANKA_REGISTRY_AUTH_TOKEN", "ANKA_REGISTRY_API_KEY"]
/** Nor is what trusts anybody, which is done on purpose. */
const TRUSTING = ["NODE_TLS_REJECT_UNAUTHORIZED"]

/** Whether the value of a variable is a secret, as far as its name and the value itself tell: `user:password@host` is a proxy's address as well. */
export const isSecret = (name: string, value: string): boolean =>
  SECRETS.includes(name) || (ADDRESSES.includes(name) && value.includes("@"))

/** What is set here. */
export interface Given {
  /** By name: what the service gets. */
  readonly taken: Readonly<Record<string, string>>
  /** Names of those that it does not get. */
  readonly left: ReadonlyArray<string>
}

/** Look through the environment of this process. */
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
