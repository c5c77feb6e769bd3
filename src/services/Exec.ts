/** All subprocesses are started here. */
import { type ChildProcess, spawn } from "node:child_process"
import { FileSystem } from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { span } from "../domain/Format.ts"
import { within } from "../interruption/Within.ts"
import { hiding, isName } from "../secrets/Secrets.ts"
import * as environment from "./Exec/environment.ts"
import * as identity from "./Exec/identity.ts"

export { ProcessIdentity } from "./Exec/identity.ts"

/** A process that could not be started, or was killed because it exceeded its timeout. */
export class ExecError extends hiding(
  Schema.TaggedError<ExecError>()("ExecError", {
    reason: Schema.Literal("NotFound", "NotExecutable", "Timeout", "Failed"),
    /** Program and arguments, on one line for people. */
    command: Schema.String,
    detail: Schema.String
  })
) {
  override get message() {
    return `${this.command}: ${this.detail}`
  }
}

/** The outcome of a process. Output is limited; the end is kept. */
export interface ExecResult {
  /** Exit code; 128 + the signal's number if a signal ended it, as in shells. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** How to run a process. */
export interface ExecOptions {
  /** After this the whole process group gets SIGTERM, then SIGKILL. */
  readonly timeout: Duration.DurationInput
  /**
   * Written to the process's standard input, which is then closed; by default the process reads from /dev/null. May
   * hold a secret: it is never logged.
   */
  readonly stdin?: string
  /** Which of the daemon's environment variables it gets; by default those for the system's programs. */
  readonly kind?: environment.Kind
  /** Added to those; `undefined` removes a variable. */
  readonly env?: environment.Variables
  /** Receives the process's id as soon as it runs. */
  readonly started?: (pid: number) => Effect.Effect<void>
}

/** Maximum number of bytes kept of each pipe. */
export const OUTPUT_LIMIT = 1 << 20
/** Interval between SIGTERM and SIGKILL. */
export const GRACE = Duration.seconds(5)
/**
 * Timeout of SIGKILL, which works at once except on a process that hangs in a system call: a stop must not hang with
 * it.
 */
const KILL_GRACE = Duration.seconds(30)
/**
 * Timeout of the wait for the rest of the output: a grandchild may keep the pipes open after the process itself has
 * ended.
 */
const PIPE_GRACE = Duration.seconds(1)

/** Runs programs, and identifies processes. */
export class Exec extends Context.Tag("anklet/Exec")<
  Exec,
  {
    /**
     * Runs a program without a shell, in a process group of its own, until it ends or exceeds its timeout. A non-zero
     * exit is not an error here.
     */
    readonly run: (
      program: string,
      args: ReadonlyArray<string>,
      options: ExecOptions
    ) => Effect.Effect<ExecResult, ExecError>
    /** The process with this number, if it is alive. */
    readonly identify: (pid: number) => Effect.Effect<Option.Option<identity.ProcessIdentity>>
    /** Whether exactly this process is still alive. */
    readonly isAlive: (process: identity.ProcessIdentity) => Effect.Effect<boolean>
  }
>() {
  static readonly layer = Layer.effect(
    Exec,
    Effect.map(FileSystem, (fs) => {
      const find = (pid: number) =>
        process.platform === "linux"
          ? identity.byProc(fs, pid)
          : identity.byPs(pid, run("ps", identity.PS.args(pid), { timeout: "10 seconds", env: identity.PS.env }))
      return Exec.of({
        run,
        identify: (pid) => Effect.orElseSucceed(find(pid), () => Option.none()),
        isAlive: ({ pid, startedAt }) =>
          find(pid).pipe(
            Effect.map(Option.exists((found) => startedAt === "" || found.startedAt === startedAt)),
            // a system that cannot answer right now (out of files or processes) is no proof that the process has ended
            Effect.catchAll(() => identity.isTaken(pid))
          )
      })
    })
  )
}

/** Keeps the last bytes of a pipe. */
const tail = (pipe: NodeJS.ReadableStream | null) => {
  const chunks: Array<Buffer> = []
  let size = 0
  pipe?.on("data", (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    while (chunks.length > 1 && size - (chunks[0]?.length ?? 0) >= OUTPUT_LIMIT) size -= chunks.shift()?.length ?? 0
  })
  return () => Buffer.concat(chunks).subarray(-OUTPUT_LIMIT).toString("utf8")
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15
}

const signal = (child: ChildProcess, name: "SIGTERM" | "SIGKILL") =>
  Effect.sync(() => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, name)
    } catch {
      // the group has already ended
    }
  })

