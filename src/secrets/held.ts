/** Secrets that are hidden while a scope is open, and those of a config, which are hidden until the process ends. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { add, keep, remove } from "./Secrets.ts"

/** Maximum depth to which the values of a config are searched. */
const DEPTH = 8

/** Hides every redacted value in a decoded config. */
export const keepAll = (value: unknown, depth = DEPTH): void => {
  if (depth === 0) return
  if (Redacted.isRedacted(value)) {
    const secret: unknown = Redacted.value(value)
    if (typeof secret === "string") keep(secret)
  } else if (typeof value === "object" && value !== null)
    for (const inner of Object.values(value)) keepAll(inner, depth - 1)
}

/**
 * Hides a secret until the scope closes.
 *
 * The scope is that of a pass, where `acquireRelease` must not be used: see `Finalizer.ts`. The fiber of the service
 * would keep what it restores, once for each job.
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

/** Hides the latest `most` of a succession of secrets, such as minted tokens, until the scope closes. */
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
