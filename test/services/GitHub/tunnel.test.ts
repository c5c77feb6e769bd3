import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer as createHttp, type IncomingMessage, type RequestListener } from "node:http"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { afterAll, beforeAll } from "vitest"
import { type Proxy, parse } from "../../../src/network/Proxy.ts"
import * as transport from "../../../src/services/GitHub/transport.ts"
import { type ProxyOptions, startProxy, startTls } from "../../network/proxy.ts"
import { type Certificates, certificates } from "../../store/server.ts"

const PASSWORD = "pr0xy-CANARY"

let folder: string
let files: Certificates
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "anklet-tunnel-"))
  files = certificates(folder, "github.test")
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const closing = <A extends { readonly close: () => void }>(start: () => Promise<A>) =>
  Effect.acquireRelease(Effect.promise(start), ({ close }) => Effect.sync(close))

/** GitHub as `github.test`, with TLS, and the requests to it. */
const github = (listener: RequestListener = (_, response) => response.end("{}")) =>
  Effect.gen(function* () {
    const asked: Array<IncomingMessage> = []
    const { port } = yield* closing(() =>
      startTls(files, (request, response) => {
        asked.push(request)
        listener(request, response)
      })
    )
    return { port, asked }
  })

const proxyAt = (address: string): Proxy => {
  const proxy = parse(address, "HTTPS_PROXY")
  return typeof proxy === "string" ? assert.fail(proxy) : proxy
}

/** A transport that uses this proxy for everything. */
const wire = (address: string, given: { readonly silence?: number; readonly trusts?: boolean } = {}) => {
  const proxy = proxyAt(address)
  const way = {
    proxyFor: () => Option.some(proxy),
    authorities: given.trusts === false ? [] : [readFileSync(files.ca, "utf8")],
    guest: Option.none()
  }
  return Effect.acquireRelease(
    Effect.sync(() => transport.make({ way, ...(given.silence === undefined ? {} : { silence: given.silence }) })),
    (wire) => Effect.sync(wire.close)
  )
}

const message = (promise: () => Promise<unknown>) =>
  Effect.map(Effect.flip(Effect.tryPromise(promise)), ({ error }) => {
    assert.instanceOf(error, transport.TransportError)
    assert.notInclude(String(error.stack), PASSWORD)
    return error.message
  })

/** The error for a request to github.test through such a proxy. */
const fails = (
  options: ProxyOptions,
  given: { readonly address?: (port: number) => string; readonly silence?: number } = {}
) =>
  Effect.gen(function* () {
    const { port } = yield* closing(() => startProxy(options))
    const { fetch } = yield* wire((given.address ?? ((port) => `http://127.0.0.1:${port}`))(port), given)
    return { said: yield* message(() => fetch("https://github.test/x")), at: `127.0.0.1:${port}` }
  })

/** A server that is not a proxy. */
const serving = (talk: (socket: Socket) => void) =>
  Effect.map(
    closing(async () => {
      const sockets = new Set<Socket>()
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.on("error", () => {})
        talk(socket)
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return {
        port: (server.address() as AddressInfo).port,
        close: () => {
          server.close()
          for (const socket of sockets) socket.destroy()
        }
      }
    }),
    ({ port }) => port
  )

describe("a proxy that repeats what signs in to it", () => {
  const basic = Buffer.from(`me:${PASSWORD}`).toString("base64")
  for (const [where, answer] of Object.entries({
    "its status": `HTTP/1.1 407 no Basic ${basic} for ${PASSWORD}\r\ncontent-length: 0\r\n\r\n`,
    "a header": `HTTP/1.1 502 no\r\nproxy-authenticate: Basic ${basic}\r\nx: ${PASSWORD}\r\ncontent-length: 0\r\n\r\n`,
    "its page": `HTTP/1.1 403 no\r\ncontent-length: ${basic.length + PASSWORD.length}\r\n\r\n${basic}${PASSWORD}`,
    "no HTTP at all": `Basic ${basic} ${PASSWORD}\r\n\r\n`
  })) {
    it.scopedLive(`in ${where} is not quoted`, () =>
      Effect.gen(function* () {
        const port = yield* serving((socket) => socket.once("data", () => socket.end(answer)))
        const { fetch } = yield* wire(`http://me:${PASSWORD}@127.0.0.1:${port}`)
        const said = yield* message(() => fetch("https://github.test/x"))
        assert.include(said, `127.0.0.1:${port}`)
        for (const secret of [PASSWORD, basic]) assert.notInclude(said, secret)
      })
    )
  }
})

