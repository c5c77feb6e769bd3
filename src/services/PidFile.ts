/** The PID file: one daemon for each, and the way to find it. */

import type { PlatformError } from "@effect/platform/Error"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Files from "../files/Files.ts"
import { said } from "../files/said.ts"
import { hiding } from "../secrets/Secrets.ts"
import * as Advice from "../text/Advice.ts"
import { ownerOf } from "./Exec/owner.ts"
import { Exec, ProcessIdentity } from "./Exec.ts"
import { HostLock, type HostLockError } from "./HostLock.ts"

/** Another daemon holds the PID file. */
export class AlreadyRunning extends hiding(
  Schema.TaggedError<AlreadyRunning>()("AlreadyRunning", {
    pid: Schema.Int,
    file: Schema.String,
    /** The key of the config that the folder comes from. */
    key: Schema.String,
    /** What to do about it, where more is known than that it runs. */
    remedy: Schema.optionalWith(Schema.Option(Schema.String), { default: () => Option.none() })
  })
) {
  override get message() {
    const remedy = Option.getOrElse(this.remedy, () => `stop it with "${Advice.anklet("-s stop")}"`)
    return `already running (pid ${this.pid}, ${this.file}); ${remedy}, or give this config another ${this.key}`
  }
}

/** The PID file cannot be used. */
export class PidFileError extends hiding(
  Schema.TaggedError<PidFileError>()("PidFileError", {
    file: Schema.String,
    detail: Schema.String
  })
) {
  override get message() {
    return `PID file ${this.file}: ${this.detail}`
  }
}

/** Number and start of the process, each on a line of its own: the number alone may have passed to another program. */
const encode = ({ pid, startedAt }: ProcessIdentity) => `${pid}\n${startedAt}\n`
const decode = (text: string) => {
  const [pid, startedAt = ""] = text.split("\n")
  return Schema.decodeUnknownOption(ProcessIdentity)({ pid: Number(pid), startedAt }).pipe(
    // 0 and below mean whole groups of processes, 1 is init; our own number without a start is that of an earlier process
    Option.filter(({ pid, startedAt }) => pid > 1 && (pid !== process.pid || startedAt !== ""))
  )
}

const explain = (file: string) => (error: PlatformError | Files.Untrusted) =>
  new PidFileError({
    file,
    detail: error._tag === "Untrusted" ? error.message : `${said(error)}; check its folder's owner and permissions`
  })
const explained = (file: string) => Effect.mapError(explain(file))

/** Where a config's PID file is. */
export const pathOf = (directory: string) => Effect.map(Path, (paths) => paths.join(directory, "anklet.pid"))

/**
 * The daemon that a PID file names, if it lives. A file left by a crash names none, even if another program has its number
 * now. Fails on a file that another user owns or could have written.
 */
export const find = Effect.fn("PidFile.find")(function* (file: string) {
  const exec = yield* Exec
  const identity = Option.flatMap(yield* explained(file)(Files.readText(file)), decode)
  if (Option.isNone(identity)) return Option.none<ProcessIdentity>()
  return (yield* exec.isAlive(identity.value)) ? identity : Option.none<ProcessIdentity>()
})

/** Fails unless it is certain that the process in the PID file is a daemon of this user: no other process is signalled. */
export const prove = Effect.fn("PidFile.prove")(function* (file: string, { pid, startedAt }: ProcessIdentity) {
  const doubt = (why: string) =>
    new PidFileError({
      file,
      detail: `${why}: nothing is signalled. If pid ${pid} is your daemon, \`kill -TERM ${pid}\``
    })
  if (startedAt === "") return yield* doubt(`it does not say when pid ${pid} was started, so it may be any process`)
  const owner = yield* ownerOf(pid)
  if (Option.isNone(owner)) return yield* doubt(`nobody can tell whose process pid ${pid} is`)
  if (owner.value !== process.getuid?.())
    return yield* doubt(`pid ${pid} is a process of another user (number ${owner.value})`)
})

/** Another process may hold the lock for a moment longer than its PID file is there. */
const ENDING = Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(20))

/**
 * Hold the PID file while the scope lives; `key` is that of the config from which its folder comes. A lock beside the file
 * decides who may hold it. The file is for those who look for the daemon.
 */
export const hold = Effect.fn("PidFile.hold")(function* (file: string, key = "pid_file_dir") {
  const fs = yield* FileSystem
  const paths = yield* Path
  const exec = yield* Exec
  const self = Option.getOrElse(yield* exec.identify(process.pid), () => ({ pid: process.pid, startedAt: "" }))
  const locks = yield* HostLock.make(paths.dirname(file))
  const name = `.${paths.basename(file)}.lock`
  const unusable = Effect.mapError(({ detail }: HostLockError) => new PidFileError({ file, detail }))
  const running = (pid: number) => new AlreadyRunning({ pid, file, key })
  yield* Effect.gen(function* () {
    const lock = yield* unusable(locks.tryAcquire(name, String(process.pid)))
    const other = yield* find(file)
    if (Option.isSome(other)) return yield* running(other.value.pid)
    if (Option.isNone(lock)) return yield* Effect.fail("ending" as const)
  }).pipe(
    Effect.retry({ while: (error) => error === "ending", schedule: ENDING }),
    Effect.catchIf(
      (error) => error === "ending",
      () =>
        Effect.flatMap(unusable(locks.holder(name)), (about) =>
          Effect.fail(running(Number(Option.getOrElse(about, () => ""))))
        )
    )
  )
  yield* Effect.acquireRelease(explained(file)(Files.replace(file, encode(self))), () => Effect.ignore(fs.remove(file)))
  return self
})
