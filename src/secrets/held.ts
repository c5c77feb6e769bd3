/** Secrets that are hidden for as long as somebody holds them, and those of a config, which are hidden for good. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { add, keep, remove } from "./Secrets.ts"

/** Values in values of a config that are looked at. */
const DEPTH = 8

/** Hide all that is redacted in a value that was read from a config. */
export const keepAll = (value: unknown, depth = DEPTH): void => {
  if (depth === 0) return
  if (Redacted.isRedacted(value)) {
    const secret: unknown = Redacted.value(value)
    if (typeof secret === "string") keep(secret)
  } else if (typeof value === "object" && value !== null)
    for (const inner of Object.values(value)) keepAll(inner, depth - 1)
}

/**
 * Hide a secret for as long as the scope lives.
 *
 * The scope is that of a pass, and `acquireRelease` must not be used in one: see `Finalizer.ts`. What it puts back would be
 * kept by the service's fiber, once for each job.
 */
export const during = (secret: Redacted.Redacted<string>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (scope) =>
    Effect.zipRight(
      Effect.sync(() => add(Redacted.value(secret))),
      Scope.addFinalizer(
        scope,
        Effect.sync(() => remove(Redacted.value(secret)))
      )
    )
  ).pipe(Effect.uninterruptible)

/** Secrets of a kind that follow each other, as minted tokens do: the last ones are hidden, for as long as the scope lives. */
export const latest = (most: number): Effect.Effect<(secret: string) => void, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync((): Set<string> => new Set()),
      (all) => Effect.sync(() => all.forEach(remove))
    ),
    (all) => (secret) => {
      if (all.has(secret)) return
      all.add(secret)
      add(secret)
      const [oldest] = all
      if (oldest === undefined || all.size <= most) return
      all.delete(oldest)
      remove(oldest)
    }
  )
