/**
 * Locks between the daemons of one user on one host, without native code and safe against `kill -9`.
 *
 * A lock is a series of files `<name>.<n>`, each made complete by link(2), so that only one process can make number n. The
 * highest number is the lock. It is free when its file is empty or the processes it names are dead; the process that finds
 * it free makes n+1. The highest number is never removed, so two processes that break a stale lock cannot both succeed.
 */

import type { PlatformError } from "@effect/platform/Error"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Files from "../files/Files.ts"
import { said } from "../files/said.ts"
import * as Finalizer from "../interruption/Finalizer.ts"
import { hiding } from "../secrets/Secrets.ts"
import { Exec, ProcessIdentity } from "./Exec.ts"

/** The folder of the locks could not be used. */
export class HostLockError extends hiding(
  Schema.TaggedError<HostLockError>()("HostLockError", {
    path: Schema.String,
    detail: Schema.String
  })
) {
  override get message() {
    return `lock ${this.path}: ${this.detail}`
  }
}

/** The content of a lock's file. */
const Content = Schema.parseJson(
  Schema.Struct({
    holder: ProcessIdentity,
    /** A process started under the lock, which holds it even when the holder is dead. */
    child: Schema.NullOr(ProcessIdentity),
    about: Schema.String
  })
)
type Content = typeof Content.Type

const encode = Schema.encodeSync(Content)
const decode = Schema.decodeOption(Content)

/** A lock that this process holds. */
export interface Lock {
  /** Makes a process that was started under the lock hold it too: a pull outlives a killed daemon. */
  readonly setChild: (pid: number) => Effect.Effect<void>
}

const POLL = "200 millis"

export class HostLock extends Context.Tag("anklet/HostLock")<
  HostLock,
  {
    /** Takes a lock for the lifetime of the scope; none when it is held, also by another fiber of this process. */
    readonly tryAcquire: (name: string, about: string) => Effect.Effect<Option.Option<Lock>, HostLockError, Scope.Scope>
    /** Takes a lock for the lifetime of the scope, and waits until it is free. */
    readonly acquire: (name: string, about: string) => Effect.Effect<Lock, HostLockError, Scope.Scope>
    /** What the present holder gave as `about`; none when the lock is free. */
    readonly holder: (name: string) => Effect.Effect<Option.Option<string>, HostLockError>
  }
