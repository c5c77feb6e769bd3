/** Questions about the host that cost a process or a request: asked once for all who want to know at about the same time. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"

/** Age in milliseconds up to which an answer is given again, counted from its question. */
export const FRESH = 2000

/** Asks a question that is known by a name, or gives the answer that it has. */
export type Ask = <A, E, R>(name: string, question: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** How the present asker asks; by default each asks for itself. */
export class Shared extends Context.Reference<Shared>()("anklet/Shared", {
  defaultValue: (): { readonly ask: Ask } => ({ ask: (_, question) => question })
}) {}

/** Ask, or hear what others were answered; questions of one name are the same question. */
export const ask: Ask = (name, question) => Effect.flatMap(Shared, ({ ask }) => ask(name, question))

/**
 * All who ask here share their answers, as long as the scope lives. A question is under way for all: whoever leaves ends
 * nothing, and nobody can have it asked anew by coming and going.
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
        // an answer from the future was given before the clock was set back
        for (const [name, { at, done }] of answers) if (done && (now < at || now - at >= FRESH)) answers.delete(name)
        const known = answers.get(name)
        // what is kept under a name was answered to a question of that name
        if (known !== undefined) return yield* restore(Deferred.await(known.answer as Deferred.Deferred<A, E>))
        const answer = yield* Deferred.make<A, E>()
        const asked = { at: now, answer: answer as Deferred.Deferred<unknown, unknown>, done: false }
        answers.set(name, asked)
        yield* Effect.interruptible(question).pipe(
          Effect.onExit((exit) =>
            Effect.sync(() => {
              asked.done = true
              // nobody was answered
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