describe("a tunnel", () => {
  for (const secure of [false, true]) {
    it.scopedLive(`reaches GitHub through ${secure ? "an https://" : "an http://"} proxy, on one connection`, () =>
      Effect.gen(function* () {
        const { port, asked } = yield* github((request, response) => response.end(`${request.method} ${request.url}`))
        const proxy = yield* closing(() =>
          startProxy({ ...(secure ? { tls: files } : {}), to: { "github.test:443": port } })
        )
        const { fetch } = yield* wire(`${secure ? "https" : "http"}://127.0.0.1:${proxy.port}`)
        for (let n = 0; n < 10; n++) {
          const answer = yield* Effect.promise(() =>
            fetch("https://github.test/x?y=1", { method: "POST", body: "what", headers: { authorization: "token x" } })
          )
          assert.strictEqual(yield* Effect.promise(answer.text), "POST /x?y=1")
        }
        assert.strictEqual(asked.length, 10)
        assert.strictEqual(new Set(asked.map(({ socket }) => socket)).size, 1)
        assert.isTrue(asked.every(({ headers }) => headers.host === "github.test"))
        assert.deepStrictEqual(
          proxy.asked.map(({ method, target }) => `${method} ${target}`),
          ["CONNECT github.test:443"]
        )
        // the proxy must not see GitHub's credential, nor GitHub the proxy's
        assert.notInclude(JSON.stringify(proxy.asked), "token x")
      })
    )
  }

  it.scopedLive("shows the proxy its user and password, and GitHub none of it", () =>
    Effect.gen(function* () {
      const { port, asked } = yield* github()
      const proxy = yield* closing(() => startProxy({ signIn: `ja:ne:${PASSWORD}@`, to: { "github.test:443": port } }))
      const { fetch } = yield* wire(`http://ja%3Ane:${PASSWORD}%40@127.0.0.1:${proxy.port}`)
      assert.strictEqual((yield* Effect.promise(() => fetch("https://github.test/x"))).status, 200)
      assert.notProperty(asked[0]?.headers, "proxy-authorization")
    })
  )

  it.scopedLive("lets TLS end at GitHub: a certificate that is not trusted, or another host's, is refused", () =>
    Effect.gen(function* () {
      const { port, asked } = yield* github()
      const to = { "github.test:443": port, "other.test:443": port }
      const proxy = yield* closing(() => startProxy({ to }))
      const address = `http://127.0.0.1:${proxy.port}`
      const without = yield* wire(address, { trusts: false })
      assert.strictEqual(
        yield* message(() => without.fetch("https://github.test/x")),
        `the certificate of github.test is not trusted; set NODE_EXTRA_CA_CERTS, or \`ca\` in the config, to the file of its authority, through the proxy 127.0.0.1:${proxy.port}`
      )
      const { fetch } = yield* wire(address)
      assert.match(yield* message(() => fetch("https://other.test/x")), /other\.test/)
      assert.strictEqual(asked.length, 0)
    })
  )

  it.scopedLive(
    "opens no second one for a request that comes while none is busy, and several for several at once",
    () =>
      Effect.gen(function* () {
        const { port } = yield* github()
        const proxy = yield* closing(() => startProxy({ to: { "github.test:443": port } }))
        const { fetch } = yield* wire(`http://127.0.0.1:${proxy.port}`)
        yield* Effect.promise(() => Promise.all(Array.from({ length: 30 }, () => fetch("https://github.test/x"))))
        assert.isAtMost(proxy.asked.length, 10)
      })
  )

  it.scopedLive("ends with the transport, also one that is only asked for", () =>
    Effect.gen(function* () {
      const asked = yield* Effect.makeLatch()
      const proxy = yield* closing(() => startProxy({ connect: () => asked.unsafeOpen() }))
      const answer = yield* Effect.scoped(
        Effect.gen(function* () {
          const { fetch } = yield* wire(`http://127.0.0.1:${proxy.port}`)
          const answer = fetch("https://github.test/x").then(
            () => "answered",
            () => "ended"
          )
          yield* asked.await
          return answer
        }).pipe(Effect.map((answer) => () => answer))
      )
      assert.strictEqual(yield* Effect.promise(answer), "ended")
      yield* Effect.promise(async () => {
        while (proxy.open() > 0) await new Promise((resolve) => setImmediate(resolve))
      })
    })
  )

  it.scopedLive("is not waited for by a request that is given up", () =>
    Effect.gen(function* () {
      const asked = yield* Effect.makeLatch()
      const proxy = yield* closing(() => startProxy({ connect: () => asked.unsafeOpen() }))
      const { fetch } = yield* wire(`http://127.0.0.1:${proxy.port}`)
      const controller = new AbortController()
      const answer = fetch("https://github.test/x", { signal: controller.signal }).then(
        () => "answered",
        (error: Error) => error.name
      )
      yield* asked.await
      controller.abort()
      assert.strictEqual(yield* Effect.promise(() => answer), "AbortError")
    })
  )
})

