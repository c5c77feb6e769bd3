/** Asking a running daemon over its control socket. */
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Config from "../config/Config.ts"
import type { JsonRoute, Route } from "../control/Api.ts"
import { FILE_NAME } from "../control/Server.ts"
import { hiding } from "../secrets/Secrets.ts"
import * as PidFile from "../services/PidFile.ts"
import * as Advice from "../text/Advice.ts"
import { configFile } from "./configFile.ts"
import { notRunning } from "./signal.ts"
import * as Socket from "./socket.ts"

/** The daemon runs, and gives no usable answer. */
export class NoAnswer extends hiding(
  Schema.TaggedError<NoAnswer>()("NoAnswer", {
    pid: Schema.Number,
    detail: Schema.String
  })
) {
  override get message() {
    return `the daemon (pid ${this.pid}) does not answer: ${this.detail}. Its log may say why; "${Advice.anklet("-s stop")}" and "-s drain" still work`
  }
}

/** Timeout of a question, in milliseconds. */
const WITHIN = 20_000

/** The control socket of the daemon of a config. */
export const at = Effect.fnUntraced(function* (config: Option.Option<string>) {
  const paths = yield* Path
  const { daemon } = yield* Config.readDaemon(yield* configFile(config))
  const socket = paths.join(daemon.pidFileDir, FILE_NAME)
  const file = yield* PidFile.pathOf(daemon.pidFileDir)

  /** Ask; fails with `NotRunning` when there is no daemon. */
  const ask = <Query extends string>(route: Route<Query>, values: Readonly<Record<Query, string>>) =>
    Effect.gen(function* () {
      const found = yield* PidFile.find(file)
      if (Option.isNone(found)) return yield* notRunning(daemon, `start it with "${Advice.anklet()}"`)
      const { pid } = found.value
      const refuse = (detail: string) => new NoAnswer({ pid, detail })
      const { status, body } = yield* Effect.mapError(Socket.ask(socket, route, values, WITHIN), ({ message }) =>
        refuse(message)
      )
      return status === 200 ? body : yield* refuse(body === "" ? `it says ${status}` : body)
    })
  /** Ask for a route that is answered with JSON, and read the answer. */
  const get = <A, I, Query extends string>(route: JsonRoute<A, I, Query>, values: Readonly<Record<Query, string>>) =>
    Effect.gen(function* () {
      const body = yield* ask(route, values)
      return yield* Effect.mapError(
        Schema.decode(Schema.parseJson(yield* route.schema))(body),
        () => new NoAnswer({ pid: 0, detail: "its answer is of another version" })
      )
    })
  return { ask, get }
})
