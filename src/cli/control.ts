/** Asking a running daemon over its control socket. */
import { request } from "node:http"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Config from "../Config.ts"
import { FILE_NAME } from "../services/ControlSocket.ts"
import * as PidFile from "../services/PidFile.ts"
import { NotRunning } from "./signal.ts"
import { configFile } from "./start.ts"

/** The daemon runs, and does not answer as it should. */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", {
  pid: Schema.Number,
  detail: Schema.String
}) {
  override get message() {
    return `the daemon (pid ${this.pid}) does not answer: ${this.detail}. Its log may say why; "anklet -s stop" and "-s drain" work all the same`
  }
}

/** A daemon that does not answer within this is in trouble, in milliseconds. */
const WITHIN = 20_000

const send = (socket: string, method: string, path: string) =>
  Effect.async<{ readonly status: number; readonly body: string }, { readonly message: string }>((resume) => {
    const fail = (message: string) => resume(Effect.fail({ message }))
    const asked = request({ socketPath: socket, method, path, timeout: WITHIN }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        body += chunk
      })
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, body })))
    })
    asked.on("timeout", () => {
      fail(`nothing came in ${WITHIN / 1000} seconds`)
      asked.destroy()
    })
    asked.on("error", ({ message }) => fail(message))
    asked.end()
    return Effect.sync(() => asked.destroy())
  })

/** Where the daemon of a config is asked. */
export const at = Effect.fnUntraced(function* (config: Option.Option<string>) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const { daemon } = yield* Config.read(yield* configFile(config))
  const socket = paths.join(daemon.pidFileDir, FILE_NAME)
  const file = yield* PidFile.pathOf(daemon.pidFileDir)

  /** Ask; fails with `NotRunning` when there is no daemon. */
  const ask = (method: "GET" | "POST", path: string) =>
    Effect.gen(function* () {
      const found = yield* PidFile.find(file)
      if (Option.isNone(found)) return yield* new NotRunning({ file })
      const { pid } = found.value
      const refuse = (detail: string) => new NoAnswer({ pid, detail })
      const owner = yield* Effect.option(fs.stat(socket))
      // in a folder that all may write into, the socket may be anybody's
      if (Option.exists(owner, ({ uid }) => Option.isSome(uid) && uid.value !== process.getuid?.())) {
        return yield* refuse(`${socket} belongs to another user`)
      }
      const { status, body } = yield* Effect.mapError(send(socket, method, path), (error) =>
        refuse(`${socket}: ${error.message}`)
      )
      return status === 200 ? body : yield* refuse(body === "" ? `it says ${status}` : body)
    })
  /** Ask for what this schema describes. */
  const get = <A, I>(path: string, schema: Schema.Schema<A, I>) =>
    Effect.flatMap(ask("GET", path), (body) =>
      Effect.mapError(
        Schema.decode(Schema.parseJson(schema))(body),
        () => new NoAnswer({ pid: 0, detail: "it is of another version, and answers differently" })
      )
    )
  return { ask, get }
})