describe("a proxy that does not connect is named with its address and what to do", () => {
  it.scopedLive("it asks for credentials", () =>
    Effect.gen(function* () {
      const { said, at } = yield* fails({ signIn: "jane:x" })
      assert.strictEqual(
        said,
        `the proxy ${at} asks for a user and password (407): write them into HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT`
      )
    })
  )

  it.scopedLive("it asks for other credentials", () =>
    Effect.gen(function* () {
      const address = (port: number) => `http://jane:${PASSWORD}@127.0.0.1:${port}`
      const { said, at } = yield* fails({ signIn: "jane:x" }, { address })
      assert.strictEqual(said, `the proxy ${at} does not accept the user and password (407): check them in HTTPS_PROXY`)
    })
  )

  for (const [status, what] of [
    [403, "does not allow a connection to github.test:443 (403): let its administrator allow that"],
    [502, "cannot connect to github.test:443 (502): check api_url"],
    [503, "cannot connect to github.test:443 (503): check api_url"],
    [302, "answers CONNECT github.test:443 with 302: check that HTTPS_PROXY names an HTTP proxy"],
    [405, "answers CONNECT github.test:443 with 405: check that HTTPS_PROXY names an HTTP proxy"]
  ] as const) {
    it.scopedLive(`it answers ${status}`, () =>
      Effect.gen(function* () {
        const { said, at } = yield* fails({ connect: (socket) => socket.end(`HTTP/1.1 ${status} x\r\n\r\nno`) })
        assert.include(said, `the proxy ${at} ${what}`)
      })
    )
  }

  for (const [what, connect] of [
    ["before an answer", (socket: Socket) => socket.destroy()],
    ["in the middle of its answer", (socket: Socket) => socket.end("HTTP/1.1 200 Conn")]
  ] as const) {
    it.scopedLive(`it breaks off ${what}`, () =>
      Effect.gen(function* () {
        const { said, at } = yield* fails({ connect })
        assert.include(said, `the proxy ${at} breaks off without an answer: check that HTTPS_PROXY names an HTTP proxy`)
      })
    )
  }

  it.scopedLive("it breaks off behind its answer", () =>
    Effect.gen(function* () {
      const connect = (socket: Socket) => socket.end("HTTP/1.1 200 Connection established\r\n\r\n")
      const { said, at } = yield* fails({ connect })
      assert.strictEqual(said, `github.test broke the connection off, through the proxy ${at}`)
    })
  )

  it.scopedLive("it says nothing", () =>
    Effect.gen(function* () {
      const { said, at } = yield* fails({ connect: () => {} }, { silence: 100 })
      assert.strictEqual(
        said,
        `the proxy ${at} did not connect to github.test:443 within 0.1 seconds: check HTTPS_PROXY and that the proxy runs`
      )
    })
  )

  it.scopedLive("GitHub says nothing behind it", () =>
    Effect.gen(function* () {
      const connect = (socket: Socket) => void socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
      const { said, at } = yield* fails({ connect }, { silence: 100 })
      assert.strictEqual(said, `github.test said nothing for 0.1 seconds, through the proxy ${at}`)
    })
  )

  it.scopedLive("it is another kind of server", () =>
    Effect.gen(function* () {
      const port = yield* serving((socket) => socket.write("SSH-2.0-OpenSSH_9.9\r\n"))
      const { fetch } = yield* wire(`http://127.0.0.1:${port}`)
      const said = yield* message(() => fetch("https://github.test/x"))
      assert.include(said, `the proxy 127.0.0.1:${port} breaks off without an answer: check that HTTPS_PROXY names`)
    })
  )

  it.scopedLive("it is not there", () =>
    Effect.gen(function* () {
      const port = yield* Effect.scoped(serving(() => {}))
      const { fetch } = yield* wire(`http://jane:${PASSWORD}@127.0.0.1:${port}`)
      assert.strictEqual(
        yield* message(() => fetch("https://github.test/x")),
        `the proxy 127.0.0.1:${port} refuses connections: check HTTPS_PROXY and that the proxy runs`
      )
    })
  )

  it.scopedLive("its name is not known", () =>
    Effect.gen(function* () {
      const { fetch } = yield* wire(`http://jane:${PASSWORD}@proxy.invalid:3128`)
      assert.include(
        yield* message(() => fetch("https://github.test/x")),
        "the proxy proxy.invalid:3128 is not found, its name proxy.invalid cannot be resolved: check HTTPS_PROXY"
      )
    })
  )

  it.scopedLive("it is no https:// one", () =>
    Effect.gen(function* () {
      const { said, at } = yield* fails({}, { address: (port) => `https://127.0.0.1:${port}` })
      assert.include(said, `the proxy ${at} does not speak TLS: check HTTPS_PROXY`)
    })
  )

  it.scopedLive("it has a certificate that is not trusted", () =>
    Effect.gen(function* () {
      const { port } = yield* closing(() => startProxy({ tls: files }))
      const { fetch } = yield* wire(`https://127.0.0.1:${port}`, { trusts: false })
      assert.match(
        yield* message(() => fetch("https://github.test/x")),
        /^the proxy 127\.0\.0\.1:\d+ has a certificate that is not trusted \(\w+\): set NODE_EXTRA_CA_CERTS, or `ca` in the config/
      )
    })
  )
})

