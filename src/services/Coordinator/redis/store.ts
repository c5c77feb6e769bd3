/** The shared store in Redis: commands are scripts, messages are pub/sub. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Database } from "../../../config/Database.ts"
import { CoordinatorError } from "../../Coordinator.ts"
import * as Redis from "../../Redis.ts"
import type { Store } from "../store.ts"
import { argumentsOf, channelOf, compile, keysOf, LIMIT, LIMITS, limitOf, replyOf } from "./scripts.ts"

const explained = Effect.mapError(({ reason, detail }: Redis.RedisError) => new CoordinatorError({ reason, detail }))

/** Connect; returns at once. Runs `back` whenever the store has become reachable. */
export const connect = Effect.fnUntraced(function* (database: Database, back: Effect.Effect<void>) {
  const redis = yield* Redis.connect(database, back)
  const scripts = compile()
  if (database.insecure) {
    yield* Effect.logWarning(
      `${redis.name}: database.insecure is set, so anybody on the way may read and change what hosts agree on`
    )
  }
  const store: Store = {
    name: redis.name,
    ask: (scope, command) =>
      redis.run(scripts[command._tag], keysOf(scope), argumentsOf(command)).pipe(
        explained,
        Effect.flatMap((answer) =>
          Option.match(replyOf(command, answer), {
            onNone: () =>
              new CoordinatorError({
                reason: "Refused",
                detail: `${redis.name} holds data of ${scope} that this version of anklet does not understand`
              }),
            onSome: Effect.succeed
          })
        )
      ),
    fit: explained(redis.fit),
    listen: (host, heard) => redis.listen(channelOf(host), heard),
    say: (host, message) => explained(redis.say(channelOf(host), message)),
    relisten: redis.relisten,
    limits: (heard) =>
      redis.listen(LIMITS, (message) => {
        const [credential = "", ms] = message.split(" ")
        return heard(credential, Number(ms))
      }),
    limit: (credential, ms) =>
      redis.run(LIMIT, [limitOf(credential)], [credential, Math.ceil(ms)]).pipe(
        Effect.map(([left]) => Number(left ?? 0)),
        // without the report, each host finds the limit out by itself
        Effect.orElseSucceed(() => 0)
      )
  }
  return store
})
