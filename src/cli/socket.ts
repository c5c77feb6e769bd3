/** One question to a daemon's control socket. */
import { request } from "node:http"
import type { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { type Route, targetOf } from "../control/Api.ts"
import * as Files from "../files/Files.ts"

/** The answer of the daemon. */
export interface Answer {
  readonly status: number
  readonly body: string
}

/**
 * Ask for a route, with a value for each of its parameters. `within` is the timeout in milliseconds; without it, the answer
 * is waited for without limit. Fails with the reason why there is no answer.
 */
export const ask = <Query extends string>(
  socket: string,
  route: Route<Query>,
  values: Readonly<Record<Query, string>>,
  within?: number
): Effect.Effect<Answer, { readonly message: string }, FileSystem> =>
  Effect.gen(function* () {
    // a socket of this user, in a folder where nobody else can replace it, is still the same one at the connection
    yield* Files.look(socket, "Socket")
    return yield* send(socket, route.method, targetOf(route, values), within)
  })

const send = (socket: string, method: Route["method"], path: string, within: number | undefined) =>
  Effect.async<Answer, { readonly message: string }>((resume) => {
    const fail = (message: string) => resume(Effect.fail({ message: `${socket}: ${message}` }))
    const asked = request({ socketPath: socket, method, path, timeout: within }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        body += chunk
      })
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, body })))
      response.on("error", ({ message }) => fail(message))
    })
    asked.on("timeout", () => {
      fail(`no answer within ${(within ?? 0) / 1000} s`)
      asked.destroy()
    })
    asked.on("error", ({ message }) => fail(message))
    asked.end()
    return Effect.sync(() => asked.destroy())
  })
