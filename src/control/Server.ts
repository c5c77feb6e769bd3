/** HTTP servers for people and their tools: on a unix socket that only its user can open, or over TCP where the config asks for it. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse
} from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Files from "../files/Files.ts"
import { hiding } from "../secrets/Secrets.ts"
import type { Answer } from "./Answer.ts"

/** A socket or port that cannot be served. */
export class ControlError extends hiding(
  Schema.TaggedError<ControlError>()("ControlError", {
    address: Schema.String,
    detail: Schema.String
  })
) {
  override get message() {
    return `${this.address}: ${this.detail}`
  }
}

/** A question: `GET /status`, with what stands behind the question mark. */
export interface Question {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
}

/** The file's name beside the PID file. */
export const FILE_NAME = "anklet.sock"
/** What a request's target is taken relative to. */
const BASE = "http://anklet"
/** Maximum number of bytes of the path of a socket on macOS; Linux accepts four more (sys/un.h). */
const LONGEST = 103
/** Maximum number of connections of a listener; about ten are in use at once. */
const CONNECTIONS = 64
/** Bounds of every listener: times in milliseconds, and bytes of the headers of a request. */
const BOUNDS = {
  /** Timeouts from the connection to the end of the first headers, and to the end of the request: honest clients send both at once. */
  headersTimeout: 5000,
  requestTimeout: 10_000,
  /** Timeout of the next request on the same connection. */
  keepAliveTimeout: 1000,
  connectionsCheckingInterval: 2000,
  /** Node's default: a browser sends the cookies of everything that was ever served from this host. */
  maxHeaderSize: 16 << 10
}
/** Timeout of a client that does not read its answer, in milliseconds. */
const TAKEN_WITHIN = 10_000
/** The umask of a socket that only its user can open. */
const PRIVATE = 0o177

const explain = ({ code, message }: NodeJS.ErrnoException): string => {
  switch (code) {
    case "EADDRINUSE":
      return "it is taken by another program, or another daemon; give each its own"
    case "EADDRNOTAVAIL":
      return "this host does not have that address"
    case "EACCES":
      return "it may not be used by this user; ports below 1024 are the system's"
    default:
      return message
  }
}

/** Close the connection that has been silent the longest when all are in use: half-open connections keep nobody out. */
const makeRoom = (server: Server): void => {
  const silent = new Set<Socket>()
  server.on("connection", (socket) => {
    silent.add(socket)
    socket.once("close", () => silent.delete(socket))
    server.getConnections((_, count) => {
      const [oldest] = silent
      if (count >= CONNECTIONS && oldest !== socket) oldest?.destroy()
    })
  })
  server.on("request", ({ socket }, response) => {
    silent.delete(socket)
    response.once("close", () => {
      if (!socket.destroyed) silent.add(socket)
    })
  })
}

const listening = (
  address: string,
  answer: (question: Question) => Effect.Effect<Answer>,
  listen: (server: Server) => void
): Effect.Effect<Server, ControlError, Scope.Scope> =>
  Effect.gen(function* () {
    const fork = Runtime.runFork(yield* Effect.runtime<never>())
    const reply = (request: IncomingMessage, response: ServerResponse) => {
      const { url: target = "/", method = "GET", headers } = request
      if (!URL.canParse(target, BASE)) return void response.writeHead(400).end()
      const { pathname: path, searchParams: query } = new URL(target, BASE)
      const question = { method, path, query, headers }
      const asked = answer(question).pipe(
        Effect.andThen(({ status, body, headers }) =>
          Effect.sync(() => {
            response.writeHead(status, { "cache-control": "no-store", ...headers })
            response.end(body)
            // a client that does not read the answer is not waited for
            request.socket.setTimeout(TAKEN_WITHIN)
          })
        ),
        Effect.onError(() => Effect.sync(() => response.destroy()))
      )
      const fiber = fork(asked)
      // a client that has left needs no answer
      response.on("close", () => fiber.unsafeInterruptAsFork(fiber.id()))
    }
    return yield* Effect.acquireRelease(
      Effect.async<Server, ControlError>((resume) => {
        const server = createServer(BOUNDS, reply)
        server.maxConnections = CONNECTIONS
        makeRoom(server)
        server.once("error", (error) => resume(Effect.fail(new ControlError({ address, detail: explain(error) }))))
        server.once("listening", () => resume(Effect.succeed(server)))
        listen(server)
      }),
      (server) =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
  })

/** Answer on a unix socket with mode 0600, as long as the scope lives. Removes the socket of a dead daemon: the caller must hold the PID file. Fails with `ControlError`. */
export const serve = Effect.fn("ControlSocket.serve")(function* (
  path: string,
  answer: (question: Question) => Effect.Effect<Answer>
) {
  const fs = yield* FileSystem
  const bytes = Buffer.byteLength(path)
  if (bytes > LONGEST) {
    return yield* new ControlError({
      address: path,
      detail: `the path has ${bytes} bytes, and a socket's may have ${LONGEST}: choose a shorter pid_file_dir`
    })
  }
  yield* Effect.mapError(
    Files.look(path, "Socket"),
    ({ message }) => new ControlError({ address: path, detail: message })
  )
  yield* Effect.ignore(fs.remove(path))
  yield* listening(path, answer, (server) => {
    // the file is made within `listen`, so that nobody else can open it even for a moment
    const before = process.umask(PRIVATE)
    server.listen(path)
    process.umask(before)
  })
})

/** Answer on a port of this address, as long as the scope lives; 0 is any port that is free. Gives the port. */
export const serveTcp = (host: string, port: number, answer: (question: Question) => Effect.Effect<Answer>) =>
  Effect.map(
    listening(`${host}:${port}`, answer, (server) => void server.listen(port, host)),
    (server) => (server.address() as AddressInfo).port
  )
