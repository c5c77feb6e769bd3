/** A real HTTP proxy, and TLS servers to reach through it. It resolves names by itself: all lead to where the test says. */
import { readFileSync } from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import { type AddressInfo, connect, type Socket } from "node:net"
import type { Certificates } from "../store/server.ts"

/** A request to the proxy. */
export interface Asked {
  readonly method: string
  /** `host:port` of a CONNECT, or the whole address. */
  readonly target: string
  readonly headers: http.IncomingHttpHeaders
}

export interface ProxyOptions {
  /** Whether it is reached by TLS. */
  readonly tls?: Certificates
  /** The `user:password` that it requires. */
  readonly signIn?: string
  /** Where connections to a `host:port` really go: a port of this machine. */
  readonly to?: Readonly<Record<string, number>>
  /** Its answer to CONNECT, if it should not connect. */
  readonly connect?: (socket: Socket) => void
}

const listening = async (server: http.Server | https.Server) => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return (server.address() as AddressInfo).port
}

/** Starts a proxy. `close` also ends its connections. */
export const startProxy = async (options: ProxyOptions = {}) => {
  const asked: Array<Asked> = []
  const sockets = new Set<Socket>()
  const refused = (headers: http.IncomingHttpHeaders) =>
    options.signIn !== undefined &&
    headers["proxy-authorization"] !== `Basic ${Buffer.from(options.signIn).toString("base64")}`
  const { tls } = options
  const server =
    tls === undefined
      ? http.createServer()
      : https.createServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) })
  server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
    const { method = "", url = "", headers } = request
    asked.push({ method, target: url, headers })
    if (refused(headers) || !URL.canParse(url)) {
      response.writeHead(refused(headers) ? 407 : 400).end("no")
      return
    }
    const { host, pathname, search } = new URL(url)
    const { "proxy-authorization": _, ...passed } = headers
    const onward = http.request(
      { host: "127.0.0.1", port: options.to?.[host] ?? 1, path: `${pathname}${search}`, method, headers: passed },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      }
    )
    onward.on("error", () => response.writeHead(502).end())
    request.pipe(onward)
  })
  server.on("connect", ({ url = "", headers }: http.IncomingMessage, socket: Socket) => {
    asked.push({ method: "CONNECT", target: url, headers })
    socket.on("error", () => {})
    socket.on("end", () => socket.end())
    const port = options.to?.[url]
    if (options.connect !== undefined || refused(headers) || port === undefined) {
      socket.resume()
      const refusal = refused(headers) ? "407 Proxy Authentication Required" : "502 Bad Gateway"
      if (options.connect === undefined) socket.end(`HTTP/1.1 ${refusal}\r\ncontent-length: 2\r\n\r\nno`)
      else options.connect(socket)
      return
    }
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
      onward.pipe(socket)
      socket.pipe(onward)
    })
    onward.on("error", () => socket.destroy())
    socket.on("close", () => onward.destroy())
  })
  server.on("connection", (socket: Socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  const port = await listening(server)
  return {
    port,
    asked,
    /** Connections that are open. */
    open: () => sockets.size,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}

/** A web server with TLS; its certificate is for `localhost` and 127.0.0.1. */
export const startTls = async ({ cert, key }: Certificates, listener: http.RequestListener) => {
  const server = https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, listener)
  const port = await listening(server)
  return {
    port,
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}