describe("an http:// address", () => {
  const plain = Effect.map(
    closing(async () => {
      const server = createHttp((request, response) =>
        request.url === "/old"
          ? response.writeHead(301, { location: "/new" }).end()
          : response.end(`${request.headers.host} ${request.url} ${request.headers["proxy-authorization"]}`)
      )
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return {
        port: (server.address() as AddressInfo).port,
        close: () => {
          server.close()
          server.closeAllConnections()
        }
      }
    }),
    ({ port }) => port
  )

  for (const secure of [false, true]) {
    it.scopedLive(`is asked for as a whole at ${secure ? "an https://" : "an http://"} proxy, redirections too`, () =>
      Effect.gen(function* () {
        const port = yield* plain
        const proxy = yield* closing(() =>
          startProxy({ ...(secure ? { tls: files } : {}), signIn: "jane:x", to: { "ghe.test:8080": port } })
        )
        const { fetch } = yield* wire(`${secure ? "https" : "http"}://jane:x@127.0.0.1:${proxy.port}`)
        const answer = yield* Effect.promise(() => fetch("http://ghe.test:8080/old"))
        assert.strictEqual(yield* Effect.promise(answer.text), "ghe.test:8080 /new undefined")
        assert.deepStrictEqual(
          proxy.asked.map(({ method, target }) => `${method} ${target}`),
          ["GET http://ghe.test:8080/old", "GET http://ghe.test:8080/new"]
        )
      })
    )
  }

  it.scopedLive("tells of a proxy that wants credentials, or is not there, as a tunnel does", () =>
    Effect.gen(function* () {
      const { port } = yield* closing(() => startProxy({ signIn: "jane:x" }))
      const { fetch } = yield* wire(`http://127.0.0.1:${port}`)
      assert.include(
        yield* message(() => fetch("http://ghe.test/x")),
        `the proxy 127.0.0.1:${port} asks for a user and password (407)`
      )
      const gone = yield* Effect.scoped(serving(() => {}))
      const nowhere = yield* wire(`http://127.0.0.1:${gone}`)
      assert.include(
        yield* message(() => nowhere.fetch("http://ghe.test/x")),
        `the proxy 127.0.0.1:${gone} refuses connections`
      )
    })
  )
})
