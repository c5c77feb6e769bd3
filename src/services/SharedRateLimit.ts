/** Hosts that use the same credential tell each other about its rate limit: a refusal of one host applies to all. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

/** Where hosts can exchange messages. */
export interface Board {
  readonly publish: (credential: string, ms: number) => Effect.Effect<void>
  /** Remaining time for which the credential is refused, in milliseconds, as other hosts report. */
  readonly query: (credential: string) => Effect.Effect<number>
}

/** The rate limits of credentials, shared between hosts. */
export class SharedRateLimit extends Context.Tag("anklet/SharedRateLimit")<
  SharedRateLimit,
  {
    /**
     * `credential`: a fingerprint. `refused(ms)` runs when another host reports that GitHub refuses this credential for
     * `ms` more milliseconds.
     */
    readonly join: (
      credential: string,
      refused: (ms: number) => Effect.Effect<void>
    ) => Effect.Effect<{ readonly publish: (ms: number) => Effect.Effect<void> }, never, Scope.Scope>
    /** Publishes to and receives from this board as well; refusals already on it take effect at once. */
    readonly share: (board: Board) => Effect.Effect<void, never, Scope.Scope>
    /** Called when a board reports that a credential is refused. */
    readonly received: (credential: string, ms: number) => Effect.Effect<void>
  }
>() {
  static readonly layer = Layer.sync(SharedRateLimit, () => {
    const boards = new Set<Board>()
    const members = new Map<string, (ms: number) => Effect.Effect<void>>()
    const received = (credential: string, ms: number) =>
      Effect.suspend(() => (ms > 0 ? (members.get(credential)?.(ms) ?? Effect.void) : Effect.void))
    const catchUp = (board: Board, credential: string) =>
      Effect.flatMap(board.query(credential), (ms) => received(credential, ms))
    const hold = <A>(set: { add: (a: A) => unknown; delete: (a: A) => unknown }, it: A) =>
      Effect.acquireRelease(
        Effect.sync(() => set.add(it)),
        () => Effect.sync(() => set.delete(it))
      )
    return SharedRateLimit.of({
      received,
      join: (credential, refused) =>
        Effect.gen(function* () {
          yield* Effect.acquireRelease(
            Effect.sync(() => members.set(credential, refused)),
            () => Effect.sync(() => members.delete(credential))
          )
          yield* Effect.forEach(boards, (board) => Effect.forkDaemon(catchUp(board, credential)), { discard: true })
          return {
            publish: (ms: number) => Effect.forEach(boards, (board) => board.publish(credential, ms), { discard: true })
          }
        }),
      share: (board) =>
        Effect.zipRight(
          hold(boards, board),
          Effect.forEach(members.keys(), (credential) => Effect.forkDaemon(catchUp(board, credential)), {
            discard: true
          })
        )
    })
  })
}
