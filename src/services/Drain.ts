/**
 * Stops this host from accepting jobs while running ones finish: until `anklet resume` (pause), or for good, and then
 * the daemon exits (drain).
 */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { home } from "../config/Home.ts"
import * as Files from "../files/Files.ts"
import * as Advice from "../text/Advice.ts"

/** Name of the file in `state_dir` that records `anklet drain`. */
export const PAUSE_FILE = "paused"

/** What pauses a host, for people, and the command that ends the pause. */
export interface Pause {
  readonly by: string
  readonly ends: string
}

/** How a daemon's answer begins if something other than `anklet drain` still pauses the host. */
export const STILL = "this host is still paused"

const byCommand = (): Pause => ({ by: "anklet drain", ends: Advice.anklet("resume") })

/** Whether this host accepts jobs. */
export class Drain extends Context.Tag("anklet/Drain")<
  Drain,
  {
    /** Begins the drain; idempotent. */
    readonly begin: Effect.Effect<void>
    readonly begun: Effect.Effect<boolean>
    /** Waits until the drain begins. */
    readonly wait: Effect.Effect<void>
    /** Stops accepting jobs, or accepts them again; the daemon keeps running. */
    readonly pause: (paused: boolean) => Effect.Effect<void>
    /** What currently pauses the host; empty if nothing does. */
    readonly pauses: Effect.Effect<ReadonlyArray<Pause>>
    /** Whether new jobs are accepted: neither draining nor paused. */
    readonly open: Effect.Effect<boolean>
  }
>() {
  /** `others` reports what else pauses the host, each time it is run. */
  static readonly beside = (others: Effect.Effect<ReadonlyArray<Pause>>) =>
    Layer.effect(
      Drain,
      Effect.map(Deferred.make<void>(), (drain) => {
        let paused = false
        const pauses = Effect.map(others, (others) => (paused ? [byCommand(), ...others] : others))
        return Drain.of({
          begin: Effect.asVoid(Deferred.succeed(drain, undefined)),
          begun: Deferred.isDone(drain),
          wait: Deferred.await(drain),
          pause: (now) =>
            Effect.sync(() => {
              paused = now
            }),
          pauses,
          open: Effect.zipWith(Deferred.isDone(drain), pauses, (begun, pauses) => !begun && pauses.length === 0)
        })
      })
    )

  /** Paused by `anklet drain` only. */
  static readonly layer = Drain.beside(Effect.succeed([]))

  /**
   * Also paused while `~/.config/anklet/.drain` exists, as Anklet 1 and 2 were. A file that cannot be read pauses
   * nothing, as it did there.
   */
  static readonly live = Layer.unwrapEffect(
    Effect.gen(function* () {
      const fs = yield* FileSystem
      const provided = Effect.provideService(FileSystem, fs)
      const { drainFile } = yield* home
      const by = `the file ${drainFile}`
      let seen = false
      let wasRefused = false
      return Drain.beside(
        Effect.gen(function* () {
          const found = yield* Effect.either(provided(Files.look(drainFile)))
          const isThere = Either.isRight(found) && Option.isSome(found.right)
          const isRefused = Either.isLeft(found) && found.left._tag === "Untrusted"
          if (isRefused && !wasRefused) yield* Effect.logWarning(`this file pauses nothing: ${found.left.message}`)
          wasRefused = isRefused
          if (isThere !== seen) {
            seen = isThere
            yield* Effect.logInfo(
              isThere
                ? `paused by ${by}: this host accepts no new jobs`
                : `${by} was removed and no longer pauses this host`
            )
          }
          return isThere ? [{ by, ends: `rm ${drainFile}` }] : []
        })
      )
    })
  )
}
