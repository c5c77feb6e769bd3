/** Polling on behalf of a scope, as the passes of a host do it. */
import * as Effect from "effect/Effect"
import type { Scope } from "../../src/domain/Job.ts"
import { type Looking, Polling } from "../../src/job/Polling.ts"
import { Coordinator } from "../../src/services/Coordinator.ts"
import { Wake } from "../../src/services/Wake.ts"

/** A host is its coordinator. */
const hosts = new WeakMap<Coordinator["Type"], Polling["Type"]>()
const pollingOf = (coordinator: Coordinator["Type"]) => {
  const polling = hosts.get(coordinator) ?? Polling.make()
  hosts.set(coordinator, polling)
  return polling
}

/** Poll once. */
export const poll = <E>(coordinator: Coordinator["Type"], scope: Scope, looking: Looking<E, never>) =>
  Effect.provideService(pollingOf(coordinator).poll(scope, looking), Coordinator, coordinator)

/** Hint that there is something new. */
export const hint = (coordinator: Coordinator["Type"], scope: Scope) =>
  Effect.provide(pollingOf(coordinator).sooner(scope), Wake.layer)
