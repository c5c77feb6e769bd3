/** Take nothing new and finish what runs: until told otherwise (pause), or once and for all, and then leave (drain). */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { home } from "../config/Home.ts"
import * as Files from "../files/Files.ts"

/** Name of the file in `state_dir` that remembers `anklet drain`. */
export const PAUSE_FILE = "paused"

/** What pauses a host, for people, and the command that ends the pause. */
export interface Pause {
  readonly by: string
  readonly ends: string
}

/** How a daemon begins its answer where something else than `anklet drain` goes on pausing the host. */
export const STILL = "this host is still paused"

const BY_COMMAND: Pause = { by: "anklet drain", ends: "anklet resume" }

export class Drain extends Context.Tag("anklet/Drain")<
  Drain,
  {
    /** Drain; again changes nothing. */
    readonly begin: Effect.Effect<void>
    readonly begun: Effect.Effect<boolean>
    /** Waits until it is thrown. */
    readonly wait: Effect.Effect<void>
    /** Take nothing new, or take work again; the daemon stays. */
    readonly pause: (paused: boolean) => Effect.Effect<void>
    /** What pauses the host now; empty where nothing does. */
    readonly pauses: Effect.Effect<ReadonlyArray<Pause>>
    /** Whether new work may be taken: neither draining nor paused. */
    readonly open: Effect.Effect<boolean>
  }
>() {
  /** `others` tells what else pauses the host, whenever it is asked. */
  static readonly beside = (others: Effect.Effect<ReadonlyArray<Pause>>) =>
    Layer.effect(
      Drain,
      Effect.map(Deferred.make<void>(), (drain) => {
        let paused = false
        const pauses = Effect.map(others, (others) => (paused ? [BY_COMMAND, ...others] : others))
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

  /** Paused by `anklet drain` alone. */
  static readonly layer = Drain.beside(Effect.succeed([]))

  /**
   * Paused also while `~/.config/anklet/.drain` is there, as Anklet 1 and 2 were. A file that cannot be looked for pauses
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
          if (isRefused && !wasRefused) yield* Effect.logWarning(`it pauses nothing: ${found.left.message}`)
          wasRefused = isRefused
          if (isThere !== seen) {
            seen = isThere
            yield* Effect.logInfo(
              isThere
                ? `paused by ${by}: nothing new is taken on this host`
                : `${by} is gone: it pauses this host no more`
            )
          }
          return isThere ? [{ by, ends: `rm ${drainFile}` }] : []
        })
      )
    })
  )
}
