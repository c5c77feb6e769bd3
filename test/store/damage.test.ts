/** Whatever another program changes in the keys of a scope at any moment: no command fails, and the queue mends itself. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import type { Redis } from "ioredis"
import { JobKey, JobRequest, Template } from "../../src/domain/Job.ts"
import { classOf } from "../../src/services/Coordinator/order.ts"
import { type Command, initial, type Reply, type Request } from "../../src/services/Coordinator/protocol.ts"
import { argumentsOf, compile, KEYS, keysOf, replyOf } from "../../src/services/Coordinator/redis/scripts.ts"
import { reduce } from "../../src/services/Coordinator/rules.ts"
import { make, SCOPE, seeded } from "../services/Coordinator/random.ts"
import { type RedisServer, start } from "./server.ts"

/** The time comes with each command, as its last argument. */
const scripts = compile("return tonumber(table.remove(ARGV))")
const keys = keysOf(SCOPE)
const SETS: ReadonlyArray<string> = ["alive", "queue", "seen", "lease", "done", "idle"] satisfies ReadonlyArray<
  (typeof KEYS)[number]
>
/** Numbers that Redis may hold, and no clock or counter of ours. */
const NUMBERS = ["inf", "-inf", "1e300", "-1", "0", "1.5", "9007199254740993", "1790000000000"]

/** Changes one entry of the scope, in one of the ways in which a text can be wrong. */
const spoiler = (redis: Redis, seed: number) => {
  const random = seeded(seed)
  const below = (n: number) => Math.floor(random() * n)
  const one = <A>(list: ReadonlyArray<A>, otherwise: A): A => list[below(list.length)] ?? otherwise
  const edit = (text: string): string => {
    const at = below(text.length + 1)
    const words = text.split(" ")
    const word = below(words.length)
    const ways = [
      () => "",
      () => text.slice(0, at),
      () => text.slice(at),
      () => ` ${text}`,
      () => `${text.slice(0, at)}${one([" ", "\n", "/", ";", "x", "9".repeat(30), "-"], "")}${text.slice(at)}`,
      () => words.toSpliced(word, 1).join(" "),
      () => words.with(word, one(["", "0", "91", "91".padEnd(16, "0"), "!x", ...NUMBERS], "")).join(" "),
      () => text.replace("\n", " "),
      () => text.replace(/\d+/, one(NUMBERS, "0"))
    ]
    return one(ways, () => text)()
  }
  return async (): Promise<string> => {
    const name = one<(typeof KEYS)[number]>(KEYS, "meta")
    const key = keys[KEYS.indexOf(name)] ?? ""
    const whole = random() < 0.3
    if (SETS.includes(name)) {
      const [member = "x", score = "0"] = ((found) => found.slice(2 * below(found.length / 2)))(
        await redis.zrange(key, 0, -1, "WITHSCORES")
      )
      if (random() < 0.5) await redis.zrem(key, member)
      const put = whole ? member : edit(member)
      const at = random() < 0.5 ? score : one(NUMBERS, "0")
      await redis.zadd(key, at, put)
      return `${name}: ${JSON.stringify(member)} ${score} became ${JSON.stringify(put)} ${at}`
    }
    const [field = "x", value = ""] = one(Object.entries(await redis.hgetall(key)), ["x", ""])
    if (random() < 0.3) await redis.hdel(key, field)
    const [at, put] = whole ? [edit(field), value] : [field, edit(value)]
    await redis.hset(key, at, put)
    return `${name}: ${JSON.stringify([field, value])} became ${JSON.stringify([at, put])}`
  }
}

const fresh = (n: number, now: number): JobRequest =>
  JobRequest.make({
    key: JobKey.make(`github:new/${n}`),
    scope: SCOPE,
    name: `new ${n}`,
    template: Template.make({ id: "t0", tag: Option.some("v 1") }),
    createdAt: now + n,
    fields: {},
    detail: {}
  })

describe("a store in which another program changes what it likes", () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await start()
  })
  afterAll(() => server.close())

  for (const seed of Array.from({ length: 40 }, (_, n) => 100 + n)) {
    it(`answers every command, and then gives out exactly the new jobs (seed ${seed})`, { timeout: 240_000 }, () =>
      server.ask(async (redis) => {
        await redis.flushall()
        const spoil = spoiler(redis, seed)
        const spoilt: Array<string> = []
        const choose = make(seed)
        const ask = async (command: Command, now: number): Promise<Reply> => {
          const { text } = scripts[command._tag]
          try {
            const answer = await redis.eval(text, keys.length, ...keys, ...argumentsOf(command), now)
            return Option.getOrThrow(replyOf(command, Array.isArray(answer) ? answer : []))
          } catch (error) {
            throw new Error(`${JSON.stringify(command)}: ${error}\nbefore it:\n${spoilt.slice(-20).join("\n")}`)
          }
        }
        let state = initial
        let now = 0
        for (let n = 0; n < 600; n++) {
          const chosen = choose(state)
          now = Math.max(now, chosen.now)
          state = reduce(state, chosen.command, chosen.now).state
          await ask(chosen.command, chosen.now)
          if (n % 3 === 0) spoilt.push(await spoil())
        }

        // every lease and every reservation has ended
        now += 24 * 3_600_000
        const known = { host: "mac-new", life: "life-new" }
        const jobs = [1, 2, 3].map((n) => fresh(n, now))
        let generation = ""
        const say = (request: Request) => ask({ ...request, ...known, generation }, now)
        const hello = await ask(
          {
            ...known,
            _tag: "Hello",
            info: "{}",
            terms: "repository",
            lease: 60_000,
            generation: "new",
            knewGeneration: false,
            replaces: ""
          },
          now
        )
        if (hello._tag !== "Welcome") assert.fail(`${JSON.stringify(hello)}\n${spoilt.join("\n")}`)
        generation = hello.generation
        for (let look = 0; look < 3; look++) {
          now += 10_000
          const turn = await say({ _tag: "Poll", every: 1000 })
          if (turn._tag !== "Turn") assert.fail(`${JSON.stringify(turn)}\n${spoilt.join("\n")}`)
          await say({
            _tag: "Ingest",
            fence: turn.fence,
            last: true,
            jobs: jobs.map((job) => ({ key: job.key, request: Option.some(job) }))
          })
          await say({ _tag: "Waiting" })
        }
        const claimed = []
        for (const service of ["A", "B", "C", "D"]) {
          const classes = jobs.slice(0, 1).map(classOf)
          const reply = await say({ _tag: "Claim", service, classes, lease: 60_000 })
          claimed.push(reply._tag === "Claimed" ? Option.getOrUndefined(reply.claim)?.job.key : reply._tag)
        }
        assert.deepStrictEqual(claimed, [...jobs.map(({ key }) => key), undefined], spoilt.join("\n"))
      })
    )
  }
})
