/**
 * A `fetch` for Octokit over node:http, with connections kept open.
 *
 * Node's own `fetch` permanently costs about 10 MB of memory once it is used; this one avoids that.
 */
import * as http from "node:http"
import * as https from "node:https"
import * as tls from "node:tls"
import * as Option from "effect/Option"
import type { Proxy } from "../../network/Proxy.ts"
import * as Limits from "../../text/Limits.ts"
import type { Way } from "../Network/Way.ts"
import { DIRECT } from "../Network.ts"
import { type Line, TransportError } from "./line.ts"

export { TransportError } from "./line.ts"

/** Timeout of a silent connection, in milliseconds: after a Mac has slept, its connections are dead. */
const SILENCE = 30_000
/** Maximum number of redirections of a request: GitHub redirects requests about a renamed repository. */
const REDIRECTIONS = 5

/** What Octokit reads from a response. */
export interface Response {
  readonly status: number
  readonly url: string
  readonly ok: boolean
  readonly headers: Map<string, string>
  readonly text: () => Promise<string>
  readonly arrayBuffer: () => Promise<ArrayBufferLike>
}

/** What Octokit passes. */
export interface RequestInit {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
}

const direct = (options: https.AgentOptions): Line => {
  const plain = new http.Agent(options)
  const secure = new https.Agent(options)
  return {
    name: "",
    request: (url, given, take) =>
      url.protocol === "https:"
        ? https.request(url, { ...given, agent: secure }, take)
        : http.request(url, { ...given, agent: plain }, take),
    refusal: () => undefined,
    failure: () => undefined,
    close: () => {
      plain.destroy()
      secure.destroy()
    }
  }
}

/** Where requests leave from, and which authorities are trusted; `silence` is the timeout of a silent server, in milliseconds. */
interface Options {
  readonly way?: Way
  readonly silence?: number
}

/** Connections, each direct or through the proxy of its address; `close` ends them. */
export const connections = ({ way = DIRECT, silence = SILENCE }: Options = {}) => {
  const options = {
    keepAlive: true,
    maxSockets: 10,
    scheduling: "lifo" as const,
    timeout: silence,
    // one context for all connections: each would otherwise parse the whole list of authorities
    ...(way.authorities.length === 0
      ? {}
      : { secureContext: tls.createSecureContext({ ca: [...tls.rootCertificates, ...way.authorities] }) })
  }
  const without = direct(options)
  const lines = new Map<Proxy, Promise<Line>>()
  const lineTo = (url: URL): Line | Promise<Line> =>
    Option.match(way.proxyFor(url), {
      onNone: () => without,
      onSome: (proxy) => {
        const line = lines.get(proxy) ?? import("./tunnel.ts").then(({ through }) => through(proxy, options))
        lines.set(proxy, line)
        return line
      }
    })
  const close = () => {
    without.close()
    for (const line of lines.values()) void line.then(({ close }) => close())
  }
  return { lineTo, close }
}

/**
 * A transport with connections of its own; `close` ends them. `way` determines the proxy of a request and the
 * authorities to trust; `silence` is the timeout of a silent server, in milliseconds.
 */
export const make = ({ way = DIRECT, silence = SILENCE }: Options = {}) => {
  const { lineTo, close } = connections({ way, silence })

  const exchange = async (url: URL, init: RequestInit): Promise<Response> => {
    const line = await lineTo(url)
    return new Promise((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException) =>
        reject(
          init.signal?.aborted || error instanceof TransportError
            ? error
            : (line.failure(url, error) ?? new TransportError(error.code ?? "", `${explain(url, error)}${line.name}`))
        )
      const give = (code: string, what: string) =>
        request.destroy(new TransportError(code, `${url.host} ${what}${line.name}`))
      const request = line.request(
        url,
        {
          method: init.method ?? "GET",
          headers: { ...init.headers },
          timeout: silence,
          ...(init.signal === undefined ? {} : { signal: init.signal })
        },
        (response) => {
          const refusal = line.refusal(url, response.statusCode ?? 0)
          if (refusal !== undefined) {
            request.destroy(refusal)
            return
          }
          const chunks: Array<Buffer> = []
          let size = 0
          response.on("data", (chunk: Buffer) => {
            chunks.push(chunk)
            size += chunk.length
            if (size > Limits.ANSWER) give("ETOOBIG", `sent more than ${Limits.ANSWER} bytes; check api_url`)
          })
          response.on("error", fail)
          response.on("aborted", () => fail(Object.assign(new Error("cut off"), { code: "ECONNRESET" })))
          response.on("end", () => {
            if (!response.complete) return
            const body = Buffer.concat(chunks)
            if (isJson(response) && !Limits.isShallow(body)) {
              reject(
                new TransportError(
                  "ETOODEEP",
                  `${url.host} sent JSON of more than ${Limits.DEPTH} levels; check api_url${line.name}`
                )
              )
            } else resolve(toResponse(url, response, body))
          })
        }
      )
      request.on("error", fail)
      request.on("timeout", () => give("ETIMEDOUT", `said nothing for ${silence / 1000} seconds`))
      request.end(init.body)
    })
  }

  const fetch = async (address: string, init: RequestInit = {}): Promise<Response> => {
    let url = new URL(address)
    let response = await exchange(url, init)
    for (let n = 0; n < REDIRECTIONS; n++) {
      const to = target(url, init.method ?? "GET", response)
      if (to === undefined) break
      url = to
      response = await exchange(url, init)
    }
    return response
  }

  return { fetch, close }
}

/** Whether Octokit will parse an answer as JSON. */
const isJson = ({ headers }: http.IncomingMessage): boolean => /json/i.test(headers["content-type"] ?? "")

const toResponse = (url: URL, { statusCode: status = 0, headers }: http.IncomingMessage, body: Buffer): Response => ({
  status,
  url: url.href,
  ok: status >= 200 && status < 300,
  headers: new Map([
    ...Object.entries(headers).map(
      ([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")] as const
    ),
    // also for a chunked answer: the limit on the pages of a list reads it here
    ["content-length", String(body.length)]
  ]),
  text: () => Promise.resolve(body.toString("utf8")),
  arrayBuffer: () => Promise.resolve(body.buffer.slice(body.byteOffset, body.byteOffset + body.length))
})

/**
 * Where to send the same request again. Never to another server, because it carries the credential; a write only if the
 * redirection is unambiguous.
 */
const target = (from: URL, method: string, { status, headers }: Response): URL | undefined => {
  const location = headers.get("location")
  const follows = method === "GET" ? [301, 302, 307, 308] : [307, 308]
  if (location === undefined || !follows.includes(status) || !URL.canParse(location, from.href)) return undefined
  const to = new URL(location, from)
  return to.origin === from.origin ? to : undefined
}

/** Why a connection failed, for people; `setting` names where the address is set. */
export const explain = (url: URL, error: NodeJS.ErrnoException, setting = "api_url"): string => {
  switch (error.code) {
    case "ECONNREFUSED":
      return `${url.host} refuses connections; check ${setting} and that the server runs`
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the name ${url.hostname} cannot be resolved; check ${setting} and the host's DNS`
    case "ECONNRESET":
    case "EPIPE":
      return `${url.host} broke the connection off`
    case "CERT_HAS_EXPIRED":
      return `the certificate of ${url.host} has expired; renew it, or check this Mac's clock`
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return `the certificate of ${url.host} is not trusted; set NODE_EXTRA_CA_CERTS, or \`ca\` in the config, to the file of its authority`
    default:
      return `${url.host}: ${error.message}`
  }
}
