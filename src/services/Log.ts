/** The log: JSON lines in a file that other tools may rotate, and that never grows without limit by itself. */

import { type File, FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as globalValue from "effect/GlobalValue"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as Files from "../files/Files.ts"
import { Lstat } from "../files/Lstat.ts"
import { said } from "../files/said.ts"
import { version } from "../process/version.ts"
import { hiding } from "../secrets/Secrets.ts"
import * as Backlog from "./Log/Backlog.ts"
import { type Level, levelOf } from "./Log/level.ts"
import * as line from "./Log/line.ts"

/** The log cannot be written where it should be. */
export class LogError extends hiding(
  Schema.TaggedError<LogError>()("LogError", {
    file: Schema.String,
    detail: Schema.String
  })
) {
  override get message() {
    return `log ${this.file}: ${this.detail}; check log.file_dir in the config`
  }
}

/** `LOG_LEVEL` is not a level. Its value is not quoted. */
export class LogLevelError extends hiding(Schema.TaggedError<LogLevelError>()("LogLevelError", {})) {
  override get message() {
    return "the environment variable LOG_LEVEL must be INFO, DEBUG, ERROR or dev (WARN works as well), in upper or lower case"
  }
}

/** The file of the log. */
export class LogFile extends Context.Tag("anklet/LogFile")<
  LogFile,
  {
    /** Writes what is pending, and opens the file by its name again, as tools expect that have renamed it. */
    readonly reopen: Effect.Effect<void>
  }
>() {}

/** The file's name in `log.file_dir`. */
export const FILE_NAME = "anklet.log"
/** Maximum size of the file in bytes, at which it is renamed to `anklet.log.1`; and the maximum number of old files. */
export const SIZE_LIMIT = 50 * 2 ** 20
const KEPT = 5

/** The files of a log, newest first: `anklet.log`, `anklet.log.1`, …; files rotated by other tools have other names. */
export const filesOf = (file: string): readonly [string, ...ReadonlyArray<string>] => [
  file,
  ...Array.from({ length: KEPT }, (_, index) => `${file}.${index + 1}`)
]

/** Maximum number of lines that wait while the disk is full; more are dropped, and counted. */
const BACKLOG = 10_000

/** The value of `LOG_LEVEL`; `INFO` without it. */
const level: Effect.Effect<Level, LogLevelError> = Config.string("LOG_LEVEL").pipe(
  Effect.orElseSucceed(() => ""),
  Effect.flatMap((name) => {
    const level = levelOf(name)
    return level === undefined ? new LogLevelError() : Effect.succeed(level)
  })
)

const MINIMUM = {
  INFO: LogLevel.Info,
  DEBUG: LogLevel.Debug,
  WARN: LogLevel.Warning,
  ERROR: LogLevel.Error,
  dev: LogLevel.Debug
} as const

/** Where Effect keeps the source location of a span. */
const traces = globalValue.globalValue(
  "effect/Tracer/spanToTrace",
  (): WeakMap<Tracer.AnySpan, () => string | undefined> => new WeakMap()
)

const sourceOf = (context: FiberRefs.FiberRefs): line.Source | undefined => {
  const span = Context.getOption(FiberRefs.getOrDefault(context, FiberRef.currentContext), Tracer.ParentSpan)
  return Option.match(span, {
    onNone: () => undefined,
    onSome: (span) =>
      span._tag === "Span" ? { name: span.name, at: traces.get(span)?.()?.split("\n")[0] ?? "" } : undefined
  })
}

/** A file that lines are appended to: reopened if it was renamed or on request, rotated when it is large. */
const makeSink = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem
  const lstat = yield* Lstat
  const provided = Effect.provideService(FileSystem, fs)
  let open:
    | { readonly scope: Scope.CloseableScope; readonly handle: File; readonly ino: number | undefined }
    | undefined
  let size = 0
  let limit = SIZE_LIMIT

  const close = Effect.suspend(() => {
    const before = open
    open = undefined
    return before === undefined ? Effect.void : Scope.close(before.scope, Exit.void)
  })
  const reopen = Effect.gen(function* () {
    yield* close
    const scope = yield* Scope.make()
    return yield* Effect.gen(function* () {
      const handle = yield* Scope.extend(provided(Files.openToAppend(file)), scope)
      const info = yield* handle.stat
      size = Number(info.size)
      open = { scope, handle, ino: Option.getOrUndefined(info.ino) }
      return open
    }).pipe(Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))))
  })
  const rotate = Effect.gen(function* () {
    for (let n = KEPT - 1; n >= 1; n--) yield* Effect.ignore(fs.rename(`${file}.${n}`, `${file}.${n + 1}`))
    // if another user may have taken that name, the log grows rather than lose lines
    const isMoved = yield* Effect.isSuccess(fs.rename(file, `${file}.1`))
    limit = isMoved ? SIZE_LIMIT : size + SIZE_LIMIT / 10
    return yield* reopen
  })
  /** Whether the name no longer refers to the file that is open. */
  const moved = Effect.map(
    Effect.map(Effect.option(lstat(file)), Option.flatten),
    (found) => open === undefined || Option.isNone(found) || found.value.ino !== open.ino
  )
  yield* reopen
  yield* Effect.addFinalizer(() => close)
  // one at a time: a descriptor must not be closed while it is written to
  const alone = Effect.unsafeMakeSemaphore(1).withPermits(1)
  return {
    write: (text: string) =>
      Effect.gen(function* () {
        let target = (yield* moved) ? yield* reopen : (open ?? (yield* reopen))
        const bytes = new TextEncoder().encode(text)
        if (size > 0 && size + bytes.length > limit) target = yield* rotate
        yield* target.handle.writeAll(bytes)
        size += bytes.length
      }).pipe(alone, Effect.uninterruptible),
    reopen: reopen.pipe(alone, Effect.uninterruptible)
  }
})

