import { createServer, type IncomingMessage, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as transport from "../../../src/services/GitHub/transport.ts"

/** A web server with the given answers, and the requests it got. */
const serve = (listener: RequestListener) =>
  Effect.gen(function* () {
    const asked: Array<IncomingMessage> = []
    const server = createServer((request, response) => {
      asked.push(request)
      listener(request, response)
    })
    yield* Effect.acquireRelease(
      Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
      () =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    )
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, asked }
  })

const wire = (silence = 30_000): Effect.Effect<ReturnType<typeof transport.make>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => transport.make({ silence })),
    (wire) => Effect.sync(wire.close)
  )

const failure = (promise: () => Promise<unknown>) =>
  Effect.map(Effect.flip(Effect.tryPromise(promise)), ({ error }) =>
    error instanceof transport.TransportError ? { code: error.code, message: error.message } : error
  )

describe("the transport", () => {
  it.scopedLive("gives a connection up on which nothing is said, although nobody interrupts it", () =>
    Effect.gen(function* () {
      const { url } = yield* serve(() => {})
      const { fetch } = yield* wire(100)
      const error = yield* failure(() => fetch(url))
      assert.deepStrictEqual(error, {
        code: "ETIMEDOUT",
        message: `${new URL(url).host} said nothing for 0.1 seconds`
      })
    })
  )

  it.scopedLive("reads no more than its limit", () =>
    Effect.gen(function* () {
      const { url } = yield* serve((_, response) => {
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(1 << 20))) {}
        }
        response.on("drain", more)
        more()
      })
      const { fetch } = yield* wire()
      assert.include(JSON.stringify(yield* failure(() => fetch(url))), "ETOOBIG")
    })
  )

  it.scopedLive("keeps its connections: ten requests one after the other share one", () =>
    Effect.gen(function* () {
      const { url, asked } = yield* serve((_, response) => response.end("{}"))
      const { fetch } = yield* wire()
      for (let n = 0; n < 10; n++) yield* Effect.promise(() => fetch(url))
      assert.strictEqual(new Set(asked.map(({ socket }) => socket)).size, 1)
    })
  )

  it.scopedLive("follows GitHub to where a renamed repository is now, reads and repeatable writes alike", () =>
    Effect.gen(function* () {
      const bodies: Array<string> = []
      const { url, asked } = yield* serve((request, response) => {
        const { url = "", method } = request
        if (url === "/old") response.writeHead(method === "GET" ? 301 : 307, { location: "/new" }).end()
        else {
          request.on("data", (chunk) => bodies.push(String(chunk)))
          request.on("end", () => response.end("here"))
        }
      })
      const { fetch } = yield* wire()
      const headers = { authorization: "token x" }
      const read = yield* Effect.promise(() => fetch(`${url}/old`, { headers }))
      assert.strictEqual(yield* Effect.promise(read.text), "here")
      yield* Effect.promise(() => fetch(`${url}/old`, { method: "POST", body: "what", headers }))
      assert.deepStrictEqual(bodies, ["what"])
      assert.isTrue(asked.every(({ headers }) => headers.authorization === "token x"))
    })
  )

  it.scopedLive(
    "never takes the credential to another server, repeats no write on a 301, and goes round in no circle",
    () =>
      Effect.gen(function* () {
        const other = yield* serve((_, response) => response.end("stolen"))
        const { url, asked } = yield* serve((request, response) =>
          response.writeHead(301, { location: request.url === "/away" ? other.url : "/circle" }).end()
        )
        const { fetch } = yield* wire()
        assert.strictEqual((yield* Effect.promise(() => fetch(`${url}/away`))).status, 301)
        assert.strictEqual(other.asked.length, 0)
        yield* Effect.promise(() => fetch(`${url}/circle`, { method: "POST" }))
        assert.strictEqual(asked.length, 2)
        assert.strictEqual((yield* Effect.promise(() => fetch(`${url}/circle`))).status, 301)
        assert.isBelow(asked.length, 10)
      })
  )
})
