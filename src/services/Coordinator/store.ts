/** What a shared coordinator needs of its store. Redis is one; the simulation has another. */
import type * as Effect from "effect/Effect"
import type { Scope } from "../../domain/Job.ts"
import type { CoordinatorError } from "../Coordinator.ts"
import type { Command, Reply } from "./protocol.ts"

/** A store that is connected, or that is being connected to. */
export interface Store {
  /** How it is named to people. */
  readonly name: string
  /** Apply a command to the state of a scope. While the store is away it is tried again for a few seconds, so any command may be applied twice. */
  readonly ask: (scope: Scope, command: Command) => Effect.Effect<Reply, CoordinatorError>
  /** Check that its servers are fit for this: new enough, and without a policy that drops keys. */
  readonly fit: Effect.Effect<void, CoordinatorError>
  /** Run `heard` for each message to a host: `wake <service>` from the store, and what the host sends to itself. */
  readonly listen: (host: string, heard: (message: string) => Effect.Effect<void>) => Effect.Effect<void>
  /** Send a message to a host. */
  readonly say: (host: string, message: string) => Effect.Effect<void, CoordinatorError>
  /** Replace the listening connection, which may look open and receive nothing. */
  readonly relisten: Effect.Effect<void>
  /** Run `heard` when any host reports that a credential is refused for `ms` more milliseconds. */
  readonly limits: (heard: (credential: string, ms: number) => Effect.Effect<void>) => Effect.Effect<void>
  /** Report that a credential is refused for `ms` milliseconds, or ask with 0; returns the milliseconds that are left. */
  readonly limit: (credential: string, ms: number) => Effect.Effect<number>
}