/** Formats a line according to `LOG_LEVEL`. */
const printer = (level: Level) => (options: Logger.Logger.Options<unknown>) => {
  const entry: line.Entry = {
    level: options.logLevel,
    message: options.message,
    cause: options.cause,
    annotations: options.annotations,
    // as an offset, because a named zone loads Intl, which permanently costs 2 MB
    date: DateTime.unsafeMakeZoned(options.date, {
      timeZone: DateTime.zoneMakeOffset(-options.date.getTimezoneOffset() * 60_000)
    })
  }
  return level === "dev"
    ? line.dev(entry, version, sourceOf(options.context))
    : line.json(entry, version, level === "DEBUG")
}

/**
 * Logs into `directory`, and with `terminal` to standard output as well. Fails if the folder or file cannot be used, or
 * `LOG_LEVEL` is not a level.
 */
export const layer = (options: { readonly directory: string; readonly terminal: boolean }) =>
  Layer.unwrapScoped(
    Effect.gen(function* () {
      const fs = yield* FileSystem
      const paths = yield* Path
      const file = paths.join(options.directory, FILE_NAME)
      const chosen = yield* level
      if (!(yield* Effect.orElseSucceed(fs.exists(options.directory), () => false))) {
        return yield* new LogError({ file, detail: "the folder does not exist" })
      }
      const sink = yield* Effect.mapError(makeSink(file), (error) => new LogError({ file, detail: said(error) }))
      const print = printer(chosen)
      const outputs: Array<(line: string) => void> = []
      const logger = Logger.make<unknown, void>((entry) => {
        const text = print(entry)
        for (const output of outputs) output(text)
      })
      const inLog = Effect.provide(Logger.replace(Logger.defaultLogger, logger))
      const lines = yield* Backlog.make({
        write: sink.write,
        limit: BACKLOG,
        lost: (lines) => inLog(Effect.logWarning(`${lines} lines of the log were lost because its disk was full`))
      })
      yield* Effect.addFinalizer(() => lines.flush)
      outputs.push(lines.push)
      if (options.terminal) {
        const Terminal = yield* Effect.promise(() => import("./Log/Terminal.ts"))
        const push = yield* Terminal.make({
          gone: (code) => inLog(Effect.logInfo(`standard output was closed (${code}): the log continues here`)),
          lost: (lines) => inLog(Effect.logInfo(`standard output is too slow: ${lines} lines are only in ${file}`))
        })
        outputs.push(push)
      }
      const reopen = lines.flush.pipe(
        Effect.zipRight(sink.reopen),
        Effect.catchAll(({ message }) => inLog(Effect.logError(`the log cannot be opened again: ${message}`)))
      )
      return Layer.mergeAll(
        Logger.replace(Logger.defaultLogger, logger),
        Logger.minimumLogLevel(MINIMUM[chosen]),
        Layer.succeed(LogFile, { reopen })
      )
    })
  )
