import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { afterAll } from "vitest"
import { JobKey, JobRequest, Scope, Template } from "../../src/domain/Job.ts"
import { Activity, type Ended, type Learned } from "../../src/services/Activity.ts"
import * as History from "../../src/services/History.ts"
import { NodeContext } from "../fakes/platform.ts"

const folder = mkdtempSync(join(tmpdir(), "anklet-history-"))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const fresh = () => join(folder, `${files++}.jsonl`)

const job = (name: string, fields: JobRequest["fields"] = {}) =>
  JobRequest.make({
    key: JobKey.make(name),
    scope: Scope.make("scope"),
    name,
    template: Template.make({ id: "template", tag: Option.some("v1") }),
    createdAt: 0,
    fields,
    detail: {}
  })

/** A daemon that has these jobs, one after the other, and tells what it remembers. */
const life = (path: string, ...jobs: ReadonlyArray<readonly [JobRequest, string, Learned]>) =>
  Effect.gen(function* () {
    const activity = yield* Activity
    yield* History.start(path)
    const reporter = activity.of({ name: "RUNNER1", plugin: "github" })
    for (const [request, outcome, learned] of jobs) {
      yield* reporter.started(request, 1, false)
      yield* reporter.learned(learned)
      yield* reporter.ended(outcome)
      yield* TestClock.adjust("1 second")
    }
    return yield* activity.ended
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(Activity.layer, NodeContext)))

const named = (ended: ReadonlyArray<Ended>) => ended.map(({ job, outcome }) => `${job.name} ${outcome}`)
const read = (path: string) => Effect.provide(History.read(path), NodeContext)

describe("the history of jobs", () => {
  it.effect("outlives the daemon: the next one remembers, newest first, how each job ended", () =>
    Effect.gen(function* () {
      const path = fresh()
      yield* life(
        path,
        [job("one"), "finished", { conclusion: "failure" }],
        [job("two"), "no room", { cause: "timeout" }]
      )
      assert.deepStrictEqual(named(yield* life(path, [job("three"), "finished", {}])), [
        "three finished",
        "two no room",
        "one finished"
      ])
      assert.deepStrictEqual(
        (yield* read(path)).map(({ at, job, conclusion, cause }) => [at, job.name, conclusion, cause]),
        [
          [2000, "three", undefined, undefined],
          [1000, "two", undefined, "timeout"],
          [0, "one", "failure", undefined]
        ]
      )
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
    })
  )

  it.effect("loses at most the line that a crash cut, wherever it cut it", () =>
    Effect.gen(function* () {
      const whole = fresh()
      yield* life(whole, [job("one"), "finished", {}], [job("größer"), "finished", {}])
      const bytes = readFileSync(whole)
      for (let length = 0; length <= bytes.length; length += 7) {
        const path = fresh()
        writeFileSync(path, bytes, { mode: 0o600 })
        truncateSync(path, length)
        const before = named(yield* read(path))
        assert.deepStrictEqual(named(yield* life(path, [job("next"), "finished", {}])), ["next finished", ...before])
        assert.deepStrictEqual(named(yield* read(path)), ["next finished", ...before])
      }
    })
  )

  it.effect("reads past what others have written into it", () =>
    Effect.gen(function* () {
      const path = fresh()
      yield* life(path, [job("one"), "finished", {}])
      const [, line = ""] = readFileSync(path, "utf8").split("\n")
      for (const strange of [
        "\u0000\ufeff",
        "null",
        "[".repeat(100_000),
        line.replace('"at":0', '"at":1e400'),
        line.replace('"at":0', '"at":-1'),
        line.replace("queued", "elsewhere"),
        `{"at":0,"service":"${"x".repeat(40_000)}"}`
      ])
        appendFileSync(path, `${strange}\n`)
      appendFileSync(path, Buffer.from([0xff, 0xfe, 0x0a]))
      assert.deepStrictEqual(named(yield* life(path, [job("two"), "finished", {}])), ["two finished", "one finished"])
      assert.deepStrictEqual(named(yield* read(path)), ["two finished", "one finished"])
    })
  )

  it.effect("keeps no job for longer than 30 days, and no more than 5000 of them, nor more than its size", () =>
    Effect.gen(function* () {
      const path = fresh()
      yield* life(path, [job("old"), "finished", {}])
      yield* TestClock.adjust("31 days")
      assert.deepStrictEqual(yield* read(path), [])
      const [, line = ""] = readFileSync(path, "utf8").split("\n")
      const past = (n: number, name: string) =>
        `${line.replace('"at":0', `"at":${31 * 86_400_000 + n}`).replace('"name":"old"', `"name":"${name}"`)}\n`
      appendFileSync(path, Array.from({ length: History.JOBS + 10 }, (_, n) => past(n, `job ${n}`)).join(""))
      const tidied = Effect.gen(function* () {
        const { ino } = statSync(path)
        yield* History.start(path)
        yield* TestClock.adjust("2 minutes")
        yield* replaced(path, ino)
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(Activity.layer, NodeContext)))
      yield* tidied
      assert.strictEqual(readFileSync(path, "utf8").split("\n").filter(Boolean).length, History.JOBS)
      assert.strictEqual((yield* read(path))[0]?.job.name, `job ${History.JOBS + 9}`)
      const long = past(1, "x".repeat(30_000))
      appendFileSync(path, long.repeat(Math.ceil((9 << 20) / long.length)))
      yield* tidied
      assert.isBelow(statSync(path).size, 5 << 20)
    })
  )

  it.effect("stays readable whatever a CI says of a job: too much of it is left out", () =>
    Effect.gen(function* () {
      const path = fresh()
      const fields = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`field${n}`, "x".repeat(2000)]))
      yield* life(path, [job("one", fields), "finished", {}])
      assert.deepStrictEqual(
        (yield* read(path)).map(({ job }) => job.fields),
        [{}]
      )
    })
  )

  it.effect("that cannot be written costs one WARN, and no job", () => {
    const said: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => void said.push(`${logLevel.label} ${message}`))
    return Effect.gen(function* () {
      const path = join(folder, "missing", "history.jsonl")
      const ended = yield* life(path, [job("one"), "finished", {}], [job("two"), "finished", {}])
      assert.deepStrictEqual(named(ended), ["two finished", "one finished"])
      const warned = said.filter((line) => line.startsWith("WARN"))
      assert.strictEqual(warned.length, 1)
      assert.match(warned[0] ?? "", /the history of jobs, .*missing.*, is not complete/)
    }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
  })
})

/** Waits until the file has been replaced by a tidied one. */
const replaced = (path: string, ino: number) =>
  Effect.repeat(
    Effect.promise(() => new Promise((done) => setImmediate(done))),
    {
      until: () => statSync(path).ino !== ino
    }
  )
