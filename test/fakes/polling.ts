/** Polling on behalf of a scope, as the passes of a host do it. */
import * as Effect from "effect/Effect"
import type { Scope } from "../../src/domain/Job.ts"
import { type Looking, Polling } from "../../src/job/Polling.ts"
import { Coordinator } from "../../src/services/Coordinator.ts"

/** A host is its coordinator. */
const hosts = new WeakMap<Coordinator["Type"], Polling["Type"]>()

/** Poll once. */
export const poll = <E>(coordinator: Coordinator["Type"], scope: Scope, looking: Looking<E, never>) => {
  const polling = hosts.get(coordinator) ?? Polling.make()
  hosts.set(coordinator, polling)
  return Effect.provideService(polling.poll(scope, looking), Coordinator, coordinator)
}
