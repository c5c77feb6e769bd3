/** Checks what the operator has opened beyond the defaults: ports, connections without TLS, and code that runs inside the daemon. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Finding from "../domain/Finding.ts"
import { isLoopback } from "../network/bypass.ts"
import { nameOf } from "../network/Proxy.ts"
import * as Plugins from "../plugins/Plugins.ts"
import { settle } from "../services/Network.ts"
import { settings } from "../traces/Traces.ts"
import type { Check, HostFacts } from "./HostFacts.ts"

export const KINDS = {
  "tls-unchecked": {
    level: "warning",
    why: "Whoever is between this Mac and GitHub, Redis or a collector can read the token and the password, and answer in their place.",
    remedy: "unset NODE_TLS_REJECT_UNAUTHORIZED, and name the authority's file as `ca` or `database.ca`"
  },
  "runtime-talks": {
    level: "warning",
    why: "The runtime prints what it sends, headers and the token in them too.",
    remedy: "unset the variable that is named, where the daemon is started"
  },
  "runtime-opened": {
    level: "warning",
    why: "The runtime loads other code into the daemon, or lets other users of this Mac look into it.",
    remedy: "take the option out of the variable that is named, where the daemon is started"
  },
  "traces-plain": {
    level: "warning",
    why: "The headers, which hold the collector's key, go through the network as they are.",
    remedy: "give OTEL_EXPORTER_OTLP_ENDPOINT an https:// address, or a collector on this Mac"
  },
  "metrics-open": {
    level: "note",
    why: "Whoever reaches the port reads the names of services, repositories and templates: it asks for no password, and has no TLS.",
    remedy: "let a firewall admit Prometheus alone, or leave `metrics.host` out: then it is this Mac alone"
  },
  "proxy-plain": {
    level: "note",
    why: "The proxy's user and password go through the network as they are. What is said to GitHub does not.",
    remedy: "use a network that you trust, or an https:// proxy"
  },
  "vm-proxy-secret": {
    level: "note",
    why: "Every job can read the proxy's user and password in its VM.",
    remedy: "give VMs a proxy that asks for none, or a user that may do nothing else"
  },
  "plugin-own": {
    level: "note",
    why: "A plugin from disk runs inside the daemon, with all of its secrets and rights.",
    remedy: "nothing, if you know the file and who may write it"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("security", KINDS)

const read = (name: string) => Effect.orElseSucceed(Config.string(name), () => "")

/** Options that load code, or open a way to look into the process; as Node writes them, with dashes (nodejs.org/api/cli.html). */
const OPENING =
  /^(-r|--require|--import|--loader|--experimental-loader|--preload|--inspect(-brk|-port|-publish-uid|-wait)?|--env-file(-if-exists)?|--openssl-config|--tls-keylog|--heapsnapshot-(signal|near-heap-limit))$/

/** The names of the options in a variable. */
const optionsIn = (text: string): ReadonlyArray<string> =>
  text
    .split(/[\s"']+/)
    .filter((word) => word.startsWith("-"))
    .map((word) => word.replace(/=.*$/s, "").replaceAll("_", "-"))

/** How the environment changes the runtime. Values are not shown, as they may hold secrets. */
const runtime = Effect.gen(function* () {
  const unchecked = (yield* read("NODE_TLS_REJECT_UNAUTHORIZED")) === "0"
  const talks = yield* Effect.filter(["NODE_DEBUG", "NODE_DEBUG_NATIVE", "BUN_CONFIG_VERBOSE_FETCH"], (name) =>
    Effect.map(read(name), (value) => value !== "")
  )
  const options = yield* Effect.forEach(["NODE_OPTIONS", "BUN_OPTIONS"], (name) =>
    Effect.map(read(name), (text) => optionsIn(text).map((option) => ({ name, option })))
  )
  const opening = options.flat().filter(({ option }) => OPENING.test(option))
  const told = [...new Set(opening.map(({ name, option }) => `${option} in ${name}`))].join(", ")
  return [
    ...(unchecked ? [found("tls-unchecked", "NODE_TLS_REJECT_UNAUTHORIZED=0: no certificate is checked")] : []),
    ...(talks.length > 0 ? [found("runtime-talks", `set in this environment: ${talks.join(", ")}`)] : []),
    ...(opening.length > 0 ? [found("runtime-opened", `set in this environment: ${told}`)] : [])
  ]
})

/** Traces that are sent to another host with a key but without TLS. */
const traces = Effect.gen(function* () {
  // invalid settings are reported by the start of a daemon
  const sent = yield* Effect.orElseSucceed(settings, () => Option.none())
  if (Option.isNone(sent) || (yield* read("OTEL_EXPORTER_OTLP_HEADERS")) === "") return []
  const { url } = sent.value
  return url.protocol === "http:" && !isLoopback(url.hostname)
    ? [found("traces-plain", `traces are sent to ${url.origin}, with OTEL_EXPORTER_OTLP_HEADERS`)]
    : []
})

const metrics = ({ daemon }: HostFacts) =>
  Option.toArray(Option.flatMap(daemon, ({ metrics }) => metrics)).flatMap(({ host, port }) =>
    isLoopback(host) ? [] : [found("metrics-open", `metrics are served on ${host}, port ${port}`)]
  )

/** An address to find the proxy for. Which server of GitHub it is matters only where `no_proxy` names it. */
const GITHUB = new URL("https://api.github.com")

const proxies = ({ daemon }: HostFacts) =>
  Effect.match(settle(Option.getOrUndefined(Option.map(daemon, ({ network }) => network))), {
    // reported under "network"
    onFailure: () => [],
    onSuccess: ({ proxyFor, guest }) => {
      const own = Option.filter(
        proxyFor(GITHUB),
        ({ isSecure, host, authorization }) => !isSecure && !isLoopback(host) && Option.isSome(authorization)
      )
      return [
        ...Option.toArray(own).map((proxy) =>
          found(
            "proxy-plain",
            `the proxy ${nameOf(proxy)}, from ${proxy.from}, is told a user and a password without TLS`
          )
        ),
        ...(Option.exists(guest, ({ signsIn }) => signsIn)
          ? [found("vm-proxy-secret", "VMs get a proxy with a user and a password")]
          : [])
      ]
    }
  })

/** Plugins that are not part of Anklet. */
const plugins = ({ services }: HostFacts) =>
  Effect.forEach(new Set(services.map(({ plugin }) => plugin)), (name) =>
    Effect.map(Plugins.fileOf(name), (file) =>
      Option.toArray(file).map((file) => found("plugin-own", `the plugin ${name} does not come with Anklet: ${file}`))
    )
  ).pipe(Effect.map((found) => found.flat()))

/** The check of what others can read, change or listen to. */
export const exposure: Check = {
  subject: "security",
  run: (host) =>
    Effect.map(Effect.all([runtime, traces, Effect.succeed(metrics(host)), proxies(host), plugins(host)]), (found) =>
      found.flat()
    )
}