const run = (program: string, args: ReadonlyArray<string>, options: ExecOptions) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const command = [program, ...args].join(" ")
      const child = yield* start(program, args, options, command)
      const exited = yield* Deferred.make<number>()
      const closed = yield* Deferred.make<void>()
      const stdout = tail(child.stdout)
      const stderr = tail(child.stderr)
      child.on("exit", (code, name) => {
        Deferred.unsafeDone(exited, Effect.succeed(code ?? 128 + (SIGNALS[name ?? ""] ?? 0)))
      })
      child.on("close", () => Deferred.unsafeDone(closed, Effect.void))
      // a child that exited before the listener was added; "exit" is emitted on a later turn, so this is only a
      // safeguard
      if (child.exitCode !== null) Deferred.unsafeDone(exited, Effect.succeed(child.exitCode))
      child.stdin?.on("error", () => {
        // the process did not read all of its input; its exit code tells the rest
      })
      child.stdin?.end(options.stdin)

      const end = signal(child, "SIGTERM").pipe(
        // `within`, because the very interruption that we are handling would skip an interruptible wait
        Effect.zipRight(Effect.ignore(within(GRACE)(Deferred.await(exited)))),
        // even if the process itself ended at once: its children may ignore SIGTERM
        Effect.zipRight(signal(child, "SIGKILL")),
        Effect.zipRight(
          within(KILL_GRACE)(Deferred.await(exited)).pipe(
            Effect.catchAll(() =>
              Effect.logError(`process ${child.pid} survives SIGKILL: it waits for a disk or device`)
            ),
            Effect.zipRight(letGo(child, closed))
          )
        )
      )
      const told = child.pid === undefined ? undefined : options.started?.(child.pid)
      const code = yield* (told ?? Effect.void).pipe(
        Effect.zipRight(Effect.timeoutOption(restore(Deferred.await(exited)), options.timeout)),
        // on an interruption, or a failure of `started`: the process must not outlive it
        Effect.onError(() => end)
      )
      if (Option.isNone(code)) {
        yield* end
        return yield* new ExecError({
          reason: "Timeout",
          command,
          detail: `did not end within ${span(options.timeout)} and was killed`
        })
      }
      yield* letGo(child, closed)
      return { code: code.value, stdout: stdout(), stderr: stderr() }
    })
  )

const letGo = (child: ChildProcess, closed: Deferred.Deferred<void>) =>
  Deferred.await(closed).pipe(
    within(PIPE_GRACE),
    Effect.ignore,
    Effect.zipRight(
      Effect.sync(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
        child.stdin?.destroy()
      })
    )
  )

const start = (program: string, args: ReadonlyArray<string>, options: ExecOptions, command: string) =>
  Effect.async<ChildProcess, ExecError>((resume) => {
    const fail = (reason: ExecError["reason"], detail: string) =>
      resume(Effect.fail(new ExecError({ reason, command, detail })))
    try {
      const child = spawn(program, args, {
        detached: true,
        stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
        env: { ...environment.of(options.kind ?? "system", process.env, isName), ...options.env }
      })
      child.once("spawn", () => resume(Effect.succeed(child)))
      child.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") fail("NotFound", missing(program))
        else if (error.code === "EACCES")
          fail("NotExecutable", `"${program}" may not be executed; check its permissions`)
        else fail("Failed", `could not be started: ${error.message}`)
      })
    } catch (error) {
      // arguments that no process can have: too long, or with a zero byte
      fail("Failed", `could not be started: ${error instanceof Error ? error.message : String(error)}`)
    }
  })

const missing = (program: string) =>
  program.includes("/")
    ? `there is no "${program}", or the program that its first line names is missing; install it`
    : `there is no program "${program}" in PATH; install it, or add its folder to PATH`
