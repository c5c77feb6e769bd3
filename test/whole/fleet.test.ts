import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { Scope } from "../../src/domain/Job.ts"
import { keysOf } from "../../src/services/Coordinator/redis/scripts.ts"
import { certificates, folder, type RedisServer, start as startRedis, startSentinels } from "../store/server.ts"
import * as chaos from "./chaos.ts"
import { type Fleet, make } from "./fleet.ts"
import { until } from "./lab.ts"

let redis: RedisServer
let fleet: Fleet

afterEach(async () => {
  await fleet.close()
  await redis.close()
})

const at = (port: number) => ["url: 127.0.0.1", `port: ${port}`]
const drainAll = () => Promise.all(fleet.macs.map((mac) => mac.anklet("-s", "drain")))
const NOTHING = { vms: [], runners: [], owes: [] }

/** What the store still holds of jobs that are claimed or waiting. */
const inStore = async () => {
  const scope = Scope.make(`github:${new URL(fleet.github.url).host}/veertuinc/anklet`)
  const keys = keysOf(scope)
  return redis.ask(async (client) => ({
    queued: await client.zcard(keys[3] ?? ""),
    owned: await client.hlen(keys[7] ?? ""),
    hosts: await client.zcard(keys[2] ?? "")
  }))
}

describe("a fleet that shares a Redis", () => {
  it("runs every job once; the store comes back empty in the middle of it", async () => {
    redis = await startRedis()
    fleet = await make({ macs: 3, database: () => at(redis.port), interval: 0.5 })
    await Promise.all(fleet.macs.map((mac) => mac.start()))
    const ids = fleet.queue(18, "sleep 0.3")
    await until("a third has ended", () => fleet.completed(ids) >= 6)
    await redis.kill()
    await redis.launch()
    await until("all have ended", () => fleet.completed(ids) === ids.length, 120_000)
    await until("the store knows of nothing to do", async () => {
      const { queued, owned } = await inStore()
      return queued + owned === 0
    })
    for (const { code } of await drainAll()) assert.strictEqual(code, 0)
    assert.deepStrictEqual(fleet.ran().sort(), [...new Set(fleet.ran())].sort())
    assert.strictEqual(fleet.ran().length, ids.length)
    assert.deepStrictEqual(fleet.left(), NOTHING)
    assert.deepStrictEqual(await inStore(), { queued: 0, owned: 0, hosts: 0 })
    // more than one host took part
    const busy = fleet.macs.filter((mac) => mac.log().some(({ msg }) => msg === "job claimed"))
    assert.isAbove(busy.length, 1)
  })

  it("starts without it, says so once with the remedy, and goes on when it is there", async () => {
    redis = await startRedis()
    await redis.kill()
    fleet = await make({ macs: 1, database: () => [...at(redis.port), "password: canary-of-the-store"], interval: 0.5 })
    const [mac] = fleet.macs
    if (mac === undefined) return assert.fail("no mac")
    const once = await mac.anklet("--attach", "--once")
    assert.strictEqual(once.code, 6)
    assert.include(once.stderr, "refuses connections: start it, or check url and port")
    await mac.start()
    const ids = fleet.queue(1)
    const said = () =>
      mac.log().filter(({ level, msg }) => level === "ERROR" && String(msg).includes("refuses connections"))
    await until("both services say so", () => new Set(said().map(({ serviceName }) => serviceName)).size === 2)
    await redis.launch()
    await redis.ask((client) => client.config("SET", "requirepass", "canary-of-the-store"))
    await until("the job has ended", () => fleet.completed(ids) === 1)
    for (const { code } of await drainAll()) assert.strictEqual(code, 0)
    assert.deepStrictEqual(fleet.left(), NOTHING)
    assert.notInclude(JSON.stringify(mac.log()), "canary")
  })

  it("is reached over TLS, by a user who may do little, with a password from a file", async () => {
    const path = folder()
    const tls = certificates(path)
    const password = join(path, "password")
    writeFileSync(password, "canary-of-the-store\n", { mode: 0o600 })
    redis = await startRedis({
      tls,
      password: "canary-of-root",
      lines: ["user anklet on >canary-of-the-store ~anklet:* &anklet:* +@all -@admin -@dangerous +info"]
    })
    fleet = await make({
      macs: 2,
      services: 1,
      interval: 0.5,
      database: () => [
        `url: rediss://127.0.0.1:${redis.port}`,
        "user: anklet",
        `password: file:${password}`,
        `ca: ${tls.ca}`
      ]
    })
    await Promise.all(fleet.macs.map((mac) => mac.start()))
    const ids = fleet.queue(3)
    await until("all have ended", () => fleet.completed(ids) === ids.length)
    for (const { code } of await drainAll()) assert.strictEqual(code, 0)
    assert.strictEqual(fleet.ran().length, ids.length)
    assert.deepStrictEqual(fleet.left(), NOTHING)
    const logs = fleet.macs.flatMap((mac) => mac.log())
    assert.deepStrictEqual(
      logs.filter(({ level }) => level === "ERROR" || level === "WARN"),
      []
    )
    assert.notInclude(JSON.stringify(logs), "canary")
    rmSync(path, { recursive: true })
  })

  it("stops and cleans up within seconds while it does not answer", async () => {
    redis = await startRedis()
    fleet = await make({ macs: 1, database: () => at(redis.port), interval: 0.5 })
    const [mac] = fleet.macs
    if (mac === undefined) return assert.fail("no mac")
    await mac.start()
    const [first = 0] = fleet.queue(1, "sleep 600")
    await until("the job runs", () => fleet.github.world.job(first).status === "in_progress")
    redis.pause()
    const began = performance.now()
    assert.strictEqual((await mac.anklet("-s", "stop")).code, 0)
    assert.isBelow(performance.now() - began, 40_000)
    assert.deepStrictEqual(fleet.left(), NOTHING)
    redis.resume()
  })

  it("refuses a Mac that runs with the copied state of a live one, and says what to do", async () => {
    redis = await startRedis()
    fleet = await make({ macs: 2, services: 1, database: () => at(redis.port), interval: 0.5 })
    const [original, copy] = fleet.macs
    if (original === undefined || copy === undefined) return assert.fail("no macs")
    await original.start()
    const file = join("state", "host.json")
    await until("the first one has its identity", () => existsSync(join(original.home, file)))
    mkdirSync(join(copy.home, "state"))
    copyFileSync(join(original.home, file), join(copy.home, file))
    await copy.start()
    const said = () => copy.log().filter(({ level }) => level === "ERROR")
    await until("it says so", () =>
      said().some(({ msg }) => String(msg).includes("another daemon has this host's identity"))
    )
    assert.include(
      String(said()[0]?.msg),
      `state_dir was copied: stop one of the two and delete ${join(copy.home, file)}`
    )
    // the original is not affected
    const ids = fleet.queue(1)
    await until("its job has ended", () => fleet.completed(ids) === 1)
    assert.deepStrictEqual(
      original.log().filter(({ level }) => level === "ERROR"),
      []
    )
    // with an identity of its own, the copy works
    await copy.anklet("-s", "stop")
    rmSync(join(copy.home, file))
    await copy.start()
    await until("both take part", async () => (await inStore()).hosts === 2)
    for (const { code } of await drainAll()) assert.strictEqual(code, 0)
  })

  it("sees running jobs to their end while it is away, and takes none", async () => {
    redis = await startRedis()
    fleet = await make({ macs: 1, services: 1, database: () => at(redis.port), interval: 0.5 })
    const [mac] = fleet.macs
    if (mac === undefined) return assert.fail("no mac")
    await mac.start()
    const [first = 0] = fleet.queue(1, `while [ ! -f ${fleet.folder}/go ]; do sleep 0.05; done`)
    await until("the job runs", () => fleet.github.world.job(first).status === "in_progress")
    await redis.kill()
    const [second = 0] = fleet.queue(1)
    writeFileSync(join(fleet.folder, "go"), "")
    await until("it has ended", () => fleet.github.world.job(first).status === "completed")
    assert.strictEqual(fleet.github.world.job(first).conclusion, "success")
    await until("the host is clean", () => fleet.left().vms.length === 0)
    await until("the service says what it waits for", () =>
      mac.log().some(({ level, msg }) => level === "ERROR" && String(msg).includes("refuses connections"))
    )
    assert.strictEqual(fleet.github.world.job(second).status, "queued")
    await redis.launch()
    await until("the next job has ended", () => fleet.completed([second]) === 1)
    for (const { code } of await drainAll()) assert.strictEqual(code, 0)
    assert.deepStrictEqual(fleet.left(), NOTHING)
  })

  it("ends every job once when its master dies and takes the last claims along", async () => {
    const store = await startSentinels()
    redis = { ...store.master, close: store.close }
    const [{ port = 0 } = {}] = store.sentinels
    const database = () => ["sentinel:", "  name: anklet", `  nodes: [127.0.0.1:${port}]`]
    fleet = await make({ macs: 3, database, interval: 0.5 })
    await Promise.all(fleet.macs.map((mac) => mac.start()))
    const runs = (ids: ReadonlyArray<number>) =>
      ids.filter((id) => fleet.github.world.job(id).status === "in_progress").length
    const step = `while [ ! -f ${fleet.folder}/go ]; do sleep 0.05; done`
    const first = fleet.queue(2, step)
    await until("two run", () => runs(first) === 2)
    // the next master does not know of these claims
    store.replica.pause()
    const lost = fleet.queue(2, step)
    await until("four run", () => runs(lost) === 2)
    await store.master.kill()
    store.replica.resume()
    const last = fleet.queue(6)
    writeFileSync(join(fleet.folder, "go"), "")
    const all = [...first, ...lost, ...last]
    await until("all have ended", () => fleet.completed(all) === all.length, 120_000)
    for (const { code } of await drainAll()) assert.strictEqual(code, 0)
    assert.deepStrictEqual(fleet.ran().sort(), [...new Set(fleet.ran())].sort())
    assert.strictEqual(fleet.ran().length, all.length)
    assert.deepStrictEqual(fleet.left(), NOTHING)
  })

  it("sees running jobs to their end while the store has no memory left, and goes on when it has", async () => {
    redis = await startRedis()
    fleet = await make({ macs: 2, services: 1, database: () => at(redis.port), interval: 0.5 })
    await Promise.all(fleet.macs.map((mac) => mac.start()))
    const running = fleet.queue(2, `while [ ! -f ${fleet.folder}/go ]; do sleep 0.05; done`)
    const ended = (ids: ReadonlyArray<number>) => fleet.completed(ids) === ids.length
    await until("both run", () => running.every((id) => fleet.github.world.job(id).status === "in_progress"))
    await redis.ask((client) => client.config("SET", "maxmemory", "1mb"))
    const next = fleet.queue(2)
    writeFileSync(join(fleet.folder, "go"), "")
    await until("they have ended", () => ended(running))
    await until("the hosts are clean", () => fleet.left().vms.length + fleet.left().owes.length === 0)
    const says = (text: string) => fleet.macs.some((mac) => mac.log().some(({ msg }) => String(msg).includes(text)))
    await until("somebody says what is wrong", () => says("is out of memory: raise its maxmemory"))
    assert.strictEqual(fleet.completed(next), 0)
    await redis.ask((client) => client.config("SET", "maxmemory", "0"))
    await until("the others have ended", () => ended(next))
    for (const { code } of await drainAll()) assert.strictEqual(code, 0)
    assert.strictEqual(fleet.ran().length, 4)
    assert.deepStrictEqual(fleet.left(), NOTHING)
  })

  it("of 20 ends 200 jobs once each, through kills, stalls, cut ways, restarts of the store, and strangers", {
    timeout: 1_200_000
  }, async () => {
    const world = await chaos.start(20)
    redis = world.redis
    fleet = world.fleet
    const ids = fleet.queue(200)
    const [faults, { codes, left, twice, ran, harm }] = await Promise.all([
      chaos.trouble(world, { seed: 11, enough: () => fleet.completed(ids) >= 150, damages: false }),
      chaos.settle(world, ids, { within: 1_100_000 })
    ])
    await world.proxy.close()
    assert.deepStrictEqual(codes, [0])
    assert.deepStrictEqual(left, NOTHING)
    assert.deepStrictEqual(twice, [])
    assert.deepStrictEqual(harm, [])
    assert.strictEqual(ran, ids.length)
    assert.isAbove(faults.kills + faults.stalls + faults.restarts, 15, JSON.stringify(faults))
  })
})
