/** What others write into the keys of a scope: it costs a look or two, and no job, no service and no queue. */
import { execFileSync } from "node:child_process"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Redis } from "ioredis"
import type { JobRequest } from "../../src/domain/Job.ts"
import { channelOf, KEYS, keysOf } from "../../src/services/Coordinator/redis/scripts.ts"
import { classOf } from "../../src/services/Coordinator.ts"
import { poll } from "../fakes/polling.ts"
import { databaseAt, job, member, SCOPE } from "./member.ts"
import { type RedisServer, start } from "./server.ts"

let server: RedisServer
beforeAll(async () => {
  server = await start()
})
afterAll(() => server.close())

const key = (name: (typeof KEYS)[number]) => keysOf(SCOPE)[KEYS.indexOf(name)] ?? ""
/** New enough not to be put last. */
const fresh = (n: number): JobRequest => ({ ...job(n), createdAt: Date.now() - 60_000 + n })
const JOBS = [fresh(1), fresh(2), fresh(3)]
const [FIRST = fresh(1)] = JOBS
const CLASS = classOf(FIRST)

/** Puts another request in the place of the first job's, under the head that it has. */
const told = (change: (spec: Record<string, unknown>) => unknown) => async (redis: Redis) => {
  const [head = "", json = ""] = ((await redis.hget(key("spec"), FIRST.key)) ?? "").split("\n")
  const changed = change(JSON.parse(json))
  await redis.hset(
    key("spec"),
    FIRST.key,
    `${head}\n${typeof changed === "string" ? changed : JSON.stringify(changed)}`
  )
}
const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`
/** Numbers that JSON or Redis may hold, and no clock or counter of ours. */
const ABSURD = ["inf", "-inf", "nan", "1e300", "-1", "9".repeat(400), "9007199254740993", "1.5", "0x10", ""]
const COUNTERS = ["epoch", "fence", "ready", "passed", "hold", "looked", "began", "polluntil"]

/** What is done to a queue of three jobs, of which the first is the one that goes first. */
const DONE: ReadonlyArray<readonly [string, (redis: Redis) => Promise<unknown>]> = [
  ["a job's request is missing", (redis) => redis.hdel(key("spec"), FIRST.key)],
  ["a job's request is no text of ours", (redis) => redis.hset(key("spec"), FIRST.key, "garbage")],
  [
    "a job's request is no JSON",
    async (redis) => {
      const [head] = ((await redis.hget(key("spec"), FIRST.key)) ?? "").split("\n")
      await redis.hset(key("spec"), FIRST.key, `${head}\n{"key": `)
    }
  ],
  [
    "a job's request is JSON of something else",
    async (redis) => {
      const [head] = ((await redis.hget(key("spec"), FIRST.key)) ?? "").split("\n")
      await redis.hset(key("spec"), FIRST.key, `${head}\n{}`)
    }
  ],
  ["a job's state is garbage", (redis) => redis.hset(key("state"), FIRST.key, "many")],
  ["there is a word in the queue", (redis) => redis.zadd(key("queue"), 0, "garbage")],
  ["there is a line in the queue that begins with a space", (redis) => redis.zadd(key("queue"), 0, " a b c")],
  ["there is a job without a rank in the queue", (redis) => redis.zadd(key("queue"), 0, `${CLASS} !x github:o/r/9`)],
  ["a job is gone from the queue, and not from the look", (redis) => redis.zremrangebyrank(key("queue"), 0, 0)],
  ["a claim has no owner", (redis) => redis.hset(key("claims"), FIRST.key, "garbage")],
  ["a service holds what is no job", (redis) => redis.hset(key("own"), "mac/A", "garbage")],
  ["the idle are garbage", (redis) => redis.zadd(key("idle"), 0, "* x", 0, `${CLASS} x`)],
  ["a reservation is garbage", (redis) => redis.hset(key("reserved"), "mac", "garbage")],
  ["a number is garbage", (redis) => redis.hset(key("meta"), "hold", "garbage", "looked", "garbage")],
  [
    "fields of another version are there",
    (redis) => redis.hset(key("meta"), "gen", "another", "boot", "another", "unknown", "garbage")
  ],
  ["another host is garbage", (redis) => redis.hset(key("hosts"), "other", "garbage")],
  ["a job's request has no template", told((spec) => ({ ...spec, template: {} }))],
  ["a job's template is a path", told((spec) => ({ ...spec, template: { id: "../../x", tag: "v1" } }))],
  ["a job's template is half a character", told((spec) => ({ ...spec, template: { id: "\ud800" } }))],
  ["a job's tag is an option", told((spec) => ({ ...spec, template: { id: "t", tag: "--force" } }))],
  ["a job's tag is a number", told((spec) => ({ ...spec, template: { id: "t", tag: 7 } }))],
  ["a job's template ends in a blank", told((spec) => ({ ...spec, template: { id: "t " } }))],
  ["a job's name is missing", told(({ name: _, ...spec }) => spec)],
  ["a job's fields are a list of lists", told((spec) => ({ ...spec, fields: [[1], [2]] }))],
  ["a job's time is none", told((spec) => JSON.stringify(spec).replace(/"createdAt":\d+/, '"createdAt":1e999'))],
  ["a job's time is before all time", told((spec) => ({ ...spec, createdAt: -1e300 }))],
  ["a job's priority is none", told((spec) => ({ ...spec, priority: 77 }))],
  [
    "a job's request is of a thousand levels",
    told((spec) => JSON.stringify({ ...spec, detail: 0 }).replace('"detail":0', `"detail":${nested(900)}`))
  ],
  ["a job's request is of a million levels", told(() => nested(1_000_000))],
  ["a job's request is of eight megabytes", told((spec) => ({ ...spec, name: "x".repeat(8_000_000) }))],
  [
    "other hosts say of themselves what no host can read",
    async (redis) => {
      for (const [n, said] of ["garbage", nested(100_000), "x".repeat(4_000_000), "\ud800"].entries()) {
        await redis.zadd(key("alive"), Date.now() + 60_000, `ghost-${n}`)
        await redis.hset(key("hosts"), `ghost-${n}`, `life ${said}`)
        await redis.hset(key("said"), `ghost-${n}`, said)
      }
    }
  ],
  ...ABSURD.map((value): (typeof DONE)[number] => [
    `every number of the scope is ${value.slice(0, 20) || "empty"}`,
    (redis) => redis.hset(key("meta"), Object.fromEntries(COUNTERS.map((counter) => [counter, value])))
  ])
]

describe("in the store of a fleet", () => {
  it.scopedLive("a key of another kind is refused with the command that mends it, and then all goes on", () =>
    Effect.forEach(
      KEYS,
      // each with a host of its own, which has left before the store is emptied for the next one
      Effect.fnUntraced(function* (name) {
        yield* Effect.promise(() => server.ask((redis) => redis.flushall()))
        const coordinator = yield* member(databaseAt(server.port), { name: "mac", services: ["A"] })
        const look = poll(coordinator, SCOPE, {
          service: "A",
          every: Duration.zero,
          look: Effect.succeed({ jobs: [FIRST] })
        })
        const work = Effect.gen(function* () {
          yield* coordinator.join(SCOPE, "registration: repo")
          yield* look
          yield* coordinator.waiting(SCOPE, "A")
          const claim = yield* coordinator.claim(SCOPE, "A", [CLASS])
          yield* coordinator.survey(SCOPE)
          return claim
        })
        yield* Effect.promise(() => server.ask((redis) => redis.lpush(key(name), "theirs")))
        const refused = yield* Effect.either(work)
        if (Either.isRight(refused)) return
        assert.include(refused.left.message, "has a key of another kind")
        const [, command = ""] = /(redis-cli DEL .*)$/.exec(refused.left.message) ?? []
        const named = execFileSync("bash", ["-c", `${command.replace("redis-cli DEL", "printf '%s\\n'")}`], {
          encoding: "utf8"
        })
        assert.deepStrictEqual(named.trim().split("\n"), [...keysOf(SCOPE)])
        yield* Effect.promise(() => server.ask((redis) => redis.del(...named.trim().split("\n"))))
        // no host claims for a while after the store has lost its memory
        const claim = yield* work
        const waiting = yield* coordinator.waiting(SCOPE, "A")
        assert.isTrue(Option.isSome(claim) || waiting.some(({ key }) => key === FIRST.key), name)
      }, Effect.scoped),
      { discard: true }
    )
  )

  it.scopedLive(
    "200,000 wake-ups, also for services that do not exist, are handled as few, and a job is claimed in between",
    () =>
      Effect.gen(function* () {
        yield* Effect.promise(() => server.ask((redis) => redis.flushall()))
        const coordinator = yield* member(databaseAt(server.port), { name: "mac", services: ["A"] })
        yield* coordinator.join(SCOPE, "registration: repo")
        let woken = 0
        yield* Effect.forkScoped(
          Effect.forever(
            Effect.zipRight(
              coordinator.woken("A"),
              Effect.sync(() => woken++)
            )
          )
        )
        const say = (count: number) =>
          server.ask(async (redis) => {
            const words = ["wake A", "wake B", "wake ", "x".repeat(10_000), "\u0000"]
            for (let n = 0; n < count; n += 2000) {
              const pipeline = redis.pipeline()
              for (let m = 0; m < 2000; m++)
                pipeline.publish(channelOf("mac"), m % 3 === 0 ? `wake ${n + m}` : (words[m % 5] ?? ""))
              await pipeline.exec()
            }
          })
        const flood = yield* Effect.fork(Effect.promise(() => say(200_000)))
        yield* poll(coordinator, SCOPE, { service: "A", every: Duration.zero, look: Effect.succeed({ jobs: [FIRST] }) })
        assert.isTrue(Option.isSome(yield* coordinator.claim(SCOPE, "A", [CLASS])))
        yield* Fiber.join(flood)
        assert.isAbove(woken, 0)
        assert.isBelow(woken, 40_000)
      })
  )

  for (const [what, spoil] of DONE) {
    it.scopedLive(`${what}: after two looks every job is claimed, in its order`, () =>
      Effect.gen(function* () {
        yield* Effect.promise(() => server.ask((redis) => redis.flushall()))
        const coordinator = yield* member(databaseAt(server.port), { name: "mac", services: ["A", "B", "C"] })
        const look = poll(coordinator, SCOPE, {
          service: "A",
          every: Duration.zero,
          look: Effect.succeed({ jobs: JOBS })
        })
        yield* coordinator.join(SCOPE, "registration: repo")
        yield* look
        yield* Effect.promise(() => server.ask(spoil))
        // as a pass does it
        for (let n = 0; n < 2; n++) {
          yield* look
          yield* coordinator.waiting(SCOPE, "A")
        }
        yield* coordinator.survey(SCOPE)
        yield* coordinator.queue(SCOPE, 100)
        for (const { key } of JOBS) yield* coordinator.inspect(SCOPE, key)
        const claims = yield* Effect.forEach(["A", "B", "C"], (service) => coordinator.claim(SCOPE, service, [CLASS]))
        assert.deepStrictEqual(
          claims.map((claim) => Option.getOrUndefined(Option.map(claim, ({ job }) => job.key))),
          JOBS.map(({ key }) => key)
        )
      })
    )
  }

  it.scopedLive(
    "a job that is claimed and turns out to be unreadable goes back, and is claimed when a look has reported it again",
    () =>
      Effect.gen(function* () {
        yield* Effect.promise(() => server.ask((redis) => redis.flushall()))
        const coordinator = yield* member(databaseAt(server.port), { name: "mac", services: ["A"] })
        const look = poll(coordinator, SCOPE, {
          service: "A",
          every: Duration.zero,
          look: Effect.succeed({ jobs: [FIRST] })
        })
        yield* coordinator.join(SCOPE, "registration: repo")
        yield* look
        yield* Effect.promise(() => server.ask(told((spec) => ({ ...spec, template: { id: "t " } }))))
        assert.isTrue(Option.isNone(yield* coordinator.claim(SCOPE, "A", [CLASS])))
        yield* look
        assert.isTrue(Option.isSome(yield* coordinator.claim(SCOPE, "A", [CLASS])))
      })
  )

  it.scopedLive("a claimed job's request is missing: it is handed back all the same, and reported again", () =>
    Effect.gen(function* () {
      yield* Effect.promise(() => server.ask((redis) => redis.flushall()))
      const coordinator = yield* member(databaseAt(server.port), { name: "mac" })
      const look = poll(coordinator, SCOPE, {
        service: "A",
        every: Duration.zero,
        look: Effect.succeed({ jobs: [FIRST] })
      })
      yield* coordinator.join(SCOPE, "registration: repo")
      yield* look
      const claim = Option.getOrThrow(yield* coordinator.claim(SCOPE, "A", [CLASS]))
      yield* Effect.promise(() => server.ask((redis) => redis.hdel(key("spec"), FIRST.key)))
      yield* coordinator.release(claim, { reason: "test", after: 0, charged: false })
      yield* look
      yield* look
      assert.isTrue(Option.isSome(yield* coordinator.claim(SCOPE, "A", [CLASS])))
    })
  )
})
