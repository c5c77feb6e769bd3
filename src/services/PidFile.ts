/** The PID file: one daemon for each, and the way to find it. */

import type { PlatformError } from "@effect/platform/Error"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { hiding } from "../Secrets.ts"
import { Exec, ProcessIdentity } from "./Exec.ts"

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
    const remedy = Option.getOrElse(this.remedy, () => 'stop it with "anklet -s stop"')
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
    return `PID file ${this.file}: ${this.detail}; check pid_file_dir, its owner and permissions`
  }
}

/** Number and start of the process, each on its line: a number alone may by now be another program's. */
const encode = ({ pid, startedAt }: ProcessIdentity) => `${pid}\n${startedAt}\n`
const decode = (text: string) => {
  const [pid, startedAt] = text.split("\n")
  return Schema.decodeUnknownOption(ProcessIdentity)({ pid: Number(pid), startedAt })
}

const explained = (file: string) =>
  Effect.mapError((error: PlatformError) => new PidFileError({ file, detail: error.message }))

/** Where a config's PID file is. */
export const pathOf = (directory: string) => Effect.map(Path, (paths) => paths.join(directory, "anklet.pid"))

/** The daemon that a PID file names, if it lives. A file that a crash left behind names none, also when another program has its number by now. */
export const find = Effect.fn("PidFile.find")(function* (file: string) {
  const fs = yield* FileSystem
  const exec = yield* Exec
  const text = yield* fs.readFileString(file).pipe(
    Effect.asSome,
    Effect.catchIf(
      (error) => error._tag === "SystemError" && error.reason === "NotFound",
      () => Effect.succeedNone
    ),
    explained(file)
  )
  const identity = Option.flatMap(text, decode)
  if (Option.isNone(identity)) return Option.none<ProcessIdentity>()
  return (yield* exec.isAlive(identity.value)) ? identity : Option.none<ProcessIdentity>()
})

/** Hold the PID file while the scope lives. */
export const hold = Effect.fn("PidFile.hold")(function* (file: string, key = "pid_file_dir") {
  const fs = yield* FileSystem
  const paths = yield* Path
  const exec = yield* Exec
  const self = Option.getOrElse(yield* exec.identify(process.pid), () => ({ pid: process.pid, startedAt: "" }))
  const text = encode(self)

  const create = fs.writeFileString(file, text, { flag: "wx", mode: 0o644 }).pipe(
    Effect.as(true),
    Effect.catchIf(
      (error) => error._tag === "SystemError" && error.reason === "AlreadyExists",
      () => Effect.succeed(false)
    )
  )
  /** A stale file is moved aside first; if another daemon was faster and the file is a living one's by now, it goes back. */
  const removeStale = Effect.gen(function* () {
    const aside = `${file}.stale-${process.pid}`
    yield* fs.rename(file, aside)
    if (Option.isSome(yield* find(aside))) yield* fs.link(aside, file)
    yield* fs.remove(aside)
  }).pipe(Effect.ignore)
  const acquire = Effect.gen(function* () {
    yield* fs.makeDirectory(paths.dirname(file), { recursive: true })
    for (let tries = 0; tries < 3; tries++) {
      if (yield* create) return
      const other = yield* find(file)
      if (Option.isSome(other)) return yield* new AlreadyRunning({ pid: other.value.pid, file, key })
      yield* removeStale
    }
    return yield* new PidFileError({ file, detail: "others take it again and again" })
  }).pipe(
    Effect.catchIf(
      (error) => error._tag === "SystemError" || error._tag === "BadArgument",
      (error) => new PidFileError({ file, detail: error.message })
    )
  )
  yield* Effect.acquireRelease(acquire, () =>
    fs.readFileString(file).pipe(
      Effect.flatMap((now) => (now === text ? fs.remove(file) : Effect.void)),
      Effect.ignore
    )
  )
  return self
})
