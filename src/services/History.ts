/**
 * The jobs of this host that have ended, in a file that outlives the daemon: one JSON line for each. It is for people;
 * nothing is decided by it. A crash may cost it the last job, or half a line, which readers skip.
 */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Stage } from "../domain/Stage.ts"
import * as Files from "../files/Files.ts"
import * as Limits from "../text/Limits.ts"
import { Activity, Ended } from "./Activity.ts"

/** Maximum number of jobs that are kept, and their maximum age. */
export const JOBS = 5000
export const AGE = Duration.days(30)
/** Maximum number of bytes of the file, at which the oldest half of it goes, and of characters of one line. */
const SIZE = 8 << 20
const LINE = 32 << 10
/** Interval between two checks of the limits, and the time from the start to the first. */
const TIDY_EVERY = "1 day"
const TIDY_AFTER = "1 minute"
/** Maximum number of jobs that a new daemon remembers as recent. */
const RECENT = 50

/** The file's name in a `state_dir`. */
export const FILE_NAME = "history.jsonl"

/** A job that has ended. */
export const Past = Schema.Struct({
  /** When its end was recorded, in milliseconds since the epoch. */
  at: Limits.Moment,
  ...Ended.fields,
  job: Schema.Struct({
    ...Ended.fields.job.fields,
    stages: Schema.Array(Schema.Struct({ stage: Stage, at: Limits.Moment }))
  })
})
export type Past = typeof Past.Type

const Line = Schema.parseJson(Past)
const encode = Schema.encodeSync(Line)
const decode = Schema.decodeOption(Schema.compose(Limits.Json(LINE), Line))

/** The line of a job; of one with texts that are too long for it, without what its CI says of it. */
const lineOf = (past: Past): string => {
  const line = encode(past)
  return line.length <= LINE ? line : encode({ ...past, job: { ...past.job, fields: {} } })
}

/** The path of the history in a `state_dir`. */
export const pathOf = (stateDir: string) => Effect.map(Path, (paths) => paths.join(stateDir, FILE_NAME))

/** The last bytes of a file, as many as it may have; empty if it does not exist. */
const tail = (path: string) =>
  Effect.gen(function* () {
    if (Option.isNone(yield* Files.look(path))) return new Uint8Array()
    const file = yield* Files.openToRead(path)
    const { size } = yield* file.stat
    const from = Math.max(0, Number(size) - SIZE)
    yield* file.seek(from, "start")
    const bytes = new Uint8Array(Number(size) - from)
    let length = 0
    while (length < bytes.length) {
      const read = Number(yield* file.read(bytes.subarray(length)))
      if (read === 0) break
      length += read
    }
    return bytes.subarray(0, length)
  }).pipe(Effect.scoped)

/** The newest jobs in the end of a file, `most` at most, and whether that is all there is in it. */
const parse = (bytes: Uint8Array, now: number, most: number) => {
  const jobs: Array<Past> = []
  let isAll = true
  for (const line of new TextDecoder().decode(bytes).split("\n").reverse()) {
    if (line === "") continue
    const past = Option.getOrUndefined(jobs.length < most ? decode(line) : Option.none())
    if (past !== undefined && now - past.at <= Duration.toMillis(AGE)) jobs.push(past)
    else isAll = false
    if (jobs.length === most && most < JOBS) break
  }
  return { jobs, isAll }
}

/** The jobs in a file, newest first: at most `most`, none that is older than `AGE`. Lines that are none of ours are skipped. */
export const read = Effect.fn("History.read")(function* (path: string, most = JOBS) {
  return parse(yield* tail(path), yield* Clock.currentTimeMillis, most).jobs
})

const written = (path: string, jobs: ReadonlyArray<Past>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    const fresh = `${path}.new`
    const text = jobs
      .toReversed()
      .map((past) => `${lineOf(past)}\n`)
      .join("")
    yield* Effect.scoped(
      Effect.flatMap(Files.openAnew(fresh), (file) =>
        Effect.zipRight(file.writeAll(new TextEncoder().encode(text)), file.sync)
      )
    )
    yield* fs.rename(fresh, path)
  })

/** The newest jobs, whose lines have half the maximum size together. */
const half = (jobs: ReadonlyArray<Past>): ReadonlyArray<Past> => {
  let size = 0
  return jobs.filter((past) => {
    size += Buffer.byteLength(lineOf(past)) + 1
    return size <= SIZE / 2
  })
}

/**
 * Record each job of this daemon that ends, as long as the scope lives, and remember those of earlier daemons. A disk that
 * refuses costs the history a job, and one WARN.
 */
export const start = Effect.fn("History.start")(function* (path: string) {
  const activity = yield* Activity
  const fs = yield* FileSystem
  const turn = (yield* Effect.makeSemaphore(1)).withPermits(1)
  /** There may be half a line at the end of the file, from an earlier life or a write that failed. */
  let isTorn = true
  let isWarned = false

  const append = (past: Past) =>
    Effect.gen(function* () {
      const text = `${isTorn ? "\n" : ""}${lineOf(past)}\n`
      isTorn = true
      yield* Effect.scoped(
        Effect.flatMap(Files.openToAppend(path), (file) => file.writeAll(new TextEncoder().encode(text)))
      )
      isTorn = false
    })
  const tidy = Effect.gen(function* () {
    const bytes = yield* tail(path)
    const { jobs, isAll } = parse(bytes, yield* Clock.currentTimeMillis, JOBS)
    if (bytes.length === SIZE) yield* written(path, half(jobs))
    else if (!isAll) yield* written(path, jobs)
  }).pipe(turn)
  const kept = <A, E extends { readonly message: string }, R>(act: Effect.Effect<A, E, R>) =>
    Effect.catchAll(act, (error) => {
      if (isWarned) return Effect.logDebug(error.message)
      isWarned = true
      return Effect.logWarning(`the history of jobs, ${path}, is not complete: ${error.message}`)
    })

  yield* kept(Effect.flatMap(read(path, RECENT), activity.recall))
  yield* activity.onEnd((ended) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) => append({ at, ...ended })).pipe(
      turn,
      kept,
      Effect.provideService(FileSystem, fs),
      Effect.uninterruptible
    )
  )
  yield* kept(tidy).pipe(
    Effect.repeat(Schedule.spaced(TIDY_EVERY)),
    Effect.delay(TIDY_AFTER),
    Effect.interruptible,
    Effect.forkScoped
  )
})
