/** The coordinator on a real Redis: the contract, and the scripts against the reducer. */
import { afterAll, beforeAll } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { contract } from "../contracts/coordinator.ts"
import { compare } from "./compare.ts"
import { databaseAt, member } from "./member.ts"
import { type RedisServer, start } from "./server.ts"

let server: RedisServer
beforeAll(async () => {
  server = await start()
})
afterAll(() => server.close())

contract(
  "on Redis",
  Effect.suspend(() =>
    Effect.zipRight(
      Effect.promise(() => server.ask((redis) => redis.flushall())),
      member(databaseAt(server.port), { name: "mac" })
    )
  )
)

// the deep ring has more seeds
compare([1, 2])
