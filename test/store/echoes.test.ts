/** A Redis, or what stands in its place, that says back what it was sent: renamed commands, rules of access, errors of a proxy. */
import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Redis from "../../src/services/Redis.ts"
import { leak } from "../fuzz/canary.ts"
import { databaseAt } from "./member.ts"

/** Texts of a request in RESP: an array of bulk strings. */
const wordsIn = (request: string): ReadonlyArray<ReadonlyArray<string>> =>
  request
    .split(/^\*\d+\r\n/m)
    .filter((command) => command !== "")
    .map((command) => command.split("\r\n").filter((_, n) => n % 2 === 1))

/** A server that answers each command, `PING` and `INFO` too, with an error made of all that this connection has sent. */
const echoing = (said: (words: ReadonlyArray<string>) => string) =>
  Effect.acquireRelease(
    Effect.async<{ readonly port: number; readonly close: () => void }>((resume) => {
      const server = createServer((socket) => {
        const heard: Array<string> = []
        socket.on("error", () => {})
        socket.on("data", (bytes) => {
          for (const words of wordsIn(bytes.toString())) {
            heard.push(...words)
            socket.write(`-${said(heard).replace(/[\r\n]/g, " ")}\r\n`)
          }
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ port, close: () => server.close() }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

const quoted = (words: ReadonlyArray<string>) => words.map((word) => `'${word}'`).join(" ")

const ERRORS: Readonly<Record<string, (words: ReadonlyArray<string>) => string>> = {
  "a renamed command": (words) => `ERR unknown command 'AUTH', with args beginning with: ${quoted(words)}`,
  "a renamed command in older words": (words) =>
    `ERR unknown command \`AUTH\`, with args beginning with: ${quoted(words)}, `,
  "a rule of access": (words) => `NOPERM User default has no permissions to run ${quoted(words)}`,
  "a wrong password": (words) => `WRONGPASS invalid username-password pair: ${quoted(words)}`,
  "no sign-in": (words) => `NOAUTH Authentication required, not ${quoted(words)}`,
  "a proxy": (words) => `PROXYERR cannot route ${quoted(words)} (${Buffer.from(words.join("\0")).toString("base64")})`,
  "a cluster": (words) => `CLUSTERDOWN ${quoted(words)}`,
  "a full memory": (words) => `OOM ${quoted(words)}`,
  "an error of a script": (words) => `ERR Error running script: ${JSON.stringify(words)}`
}

describe.concurrent("a store that says back what it was sent", () => {
  for (const [what, said] of Object.entries(ERRORS))
    for (const password of ["canary-of/the+store?1", "p4ss-w"])
      it.scopedLive(`as ${what} does is reported without a password of ${password.length} characters`, () =>
        Effect.gen(function* () {
          const logged: Array<string> = []
          const log = Logger.replace(
            Logger.defaultLogger,
            Logger.make(({ message, cause }) => void logged.push(`${message} ${Cause.pretty(cause)}`))
          )
          const { port } = yield* echoing(said)
          const database = databaseAt(port, { user: "anklet", password: Option.some(Redacted.make(password)) })
          yield* Effect.gen(function* () {
            const redis = yield* Redis.connect(database, Effect.void)
            for (const asked of [
              redis.settings,
              redis.run({ text: "return {}", sha: "0".repeat(40) }, ["anklet:{a}"], ["1"]),
              redis.say("channel", "message"),
              redis.fit
            ]) {
              const all = Either.match(yield* Effect.either(asked), {
                onLeft: (error) => [
                  error.message,
                  JSON.stringify(error),
                  Cause.pretty(Cause.fail(error)),
                  `${error.stack}`
                ],
                // whether such a server counts as ready just then or not: who may not ask for its settings has none
                onRight: () => {
                  assert.strictEqual(what, "a rule of access")
                  return []
                }
              })
              for (const text of [...all, ...logged]) assert.isUndefined(leak(text, password), text)
            }
          }).pipe(Effect.provide(log))
        })
      )
})
