/** Finding the VM that a person names, by what the daemon and the history know. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Config from "../../config/Config.ts"
import { API } from "../../control/Api.ts"
import * as History from "../../services/History.ts"
import { configFile } from "../configFile.ts"
import * as control from "../control.ts"
import { targetOf } from "./target.ts"

/** The name of the VM of a job, service, VM or runner. Fails if there is none on this Mac, or no daemon. */
export const find = Effect.fnUntraced(function* (config: Option.Option<string>, named: string) {
  const { running, waiting, problems } = yield* (yield* control.at(config)).get(API.jobs, {})
  const { daemon, services } = yield* Config.readDaemon(yield* configFile(config))
  const ended = yield* History.read(yield* History.pathOf(daemon.stateDir))
  return yield* targetOf(named, { running, waiting, problems, services: services.map(({ name }) => name), ended })
})
