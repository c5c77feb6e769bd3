/** The coordinator on a real Redis: the contract, and the scripts against the reducer. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { contract } from "../contracts/coordinator.ts"
import * as differential from "../services/Coordinator/differential.ts"
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

/** Commands that the whole suite tries: ten seeds of a hundred thousand. */
const SEEDS = Array.from({ length: 10 }, (_, n) => n + 1)
const EACH = 100_000

describe("the scripts, compared with the reducer", () => {
  for (const seed of SEEDS) {
    it(`answer alike and store alike for ${EACH} random commands (seed ${seed})`, { timeout: 300_000 }, async () => {
      const kinds = await server.ask((redis) => differential.run(redis, seed, EACH, 1000))
      // every kind of command was tried often, also with the answers that matter
      for (const kind of [
        "Claim Claimed",
        "Ingest Unknown",
        "Swap Claimed",
        "Beat Heard",
        "Restore Verdicts",
        "Poll Turn",
        "Announce Done",
        "Hello Taken"
      ]) {
        assert.isAbove(kinds[kind] ?? 0, 0, kind)
      }
    })
  }

  for (const [what, crowd] of [
    ["more hosts, and more jobs of one kind, than are looked at in one go", { hosts: 14, templates: 1, jobs: 80 }],
    ["more classes of jobs than one reply or one look covers", { hosts: 3, templates: 51, jobs: 200 }]
  ] as const) {
    it(`answer alike and store alike for ${what}`, { timeout: 300_000 }, async () => {
      const kinds = await server.ask((redis) => differential.run(redis, 1, 10_000, 100, crowd))
      assert.isAbove(kinds["Claim Claimed"] ?? 0, 500)
    })
  }
})
