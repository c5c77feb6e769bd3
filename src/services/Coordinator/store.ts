/** What the coordinator of many hosts needs of the store that they share. Redis is one; tests have others. */
import type * as Effect from "effect/Effect"
import type { Scope } from "../../domain/Job.ts"
import type { CoordinatorError } from "../Coordinator.ts"
import type { Command, Reply } from "./protocol.ts"

/** A store that is connected to, or is being connected to. */
export interface Store {
  /** How it is named to people. */
  readonly name: string
  /** Apply a command to what is known of a scope. Tried again for a few seconds while the store is away, so every command may be applied twice. */
  readonly ask: (scope: Scope, command: Command) => Effect.Effect<Reply, CoordinatorError>
  /** Check that its servers are fit for this: new enough, and forget nothing by themselves. */
  readonly fit: Effect.Effect<void, CoordinatorError>
  /** Hear what is said to a host: `wake <service>` by the store, and whatever the host says to itself. */
  readonly listen: (host: string, heard: (message: string) => Effect.Effect<void>) => Effect.Effect<void>
  /** Say something to a host. */
  readonly say: (host: string, message: string) => Effect.Effect<void, CoordinatorError>
  /** Listen anew: a connection may look open, and hear nothing. */
  readonly relisten: Effect.Effect<void>
  /** Hear for how many milliseconds a credential is refused, when a host tells it. */
  readonly limits: (heard: (credential: string, ms: number) => Effect.Effect<void>) => Effect.Effect<void>
  /** Tell that a credential is refused for so many milliseconds, or ask with none; answers how many are left. */
  readonly limit: (credential: string, ms: number) => Effect.Effect<number>
}
