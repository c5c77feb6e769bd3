/** What can be wrong with Redis, each on a server of its own. */
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { afterEach, assert, describe, it } from "vitest"
import { ownersIn } from "../../src/doctor/olderQueue.ts"
import { freePort } from "../store/server.ts"
import { until } from "../whole/lab.ts"
import { closeAll, healthy, PASSWORD, redisServer } from "./host.ts"

afterEach(closeAll)

describe("the doctor finds of Redis", () => {
  const withRedis = (port: number, more = "") =>
    healthy({ service: `database:\n  enabled: true\n  url: 127.0.0.1\n  port: ${port}\n${more}` })

  it("that it is away, and nothing else hangs on it: redis-away", async () => {
    const host = await withRedis(await freePort())
    const { code, of } = await host.examine()
    assert.strictEqual(code, 12)
    assert.include(of("redis-away")?.what, "refuses connections")
  })

  it("that it drops keys, refuses the sign-in, or is a read-only replica: redis-refuses, redis-away", async () => {
    const server = await redisServer("allkeys-lru")
    const host = await withRedis(server.port, `  password: ${PASSWORD}`)
    const evicts = await host.examine()
    assert.strictEqual(evicts.code, 12)
    assert.match(evicts.of("redis-refuses")?.what ?? "", /allkeys-lru.*config set maxmemory-policy noeviction/)
    host.rewrite(`password: ${PASSWORD}`, "password: another")
    assert.match((await host.examine()).of("redis-refuses")?.what ?? "", /refuses the sign-in/)
    host.rewrite("password: another", `password: ${PASSWORD}`)
    await server.ask(async (redis) => {
      await redis.config("SET", "maxmemory-policy", "noeviction")
      await redis.call("REPLICAOF", "127.0.0.1", "1")
    })
    // one that has no time to answer now is asked again
    await until("it is named", async () =>
      /read-only replica/.test((await host.examine()).of("redis-away")?.what ?? "")
    )
  })

  it("that its memory is nearly full, it could not save, or it does not tell: warnings and a note, exit 0", async () => {
    const server = await redisServer()
    const host = await withRedis(server.port, `  password: ${PASSWORD}`)
    await server.ask(async (redis) => {
      const used = Number((await redis.info("memory")).match(/^used_memory:(\d+)/m)?.[1])
      await redis.config("SET", "maxmemory", String(Math.round(used * 1.05)))
      rmSync(server.folder, { recursive: true })
      await redis.call("BGSAVE").catch(() => "refused")
    })
    await until("the save failed", () =>
      server.ask(async (redis) => (await redis.info("persistence")).includes("rdb_last_bgsave_status:err"))
    )
    const told = await host.examine()
    assert.strictEqual(told.of("redis-nearly-full")?.level, "warning")
    assert.strictEqual(told.of("redis-unsaved")?.level, "warning")
    await server.ask((redis) =>
      redis.call(
        "ACL",
        "SETUSER",
        "anklet",
        "on",
        `>${PASSWORD}`,
        "~anklet:*",
        "&anklet:*",
        "+@all",
        "-@admin",
        "-@dangerous"
      )
    )
    host.rewrite("  password:", "  user: anklet\n      password:")
    const untold = await host.examine()
    assert.strictEqual(untold.of("redis-untold")?.level, "note")
    assert.strictEqual(untold.code, 0)
  })

  it("that its user may not do all it must: redis-refuses, with the grant", async () => {
    const server = await redisServer()
    const host = await withRedis(server.port, `  user: anklet\n  password: ${PASSWORD}`)
    await server.ask((redis) =>
      redis.call("ACL", "SETUSER", "anklet", "on", `>${PASSWORD}`, "~anklet:*", "+info", "+get")
    )
    assert.match((await host.examine()).of("redis-refuses")?.what ?? "", /grant it "~anklet:\*/)
  })

  it("that it is on another host without password or TLS: redis-open, redis-plain; here, nothing of it", async () => {
    const at = (url: string, more = "") =>
      writeFileSync(host.lab.config, `${usual}    database:\n      enabled: true\n      url: ${url}\n${more}`)
    const host = await healthy()
    const usual = readFileSync(host.lab.config, "utf8")
    at("redis.invalid")
    const { of } = await host.examine()
    assert.strictEqual(of("redis-open")?.level, "warning")
    assert.include(
      of("redis-open")?.what,
      "Redis at redis.invalid:6379 is on another host, and the config has no password"
    )
    assert.strictEqual(of("redis-plain")?.level, "note")
    at("rediss://redis.invalid", `      password: ${PASSWORD}\n`)
    const guarded = await host.examine()
    for (const id of ["redis-open", "redis-plain"]) assert.isUndefined(guarded.of(id))
    for (const here of ["127.0.0.1", "localhost", "127.1.2.3", '"[::1]"']) {
      at(here)
      const { found } = await host.examine()
      assert.notMatch(JSON.stringify(found), /redis-(open|plain)/, here)
    }
  })

  it("that an older Anklet has its queue there: redis-older, and nothing of it where the lists are empty or of another owner", async () => {
    const server = await redisServer()
    const host = await withRedis(server.port, `  password: ${PASSWORD}`)
    await server.ask((redis) => redis.rpush("anklet/jobs/github/queued/another", "{}"))
    await server.ask((redis) => redis.set("anklet/jobs/github/paused/veertuinc", "no list"))
    assert.isUndefined((await host.examine()).of("redis-older"))
    await server.ask(async (redis) => {
      await redis.rpush("anklet/jobs/github/queued/veertuinc", "{}", "{}")
      await redis.rpush("anklet/jobs/github/in_progress/veertuinc", "{}")
    })
    const { code, of } = await host.examine()
    assert.strictEqual(code, 0)
    assert.strictEqual(of("redis-older")?.level, "warning")
    assert.match(
      of("redis-older")?.what ?? "",
      /^an Anklet 1 or 2 uses Redis .*, too: 2 jobs of veertuinc in its queue, and 1 running$/
    )
    // it has only been read
    assert.strictEqual(await server.ask((redis) => redis.llen("anklet/jobs/github/queued/veertuinc")), 2)
  })

  it("of an older Anklet is looked for under each owner that is watched, also as one of several scopes", () => {
    const settings = [
      { path: ["services", 0, "owner"], value: "a" },
      { path: ["services", 0, "repo"], value: "r" },
      { path: ["services", 1, "watch", 0, "owner"], value: "b" },
      { path: ["services", 1, "watch", 1, "enterprise"], value: "c" },
      { path: ["services", 2, "owner"], value: "a" },
      { path: ["owner"], value: "d" }
    ] as unknown as Parameters<typeof ownersIn>[0]
    assert.deepStrictEqual(ownersIn(settings), ["a", "b", "c"])
  })

  it("that anybody is trusted: redis-trusts-anybody", async () => {
    const host = await withRedis(await freePort(), "  tls: true\n  insecure: true")
    assert.strictEqual((await host.examine()).of("redis-trusts-anybody")?.level, "warning")
  })
})
