/**
 * A `fetch` for Octokit over node:http, with connections kept open.
 *
 * Node's own `fetch` costs about 10 MB of memory for good once it is touched; this one costs none of it.
 */
import * as http from "node:http"
import * as https from "node:https"

/** A request that got no whole answer: refused, cut off, too large, or a certificate that is not trusted. */
export class TransportError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Largest answer that is read, in bytes. A page of 100 jobs with all their steps is well below a tenth of it. */
export const BODY_LIMIT = 32 << 20

/** What Octokit reads of a response. */
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

const agents = () => {
  const options = { keepAlive: true, maxSockets: 10, scheduling: "lifo" as const, timeout: 60_000 }
  return { "http:": new http.Agent(options), "https:": new https.Agent(options) }
}

/** A transport with connections of its own; `close` ends them. */
export const make = () => {
  const agent = agents()
  const fetch = (address: string, init: RequestInit = {}): Promise<Response> =>
    new Promise((resolve, reject) => {
      const url = new URL(address)
      const secure = url.protocol === "https:"
      const fail = (error: NodeJS.ErrnoException) =>
        reject(init.signal?.aborted ? error : new TransportError(error.code ?? "", explain(url, error)))
      const request = (secure ? https : http).request(
        url,
        {
          method: init.method ?? "GET",
          headers: { ...init.headers },
          agent: secure ? agent["https:"] : agent["http:"],
          ...(init.signal === undefined ? {} : { signal: init.signal })
        },
        (response) => {
          const chunks: Array<Buffer> = []
          let size = 0
          response.on("data", (chunk: Buffer) => {
            chunks.push(chunk)
            size += chunk.length
            if (size > BODY_LIMIT)
              request.destroy(new TransportError("ETOOBIG", `${url.host} sent more than ${BODY_LIMIT} bytes`))
          })
          response.on("error", fail)
          response.on("aborted", () => fail(Object.assign(new Error("cut off"), { code: "ECONNRESET" })))
          response.on("end", () => {
            if (!response.complete) return
            const body = Buffer.concat(chunks)
            const status = response.statusCode ?? 0
            resolve({
              status,
              url: address,
              ok: status >= 200 && status < 300,
              headers: new Map(
                Object.entries(response.headers).map(([name, value]) => [
                  name,
                  Array.isArray(value) ? value.join(", ") : (value ?? "")
                ])
              ),
              text: () => Promise.resolve(body.toString("utf8")),
              arrayBuffer: () => Promise.resolve(body.buffer.slice(body.byteOffset, body.byteOffset + body.length))
            })
          })
        }
      )
      request.on("error", fail)
      request.end(init.body)
    })
  return {
    fetch,
    close: () => {
      agent["http:"].destroy()
      agent["https:"].destroy()
    }
  }
}

const explain = (url: URL, error: NodeJS.ErrnoException): string => {
  switch (error.code) {
    case "ECONNREFUSED":
      return `${url.host} refuses connections; check api_url and that the server runs`
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the name ${url.hostname} cannot be resolved; check api_url and the host's DNS`
    case "ECONNRESET":
    case "EPIPE":
      return `${url.host} broke the connection off`
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return `the certificate of ${url.host} is not trusted; set NODE_EXTRA_CA_CERTS to the file of its authority`
    default:
      return `${url.host}: ${error.message}`
  }
}
