/**
 * Connections through an HTTP proxy: a tunnel (CONNECT, RFC 9110, 9.3.6) for `https:` addresses, whose TLS ends at the
 * target, and whole addresses in the request line (RFC 9112, 3.2.2) for `http:` ones. Loaded with the first request
 * that uses a proxy.
 */
import * as http from "node:http"
import * as https from "node:https"
import { isIP } from "node:net"
import * as tls from "node:tls"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { nameOf, type Proxy } from "../../network/Proxy.ts"
import { Detour } from "./detour.ts"
import { type Line, TransportError } from "./line.ts"

/**
 * Timeout of CONNECT, in milliseconds. Shorter than every timeout of a request to GitHub, so that the error names the
 * proxy.
 */
const CONNECT_WITHIN = 10_000

const about = (proxy: Proxy, code: string, what: string) =>
  new TransportError(code, `the proxy ${nameOf(proxy)} ${what}`)

/** The proxy requires credentials: the status is 407. */
const unauthorized = (proxy: Proxy) =>
  about(
    proxy,
    "EPROXY",
    Option.isNone(proxy.authorization)
      ? `asks for a user and password (407): write them into ${proxy.from}, as http://USER:PASSWORD@HOST:PORT`
      : `does not accept the user and password (407): check them in ${proxy.from}`
  )

/** The proxy answered CONNECT, but did not connect. */
const refused = (proxy: Proxy, to: string, status: number): TransportError => {
  if (status === 407) return unauthorized(proxy)
  if (status === 403) {
    const remedy =
      "let its administrator allow that, or list the host in NO_PROXY or `no_proxy` if it can be reached directly"
    return about(proxy, "EPROXY", `does not allow a connection to ${to} (403): ${remedy}`)
  }
  return about(
    proxy,
    "EPROXY",
    [500, 502, 503, 504].includes(status)
      ? `cannot connect to ${to} (${status}): check api_url, and the proxy's own network and DNS`
      : `answers CONNECT ${to} with ${status}: check that ${proxy.from} names an HTTP proxy`
  )
}

/** There is no connection to the proxy itself. */
const broken = (proxy: Proxy, error: NodeJS.ErrnoException): TransportError => {
  if (error instanceof TransportError) return error
  const { code = "", message } = error
  const { from, host, isSecure } = proxy
  const of = (what: string) => about(proxy, code, what)
  if (code === "ECONNREFUSED") return of(`refuses connections: check ${from} and that the proxy runs`)
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return of(`is not found, its name ${host} cannot be resolved: check ${from} and this host's DNS`)
  }
  if (/WRONG_VERSION_NUMBER|wrong version number|packet length too long/i.test(`${code} ${message}`)) {
    return of(`does not speak TLS: check ${from}, most proxies have an address with http://`)
  }
  if (code === "ECONNRESET" || code === "EPIPE" || code.startsWith("HPE_")) {
    return of(
      `breaks off without an answer: check that ${from} names an HTTP proxy, and with http:// or https:// as it is`
    )
  }
  if (isSecure && /CERT|SIGNATURE|ISSUER|ALTNAME/.test(code)) {
    return of(
      `has a certificate that is not trusted (${code}): set NODE_EXTRA_CA_CERTS, or \`ca\` in the config, to the file of its authority`
    )
  }
  return of(`cannot be used (${code === "" ? message : code}): check ${from}`)
}

const silent = (proxy: Proxy, what: string, within: number) =>
  about(proxy, "ETIMEDOUT", `${what} within ${within / 1000} seconds: check ${proxy.from} and that the proxy runs`)

/** The address of a request to the proxy itself. */
const toProxy = (proxy: Proxy) => ({
  host: proxy.host,
  port: proxy.port,
  // otherwise the name would be taken from the header `host`, which is the target's
  ...(proxy.isSecure ? { servername: isIP(proxy.host) === 0 ? proxy.host : "" } : {})
})

const signIn = ({ authorization }: Proxy) =>
  Option.match(authorization, {
    onNone: () => ({}),
    onSome: (value) => ({ "proxy-authorization": Redacted.value(value) })
  })

/** An agent whose connections are tunnels; it keeps, shares, counts and ends them like any agent. */
class Tunnels extends https.Agent {
  readonly #proxy: Proxy
  readonly #silence: number
  readonly #trust: Pick<https.AgentOptions, "secureContext">

  constructor(proxy: Proxy, options: https.AgentOptions & { readonly timeout: number }) {
    super(options)
    this.#proxy = proxy
    this.#silence = options.timeout
    this.#trust = options.secureContext === undefined ? {} : { secureContext: options.secureContext }
  }

  override createConnection(options: https.RequestOptions): tls.TLSSocket {
    const proxy = this.#proxy
    const host = String(options.host ?? "")
    const to = `${isIP(host) === 6 ? `[${host}]` : host}:${options.port}`
    const within = Math.min(CONNECT_WITHIN, this.#silence)
    const request = (proxy.isSecure ? https : http).request({
      ...toProxy(proxy),
      ...this.#trust,
      method: "CONNECT",
      path: to,
      headers: { host: to, ...signIn(proxy) },
      agent: false,
      timeout: within
    })
    request.once("timeout", () => request.destroy(silent(proxy, `did not connect to ${to}`, within)))
    const detour = new Detour(request, {
      refusal: (status) => (status >= 200 && status < 300 ? undefined : refused(proxy, to, status)),
      failure: (error) => broken(proxy, error),
      opened: (socket) => {
        // if the connection to the proxy is silent, so is the tunnel; in Bun, TLS over a stream has no timeout of its
        // own
        socket.setTimeout(this.#silence)
        socket.on("timeout", () => connection.emit("timeout"))
      }
    })
    const connection = tls.connect({ ...(options as tls.ConnectionOptions), socket: detour })
    detour.once("error", (error) => connection.destroy(error))
    connection.once("close", () => detour.destroy())
    return connection
  }
}

/** The line through a proxy. */
export const through = (proxy: Proxy, options: https.AgentOptions & { readonly timeout: number }): Line => {
  const tunnels = new Tunnels(proxy, options)
  const agent = proxy.isSecure ? new https.Agent(options) : new http.Agent(options)
  return {
    name: `, through the proxy ${nameOf(proxy)}`,
    request: (url, given, take) =>
      url.protocol === "https:"
        ? https.request(url, { ...given, agent: tunnels }, take)
        : (proxy.isSecure ? https : http).request(
            {
              ...given,
              ...toProxy(proxy),
              agent,
              path: `${url.origin}${url.pathname}${url.search}`,
              headers: { ...given.headers, host: url.host, ...signIn(proxy) }
            },
            take
          ),
    refusal: (url, status) => (url.protocol === "http:" && status === 407 ? unauthorized(proxy) : undefined),
    // in a tunnel, what happens after CONNECT is between us and the target
    failure: (url, error) => (url.protocol === "http:" ? broken(proxy, error) : undefined),
    close: () => {
      tunnels.destroy()
      agent.destroy()
    }
  }
}
