/** What others write into the keys of a scope: it costs a look or two, and no job, no service and no queue. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Redis } from "ioredis"
import type { JobRequest } from "../../src/Job.ts"
import { KEYS, keysOf } from "../../src/services/Coordinator/redis/scripts.ts"
import { classOf } from "../../src/services/Coordinator.ts"
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
  ["a job is claimed by nobody", (redis) => redis.hset(key("claims"), FIRST.key, "garbage")],
  ["a service holds what is no job", (redis) => redis.hset(key("own"), "mac/A", "garbage")],
  ["the idle are garbage", (redis) => redis.zadd(key("idle"), 0, "* x", 0, `${CLASS} x`)],
  ["a reservation is garbage", (redis) => redis.hset(key("reserved"), "mac", "garbage")],
  ["a number is garbage", (redis) => redis.hset(key("meta"), "hold", "garbage", "looked", "garbage")],
  ["another host is garbage", (redis) => redis.hset(key("hosts"), "other", "garbage")]
]

describe("in the store of a fleet", () => {
  for (const [what, spoil] of DONE) {
    it.scopedLive(`${what}: after two looks every job is claimed, in its order`, () =>
      Effect.gen(function* () {
        yield* Effect.promise(() => server.ask((redis) => redis.flushall()))
        const coordinator = yield* member(databaseAt(server.port), { name: "mac", services: ["A", "B", "C"] })
        const look = coordinator.refresh(SCOPE, { service: "A", every: Duration.zero, look: Effect.succeed(JOBS) })
        yield* coordinator.join(SCOPE, "registration: repo")
        yield* look
        yield* Effect.promise(() => server.ask(spoil))
        yield* look
        yield* look
        yield* coordinator.survey(SCOPE)
        for (const { key } of JOBS) yield* coordinator.inspect(SCOPE, key)
        const claims = yield* Effect.forEach(["A", "B", "C"], (service) => coordinator.claim(SCOPE, service, [CLASS]))
        assert.deepStrictEqual(
          claims.map((claim) => Option.getOrUndefined(Option.map(claim, ({ job }) => job.key))),
          JOBS.map(({ key }) => key)
        )
      })
    )
  }

  it.scopedLive("a claimed job's request is missing: it is given back all the same, and told anew", () =>
    Effect.gen(function* () {
      yield* Effect.promise(() => server.ask((redis) => redis.flushall()))
      const coordinator = yield* member(databaseAt(server.port), { name: "mac" })
      const look = coordinator.refresh(SCOPE, { service: "A", every: Duration.zero, look: Effect.succeed([FIRST]) })
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
