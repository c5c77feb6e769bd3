/** The scripts beside the rules: both must answer alike, and store alike, whatever they are asked. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as differential from "../services/Coordinator/differential.ts"
import { type RedisServer, start } from "./server.ts"

/** Random commands of each seed. */
const EACH = 100_000

/** Every kind of answer that matters, which each seed must have had. */
const KINDS = [
  "Claim Claimed",
  "Ingest Unknown",
  "Swap Claimed",
  "Beat Heard",
  "Restore Verdicts",
  "Poll Turn",
  "Announce Done",
  "Hello Taken"
]

/** Compares them for these seeds. */
export const compare = (seeds: ReadonlyArray<number>) => {
  describe("the scripts, compared with the reducer", () => {
    let server: RedisServer
    beforeAll(async () => {
      server = await start()
    })
    afterAll(() => server.close())

    for (const seed of seeds) {
      it(`answer alike and store alike for ${EACH} random commands (seed ${seed})`, { timeout: 600_000 }, async () => {
        const kinds = await server.ask((redis) => differential.run(redis, seed, EACH, 1000))
        for (const kind of KINDS) assert.isAbove(kinds[kind] ?? 0, 0, kind)
      })
    }

    for (const [what, crowd] of [
      ["more hosts, and more jobs of one kind, than are looked at in one go", { hosts: 14, templates: 1, jobs: 80 }],
      ["more classes of jobs than one reply or one look covers", { hosts: 3, templates: 51, jobs: 200 }]
    ] as const) {
      it(`answer alike and store alike for ${what} (seed ${seeds[0]})`, { timeout: 600_000 }, async () => {
        const kinds = await server.ask((redis) => differential.run(redis, seeds[0] ?? 1, 10_000, 100, crowd))
        assert.isAbove(kinds["Claim Claimed"] ?? 0, 500)
      })
    }
  })
}
