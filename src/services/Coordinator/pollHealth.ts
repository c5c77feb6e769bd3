/** Whether services can see their CI: one whose last look failed looks again by itself, although another one looks for all. */
import * as Effect from "effect/Effect"

/** All services see, until a look of theirs fails. */
export const make = () => {
  const failing = new Set<string>()
  const tracked = <A, E, R>(service: string, look: Effect.Effect<A, E, R>) =>
    Effect.tapBoth(look, {
      onFailure: () => Effect.sync(() => failing.add(service)),
      onSuccess: () => Effect.sync(() => failing.delete(service))
    })
  return {
    /** Look for all. */
    poll: tracked,
    /** It is not this service's turn: it must still not seem well because others are. */
    retryIfFailing: <A, E, R>(service: string, look: Effect.Effect<A, E, R>): Effect.Effect<void, E, R> =>
      Effect.suspend(() => (failing.has(service) ? Effect.asVoid(tracked(service, look)) : Effect.void))
  }
}
