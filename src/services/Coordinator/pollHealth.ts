/** Whether services can poll their CI. One whose last poll failed polls again, although another one polls for all. */
import * as Effect from "effect/Effect"

/** Every service counts as healthy until a poll of its own fails. */
export const make = () => {
  const failing = new Set<string>()
  const tracked = <A, E, R>(service: string, look: Effect.Effect<A, E, R>) =>
    Effect.tapBoth(look, {
      onFailure: () => Effect.sync(() => failing.add(service)),
      onSuccess: () => Effect.sync(() => failing.delete(service))
    })
  return {
    /** Poll on behalf of all. */
    poll: tracked,
    /** Not this service's turn: a failing one polls all the same, so that it does not look healthy because others are. */
    retryIfFailing: <A, E, R>(service: string, look: Effect.Effect<A, E, R>): Effect.Effect<void, E, R> =>
      Effect.suspend(() => (failing.has(service) ? Effect.asVoid(tracked(service, look)) : Effect.void))
  }
}