>() {
  /** Locks as files in one folder. */
  static readonly make = (directory: string) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem
      const paths = yield* Path
      const exec = yield* Exec
      const identify = (pid: number) =>
        Effect.map(
          exec.identify(pid),
          Option.getOrElse(() => ({ pid, startedAt: "" }))
        )
      const provided = Effect.provideService(FileSystem, fs)
      const self = yield* identify(process.pid)
      const token = (yield* Random.nextIntBetween(0, 2 ** 31)).toString(36)
      const mine = new Set<string>()
      let temporary = 0

      const fileOf = (name: string, n: number) => paths.join(directory, `${name}.${n}`)
      const explained = (path: string) =>
        Effect.mapError(
          (error: PlatformError | Files.Untrusted) =>
            new HostLockError({
              path,
              detail:
                error._tag === "Untrusted"
                  ? error.message
                  : `${said(error)}; check the owner and permissions of its folder, and that its disk has room`
            })
        )

      const write = (
        path: string,
        content: Content,
        put: (from: string, to: string) => Effect.Effect<void, PlatformError>
      ) =>
        Effect.suspend(() => {
          const from = paths.join(directory, `.${process.pid}-${token}-${temporary++}`)
          return Files.create(from, encode(content)).pipe(
            Effect.zipRight(put(from, path)),
            Effect.ensuring(Effect.ignore(fs.remove(from))),
            provided
          )
        })

      const numbers = (name: string) =>
        Files.makeFolder(directory).pipe(
          Effect.zipRight(fs.readDirectory(directory)),
          provided,
          Effect.map((files) =>
            files.flatMap((file) => {
              const n = file.startsWith(`${name}.`) ? Number(file.slice(name.length + 1)) : Number.NaN
              return Number.isSafeInteger(n) ? [n] : []
            })
          )
        )

      const isHeld = ({ holder, child }: Content) =>
        Effect.exists([holder, child], (one) => (one === null ? Effect.succeed(false) : exec.isAlive(one)))

      /** The highest number, and what it says if that still holds. A file that is gone, empty or garbage holds nothing. */
      const read = Effect.fnUntraced(function* (name: string) {
        const n = Math.max(0, ...(yield* numbers(name)))
        const content = Option.flatMap(yield* provided(Files.readText(fileOf(name, n))), decode)
        const held = Option.isSome(content) && (yield* isHeld(content.value))
        return { n, held: held ? content : Option.none<Content>() }
      })

      // emptying the file needs no space on the disk, and the number stays taken
      const giveBack = (name: string, n: number) =>
        Effect.catchAll(fs.truncate(fileOf(name, n)), (error) =>
          Effect.logWarning(`lock ${name} could not be given back`, error)
        )

      /** Making a number is not enough: a process that saw a newer state may have made a higher one. */
      const settle = Effect.fnUntraced(function* (name: string, n: number) {
        const all = yield* numbers(name)
        const isMine = Math.max(...all) === n
        yield* Effect.forEach(
          all.filter((one) => (isMine ? one < n : one === n)),
          (old) => Effect.ignore(fs.remove(fileOf(name, old)))
        )
        return isMine ? Option.some(n) : Option.none()
      })

      const take = Effect.fnUntraced(function* (name: string, about: string) {
        const { n, held } = yield* read(name)
        if (Option.isSome(held)) return Option.none<number>()
        const next = n + 1
        const made = yield* write(fileOf(name, next), { holder: self, child: null, about }, fs.link).pipe(
          Effect.as(true),
          Effect.catchIf(
            (error) => error._tag === "SystemError" && error.reason === "AlreadyExists",
            () => Effect.succeed(false)
          )
        )
        return made ? yield* Effect.onError(settle(name, next), () => giveBack(name, next)) : Option.none<number>()
      })

      const hold = (name: string, n: number, about: string): Lock => ({
        setChild: (pid) =>
          Effect.flatMap(identify(pid), (child) =>
            write(fileOf(name, n), { holder: self, child, about }, fs.rename)
          ).pipe(Effect.catchAll((error) => Effect.logWarning(`lock ${name} could not name its process`, error)))
      })

      const tryAcquire = (name: string, about: string) =>
        Effect.suspend(() => {
          if (mine.has(name)) return Effect.succeed(Option.none<Lock>())
          mine.add(name)
          const forget = Effect.sync(() => mine.delete(name))
          return take(name, about).pipe(
            explained(fileOf(name, 0)),
            Effect.onExit((exit) => (Exit.isSuccess(exit) && Option.isSome(exit.value) ? Effect.void : forget)),
            // a finalizer only for a lock that was taken: a long wait tries many times
            Effect.tap(
              Option.match({
                onNone: () => Effect.void,
                onSome: (n) => Finalizer.addUnlessHandedOver(Effect.ensuring(giveBack(name, n), forget))
              })
            ),
            Effect.map(Option.map((n) => hold(name, n, about)))
          )
        }).pipe(Effect.uninterruptible)

      /** Removes the files of processes that were killed while they made or changed a lock; their names begin with the process's number. */
      const sweep = Effect.gen(function* () {
        for (const name of yield* fs.readDirectory(directory)) {
          const pid = Number(name.match(/^\.(\d+)-/)?.[1])
          if (pid > 0 && Option.isNone(yield* exec.identify(pid))) yield* fs.remove(paths.join(directory, name))
        }
      }).pipe(Effect.ignore)
      yield* sweep

      return HostLock.of({
        tryAcquire,
        acquire: (name, about) => {
          const attempt: Effect.Effect<Lock, HostLockError, Scope.Scope> = Effect.flatMap(
            tryAcquire(name, about),
            Option.match({
              onSome: Effect.succeed,
              onNone: () =>
                Effect.zipRight(
                  Effect.sleep(POLL),
                  Effect.suspend(() => attempt)
                )
            })
          )
          return attempt
        },
        holder: (name) =>
          read(name).pipe(
            Effect.map(({ held }) => Option.map(held, ({ about }) => about)),
            explained(fileOf(name, 0))
          )
      })
    })

  static readonly layer = (directory: string) => Layer.effect(HostLock, HostLock.make(directory))
}
