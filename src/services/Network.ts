/**
 * How this host reaches GitHub: directly or through a proxy, as set in the config or in the variables that curl and Go
 * read too.
 */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { joined, UNWRITTEN, type Written } from "../config/Network.ts"
import { hiding } from "../secrets/Secrets.ts"
import type { Way } from "./Network/Way.ts"

/** A variable or key that cannot be used. Its value, which may hold a password, is not quoted. */
export class NetworkError extends hiding(
  Schema.TaggedError<NetworkError>()("NetworkError", {
    where: Schema.String,
    detail: Schema.String
  })
) {
  override get message() {
    return `${this.where}: ${this.detail}`
  }
}

/** No proxy, and no additional authorities. */
export const DIRECT: Way = { proxyFor: () => Option.none(), authorities: [], guest: Option.none() }

/** How this host reaches the network; directly if nothing is provided. */
export class Network extends Context.Reference<Network>()("anklet/Network", { defaultValue: () => DIRECT }) {}

const read = (name: string) => Effect.orElseSucceed(Config.string(name), () => "")

/** The first of these variables that is set and not empty. */
const firstOf = (...names: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(names, (name) => Effect.map(read(name), (value) => ({ name, value }))),
    (all) => Option.fromNullable(all.find(({ value }) => value.trim() !== ""))
  )

const ALL = ["all_proxy", "ALL_PROXY"]

/** The variables that name a proxy. A lower-case name precedes its upper-case one, as in curl. */
const variables = Effect.gen(function* () {
  // a web server passes a request's header `Proxy` on as HTTP_PROXY (httpoxy.org), so under CGI the variable is not
  // trusted, as in Go
  const isCgi = (yield* read("REQUEST_METHOD")) !== ""
  return {
    https: yield* firstOf("https_proxy", "HTTPS_PROXY", ...ALL),
    http: yield* firstOf("http_proxy", ...(isCgi ? [] : ["HTTP_PROXY"]), ...ALL),
    past: yield* firstOf("no_proxy", "NO_PROXY")
  }
})

/** Node adds the authorities in this variable to its own list, but not to one of ours. */
const extra = Effect.gen(function* () {
  const fs = yield* FileSystem
  const file = yield* read("NODE_EXTRA_CA_CERTS")
  // Node has already warned about a file that cannot be read
  return file === "" ? [] : yield* Effect.orElseSucceed(Effect.map(fs.readFileString(file), Array.of), () => [])
})

const NONE = { http: Option.none(), https: Option.none() }

/** Settles the way from the config and, for what it does not set, from the environment. */
export const settle = Effect.fn("Network.settle")(function* (written: Written = UNWRITTEN) {
  const { http, https, past } = yield* variables
  const authorities = Option.isSome(written.ca) ? [written.ca.value, ...(yield* extra)] : []
  const named = Option.isSome(written.proxy) ? NONE : { http, https }
  const isPlain =
    Option.isNone(named.http) && Option.isNone(named.https) && Option.getOrElse(written.proxy, () => false) === false
  // without a proxy, the code for proxies is not loaded
  if (isPlain && written.vm_proxy === false && !written.vm_ca) return { ...DIRECT, authorities }
  const { settled } = yield* Effect.promise(() => import("./Network/Way.ts"))
  const noProxy = Option.match(written.no_proxy, {
    onNone: () => Option.match(past, { onNone: () => "", onSome: ({ value }) => value }),
    onSome: joined
  })
  const way = settled(written, named, noProxy)
  return Either.isRight(way) ? { ...way.right, authorities } : yield* new NetworkError(way.left)
})
