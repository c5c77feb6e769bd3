/** What polls leave out while it fails: said once when that begins and once when it is over, and kept for people who ask. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** One of several things that a service polls, by its name. */
interface Place {
  /** The queue that they share. */
  readonly queue: string
  readonly name: string
}

/** The memory of what is left out. */
interface Remembers {
  /** It could not be polled, and the rest of its queue is. */
  readonly failed: (place: Place, why: string) => Effect.Effect<void>
  /** It was polled. */
  readonly works: (place: Place) => Effect.Effect<void>
  /** What is left out of a queue now, and why: a sentence for each. */
  readonly of: (queue: string) => Effect.Effect<ReadonlyArray<string>>
}

const nothing: Remembers = {
  failed: () => Effect.void,
  works: () => Effect.void,
  of: () => Effect.succeed([])
}

const make = (): Remembers => {
  const queues = new Map<string, Map<string, string>>()
  return {
    failed: ({ queue, name }, why) =>
      Effect.suspend(() => {
        const places = queues.get(queue) ?? new Map<string, string>()
        const isKnown = places.has(name)
        queues.set(queue, places.set(name, `${name} is left out until it recovers, the rest is polled: ${why}`))
        return isKnown ? Effect.void : Effect.logWarning(places.get(name))
      }),
    works: ({ queue, name }) =>
      Effect.suspend(() =>
        queues.get(queue)?.delete(name) === true ? Effect.logInfo(`${name} has recovered`) : Effect.void
      ),
    of: (queue) => Effect.sync(() => [...(queues.get(queue)?.values() ?? [])])
  }
}

/** Without a provided one, nothing is remembered or said. */
export class LeftOut extends Context.Reference<LeftOut>()("anklet/LeftOut", {
  defaultValue: (): Remembers => nothing
}) {
  static readonly layer = Layer.sync(LeftOut, make)
}
