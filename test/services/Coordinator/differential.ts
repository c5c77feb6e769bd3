/** The scripts against the rules: the same commands, the same replies, the same state. */
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import type { Redis } from "ioredis"
import { type Command, initial, type Reply } from "../../../src/services/Coordinator/protocol.ts"
import { argumentsOf, compile, keysOf, replyOf } from "../../../src/services/Coordinator/redis/scripts.ts"
import { reduce } from "../../../src/services/Coordinator/rules.ts"
import * as dump from "./dump.ts"
import { type Crowd, make, SCOPE } from "./random.ts"

/** The time comes with each command, as its last argument. */
const scripts = compile("return tonumber(table.remove(ARGV))")
const keys = keysOf(SCOPE)

const plain = (reply: Reply) => JSON.stringify(reply)

/** Run `count` random commands on both. Returns how many of each kind were run, or throws at the first difference. */
export const run = async (redis: Redis, seed: number, count: number, batch = 200, crowd?: Crowd) => {
  for (const { text } of Object.values(scripts)) await redis.script("LOAD", text)
  const choose = make(seed, crowd)
  const kinds: Record<string, number> = {}
  let state = initial
  await redis.flushall()
  for (let done = 0; done < count; done += batch) {
    const pipeline = redis.pipeline()
    const expected: Array<{ command: Command; reply: Reply; now: number }> = []
    let now = 0
    for (let n = 0; n < batch; n++) {
      const chosen = choose(state)
      now = chosen.now
      const outcome = reduce(state, chosen.command, now)
      state = outcome.state
      const kind = `${chosen.command._tag} ${outcome.reply._tag}`
      kinds[kind] = (kinds[kind] ?? 0) + 1
      expected.push({ command: chosen.command, reply: outcome.reply, now })
      pipeline.evalsha(scripts[chosen.command._tag].sha, keys.length, ...keys, ...argumentsOf(chosen.command), now)
    }
    const answers = (await pipeline.exec()) ?? []
    for (const [n, { command, reply }] of expected.entries()) {
      const [error, answer] = answers[n] ?? [new Error("no answer"), undefined]
      const got = error === null && Array.isArray(answer) ? replyOf(command, answer) : Option.none()
      if (!Option.exists(got, (got) => plain(got) === plain(reply))) {
        const what = error === null ? JSON.stringify(answer) : error.message
        throw new Error(
          `seed ${seed}, command ${done + n} ${JSON.stringify(command)}: ${what} instead of ${plain(reply)}`
        )
      }
    }
    const theirs = await dump.ofRedis(redis, now)
    const ours = JSON.stringify(dump.ofState(state, now))
    if (!theirs.indexed)
      throw new Error(`seed ${seed}, before command ${done + batch}: the index of idle services is wrong`)
    if (!Equal.equals(JSON.stringify(theirs.dump), ours)) {
      throw new Error(`seed ${seed}, before command ${done + batch}: ${JSON.stringify(theirs.dump)} instead of ${ours}`)
    }
    // a store that lost its memory
    if ((done / batch) % 40 === 39) {
      state = initial
      await redis.flushall()
    }
  }
  return kinds
}
