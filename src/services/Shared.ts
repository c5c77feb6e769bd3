/** Queries about the host that cost a process or a request: run once for all who ask at about the same time. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"

/** Maximum age of an answer that is given again, in milliseconds from the start of its query. */
export const FRESH = 2000

/** Runs a query that is identified by a name, or returns a fresh answer to it. */
export type Ask = <A, E, R>(name: string, question: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** How the current fiber runs queries; by default each runs its own. */
export class Shared extends Context.Reference<Shared>()("anklet/Shared", {
  defaultValue: (): { readonly ask: Ask } => ({ ask: (_, question) => question })
}) {}

/** Runs a query, or returns the answer that others got; queries of one name are the same query. */
export const ask: Ask = (name, question) => Effect.flatMap(Shared, ({ ask }) => ask(name, question))

/**
 * All who ask here share their answers, until the scope closes. A query runs for all of them: a caller that is
 * interrupted does not end it, and cannot cause it to run again by asking repeatedly.
 */
export const make: Effect.Effect<Shared["Type"], never, Scope.Scope> = Effect.map(Effect.scope, (scope) => {
  const answers = new Map<
    string,
    { readonly at: number; readonly answer: Deferred.Deferred<unknown, unknown>; done: boolean }
  >()
  const ask = <A, E, R>(name: string, question: Effect.Effect<A, E, R>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        // an answer from the future dates from before the clock was set back
        for (const [name, { at, done }] of answers) if (done && (now < at || now - at >= FRESH)) answers.delete(name)
        const known = answers.get(name)
        // the answer stored under a name was given to a query of that name
        if (known !== undefined) return yield* restore(Deferred.await(known.answer as Deferred.Deferred<A, E>))
        const answer = yield* Deferred.make<A, E>()
        const asked = { at: now, answer: answer as Deferred.Deferred<unknown, unknown>, done: false }
        answers.set(name, asked)
        yield* Effect.interruptible(question).pipe(
          Effect.onExit((exit) =>
            Effect.sync(() => {
              asked.done = true
              // the query was interrupted, so there is no answer to keep
              if (Exit.isInterrupted(exit)) answers.delete(name)
            })
          ),
          Effect.intoDeferred(answer),
          Effect.forkIn(scope)
        )
        return yield* restore(Deferred.await(answer))
      })
    )
  return { ask }
})
