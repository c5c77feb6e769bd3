import { join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { type RedisServer, start as startRedis } from "../store/server.ts"
import { type Fleet, make } from "./fleet.ts"
import { until } from "./lab.ts"
import * as olderMac from "./olderMac.ts"

let redis: RedisServer
let fleet: Fleet

afterEach(async () => {
  await fleet.close()
  await redis.close()
})

describe("Macs of an older Anklet beside ours", () => {
  it("move one by one, while jobs come: each job runs once, on either, and the VMs that were in vain are removed", async () => {
    redis = await startRedis()
    fleet = await make({ macs: 2, database: () => [`port: ${redis.port}`], services: 2, interval: 0.5 })
    const { world } = fleet.github
    const older = fleet.macs.map(({ index }) => olderMac.start(`OLD${index}`, world, redis, join(fleet.folder, "ran")))
    const all: Array<number> = []
    const come = async (count: number) => {
      const ids = fleet.queue(count, "sleep 0.3")
      all.push(...ids)
      await olderMac.receive(
        redis,
        ids.map((id) => world.job(id))
      )
    }
    const ended = (count: number) => until(`${count} have ended`, () => fleet.completed(all) >= count, 120_000)

    await come(4)
    await ended(4)
    assert.strictEqual(
      older.flatMap(({ made }) => made.all).reduce((sum, many) => sum + many),
      4
    )
    for (const [n, mac] of fleet.macs.entries()) {
      await come(6)
      await older[n]?.drain()
      await mac.start()
      await come(6)
      if (n === 1) {
        // nobody takes what the receiver still writes into the older list
        const doctor = await mac.anklet("doctor", "--json")
        const { findings } = JSON.parse(doctor.stdout) as { findings: ReadonlyArray<{ id: string; what: string }> }
        assert.match(
          findings.find(({ id }) => id === "redis-older")?.what ?? "",
          /^an Anklet 1 or 2 uses Redis .*, too: \d+ jobs? of veertuinc in its queue, and 0 running$/
        )
      }
      await ended(all.length)
    }
    await come(2)
    await ended(all.length)

    assert.deepStrictEqual(fleet.ran().sort(), [...new Set(fleet.ran())].sort())
    assert.strictEqual(fleet.ran().length, all.length)
    assert.isTrue(all.every((id) => world.job(id).conclusion === "success"))
    const ours = fleet.macs.flatMap((mac) => mac.log())
    assert.isAbove(ours.filter(({ msg }) => msg === "job ended: success").length, 2)
    assert.deepStrictEqual(
      ours.filter(({ level }) => level === "ERROR").map(({ msg }) => msg),
      []
    )
    for (const mac of fleet.macs) assert.strictEqual((await mac.anklet("-s", "drain")).code, 0)
    assert.deepStrictEqual(fleet.left(), { vms: [], runners: [], owes: [] })
  })
})
