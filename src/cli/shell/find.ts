/** Finding the VM that a person names, by what the daemon and the history know. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Config from "../../config/Config.ts"
import { API } from "../../control/Api.ts"
import * as History from "../../services/History.ts"
import { configFile } from "../configFile.ts"
import * as control from "../control.ts"
import { type Known, targetOf } from "./target.ts"

/** What is known of jobs and their VMs. Fails if there is no daemon. */
export const known = Effect.fnUntraced(function* (config: Option.Option<string>) {
  const daemon = yield* control.at(config)
  const { running, waiting, problems } = yield* daemon.get(API.jobs, {})
  // a daemon of an older version keeps none
  const { held } = yield* Effect.orElseSucceed(daemon.get(API.holds, {}), () => ({ held: [] }))
  const { daemon: read, services } = yield* Config.readDaemon(yield* configFile(config))
  const ended = yield* History.read(yield* History.pathOf(read.stateDir))
  return {
    ...{ running, waiting, problems, services: services.map(({ name }) => name), ended },
    held: held.toReversed()
  } satisfies Known
})

/** The name of the VM of a job, service, VM or runner. Fails if there is none on this Mac, or no daemon. */
export const find = (config: Option.Option<string>, named: string) =>
  Effect.flatMap(known(config), (known) => targetOf(named, known))
