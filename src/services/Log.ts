/** The log: JSON lines in a file that other tools may rotate, and that never grows without bound by itself. */
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

/** `LOG_LEVEL` is none. Its value is not told. */
export class LogLevelError extends hiding(Schema.TaggedError<LogLevelError>()("LogLevelError", {})) {
  override get message() {
    return "the environment variable LOG_LEVEL must be INFO, DEBUG, ERROR or dev (WARN works as well), in upper or lower case"
  }
}

/** The file of the log. */
export class LogFile extends Context.Tag("anklet/LogFile")<
  LogFile,
  {
    /** Write what waits, and open the file anew by its name, as those who have moved it away expect. */
    readonly reopen: Effect.Effect<void>
  }
>() {}

/** The file's name in `log.file_dir`. */
export const FILE_NAME = "anklet.log"
/** The file is moved to `anklet.log.1` at this size, in bytes; so many old ones are kept. */
export const SIZE_LIMIT = 50 * 2 ** 20
const KEPT = 5

/** The files of a log, newest first: `anklet.log`, `anklet.log.1`, …; those that were rotated by other tools have names of theirs. */
export const filesOf = (file: string): readonly [string, ...ReadonlyArray<string>] => [
  file,
  ...Array.from({ length: KEPT }, (_, index) => `${file}.${index + 1}`)
]

/** A disk that is full for long must not fill the memory: lines beyond this are dropped, and counted. */
const BACKLOG = 10_000

/** What `LOG_LEVEL` says; `INFO` without it. */
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

/** Where Effect keeps the place in the source that a span was made at. */
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

/** A file that lines are appended to: opened again when it was moved away or somebody asks, rotated when it is large. */
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
    // where others may plant that name, the log grows rather than lose its lines
    const isMoved = yield* Effect.isSuccess(fs.rename(file, `${file}.1`))
    limit = isMoved ? SIZE_LIMIT : size + SIZE_LIMIT / 10
    return yield* reopen
  })
  /** Whether the name still means the file that is open. */
  const moved = Effect.map(
    Effect.map(Effect.option(lstat(file)), Option.flatten),
    (found) => open === undefined || Option.isNone(found) || found.value.ino !== open.ino
  )
  yield* reopen
  yield* Effect.addFinalizer(() => close)
  // one at a time: a descriptor is not closed while it is written to
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

/** What a line is printed as, by `LOG_LEVEL`. */
const printer = (level: Level) => (options: Logger.Logger.Options<unknown>) => {
  const entry: line.Entry = {
    level: options.logLevel,
    message: options.message,
    cause: options.cause,
    annotations: options.annotations,
    // by its offset, because a zone by its name loads Intl, which costs 2 MB for good
    date: DateTime.unsafeMakeZoned(options.date, {
      timeZone: DateTime.zoneMakeOffset(-options.date.getTimezoneOffset() * 60_000)
    })
  }
  return level === "dev"
    ? line.dev(entry, version, sourceOf(options.context))
    : line.json(entry, version, level === "DEBUG")
}

/** Log into `directory`, and with `terminal` to standard output as well. Fails when the folder or file cannot be used, or `LOG_LEVEL` is none. */
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
      const sink = yield* Effect.mapError(makeSink(file), (error) => new LogError({ file, detail: error.message }))
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
        lost: (lines) => inLog(Effect.logWarning(`${lines} lines of the log are lost: its disk was full`))
      })
      yield* Effect.addFinalizer(() => lines.flush)
      outputs.push(lines.push)
      if (options.terminal) {
        const Terminal = yield* Effect.promise(() => import("./Log/Terminal.ts"))
        const push = yield* Terminal.make({
          gone: (code) =>
            inLog(Effect.logInfo(`nobody reads standard output any more (${code}): the log goes on here`)),
          lost: (lines) => inLog(Effect.logInfo(`standard output is too slow: ${lines} lines are in ${file} alone`))
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
