import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Database, resolve, Written } from "../../src/config/Database.ts"
import { misfits } from "../../src/text/Expected.ts"
import { NodeContext } from "../fakes/platform.ts"

const read = (written: object) =>
  Effect.map(Schema.decodeUnknown(Written)({ enabled: true, ...written }), (decoded) => {
    const resolved = resolve(decoded)
    if (!Option.isOption(resolved) || Option.isNone(resolved)) return assert.fail(JSON.stringify(resolved))
    return resolved.value
  })
const secret = (value: Database["password"]) => Option.getOrUndefined(Option.map(value, Redacted.value))
const nodes = (database: Database) => database.nodes.map(({ host, port }) => `${host}:${port}`)

describe("a store", () => {
  it.effect("is at localhost:6379 when nothing else is said, and nowhere when it is not enabled", () =>
    Effect.gen(function* () {
      const database = yield* read({})
      assert.deepStrictEqual(nodes(database), ["localhost:6379"])
      assert.strictEqual(database.database, 0)
      assert.deepStrictEqual(resolve(yield* Schema.decodeUnknown(Written)({})), Option.none())
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("may be told in parts, or in one address that has them all", () =>
    Effect.gen(function* () {
      const parts = yield* read({ url: "r.example", port: 6380, user: "u", password: "p w", database: 2, tls: true })
      const whole = yield* read({ url: "rediss://u:p%20w@r.example:6380/2" })
      assert.deepStrictEqual(nodes(whole), ["r.example:6380"])
      assert.strictEqual(secret(whole.password), "p w")
      assert.isTrue(whole.tls)
      // so that services that name one store share its connections
      assert.isTrue(Equal.equals(parts, whole))
      assert.isFalse(Equal.equals(parts, yield* read({ url: "rediss://u:other@r.example:6380/2" })))
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("may have an address of IPv6", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(nodes(yield* read({ url: "[::1]:7000" })), ["::1:7000"])
      assert.deepStrictEqual(nodes(yield* read({ url: "redis://[::1]:7000" })), ["::1:7000"])
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("may be found by sentinels, or be a cluster", () =>
    Effect.gen(function* () {
      const sentinel = yield* read({ sentinel: { name: "m", nodes: ["a", "b:1"], password: "s" }, password: "r" })
      assert.deepStrictEqual(nodes(sentinel), ["a:26379", "b:1"])
      assert.deepStrictEqual(
        [sentinel.kind, sentinel.master, secret(sentinel.sentinelPassword), secret(sentinel.password)],
        ["sentinel", "m", "s", "r"]
      )
      const cluster = yield* read({ url: "one.example", cluster: true })
      assert.deepStrictEqual([cluster.kind, ...nodes(cluster)], ["cluster", "one.example:6379"])
      assert.deepStrictEqual(nodes(yield* read({ cluster: ["a", "b:1"] })), ["a:6379", "b:1"])
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("is named to people without its secrets", () =>
    Effect.gen(function* () {
      const database = yield* read({
        password: "canary",
        sentinel: { name: "m", nodes: ["a"], password: "canary" }
      })
      assert.notInclude(`${database}${JSON.stringify(database)}`, "canary")
      assert.strictEqual(`${yield* read({ url: "redis://u:canary@r.example" })}`, "Redis at r.example:6379")
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("whose address cannot be one is refused with what is wrong, and without its secrets", () =>
    Effect.gen(function* () {
      for (const [url, told] of [
        ["redis://:canary%@r.example", "write %25 for a percent sign"],
        ["r.example:99999", "expected a host name"],
        ["r.example:0", "expected a host name"],
        ["redis://r.example:0", "expected a host name"],
        ["http://r.example", "expected a host name"]
      ] as const) {
        const mistakes = resolve(yield* Schema.decodeUnknown(Written)({ enabled: true, url }))
        if (Option.isOption(mistakes)) return assert.fail(`${url} is taken`)
        assert.deepStrictEqual(
          mistakes.map(({ path }) => path.join(".")),
          ["url"]
        )
        assert.include(mistakes[0]?.message, told)
        assert.notInclude(JSON.stringify(mistakes), "canary")
      }
      yield* Effect.flip(Schema.decodeUnknown(Written)({ enabled: true, cluster: ["a:70000"] }))
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("whose address has a part that would not be used is refused, and nothing of it is told", () =>
    Effect.gen(function* () {
      for (const [url, told] of [
        ["redis://u:57#canary@h:6379/0", "%23 for #"],
        ["redis://u:57?canary@h:6379/0", "%3F for ?"],
        ["redis://u:57/canary@h:6379/0", "%2F for a slash"],
        ["redis://u:p/canary@h", "%2F for a slash"],
        ["redis://canary#@h", "%23 for #"],
        ["redis://h:6379/0#canary", "after #"],
        ["redis://h:6379?db=2", "parameters"],
        ["redis://h:6379/?password=canary", "parameters"],
        ["redis://h?", "parameters"],
        ["redis://h:6379/canary", "number of the database"],
        ["redis://h:6379/2/canary", "number of the database"],
        ["redis://h\n:6379", "expected a host name"],
        ["unix:///canary", "expected a host name"],
        ["redis:///2", "expected a host name"],
        ["u:canary@h", "expected a host name"],
        ["u@canary", "expected a host name"],
        ["h/2", "expected a host name"],
        ["h?canary", "expected a host name"],
        ["h#canary", "expected a host name"]
      ] as const) {
        const mistakes = resolve(yield* Schema.decodeUnknown(Written)({ enabled: true, url }))
        if (Option.isOption(mistakes)) return assert.fail(`${url} is taken`)
        assert.strictEqual(mistakes.length, 1, url)
        assert.include(mistakes[0]?.message, told, url)
        assert.notInclude(JSON.stringify(mistakes), "canary")
      }
      const hash = yield* read({ url: "redis://u:57%23Wc@h:6379/0" })
      assert.deepStrictEqual([...nodes(hash), hash.user, secret(hash.password)], ["h:6379", "u", "57#Wc"])
      assert.isTrue((yield* read({ url: "REDISS://h" })).tls)
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("whose nodes are more than host and port is refused", () =>
    Effect.forEach(["redis://a:1", "u:canary@a:1", "a:1/2", "a?b", "a b", "", "a:0", "a:x"], (node) =>
      Effect.gen(function* () {
        for (const written of [{ cluster: [node] }, { sentinel: { name: "m", nodes: [node] } }]) {
          const error = yield* Effect.flip(Schema.decodeUnknown(Written)({ enabled: true, ...written }))
          const [misfit] = misfits(error)
          assert.include(misfit?.message, "expected host:port", node)
          assert.notInclude(misfit?.message, "canary")
        }
      })
    ).pipe(Effect.provide(NodeContext))
  )

  it.effect("whose servers are named elsewhere has no address that would not be used", () =>
    Effect.gen(function* () {
      const sentinel = { name: "m", nodes: ["a"] }
      for (const written of [
        { url: "h", sentinel },
        { port: 7000, sentinel },
        { url: "redis://u:canary@h", sentinel },
        { url: "redis://u:canary@h", cluster: ["a:1"] }
      ]) {
        const mistakes = resolve(yield* Schema.decodeUnknown(Written)({ enabled: true, ...written }))
        if (Option.isOption(mistakes)) return assert.fail(`${JSON.stringify(written)} is taken`)
        assert.deepStrictEqual(
          mistakes.map(({ path }) => path.join(".")),
          [Object.keys(written)[0]]
        )
        assert.include(mistakes[0]?.message, "not used: leave it out")
        assert.notInclude(JSON.stringify(mistakes), "canar")
      }
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("whose address and keys contradict each other is refused at the key; where they agree it is taken", () =>
    Effect.gen(function* () {
      const url = "rediss://u:canary@h:7000/2"
      for (const [key, other, same] of [
        ["port", 7001, 7000],
        ["user", "v", "u"],
        ["password", "canaries", "canary"],
        ["database", 3, 2],
        ["tls", false, true]
      ] as const) {
        const mistakes = resolve(yield* Schema.decodeUnknown(Written)({ enabled: true, url, [key]: other }))
        if (Option.isOption(mistakes)) return assert.fail(`${key} is taken`)
        assert.deepStrictEqual(
          mistakes.map(({ path }) => path.join(".")),
          [key]
        )
        assert.include(mistakes[0]?.message, `\`url\` gives another ${key}`)
        assert.notInclude(JSON.stringify(mistakes), "canar")
        assert.deepStrictEqual(nodes(yield* read({ url, [key]: same })), ["h:7000"])
      }
      assert.deepStrictEqual(nodes(yield* read({ url: "redis://h", port: 7001 })), ["h:7001"])
      assert.deepStrictEqual(nodes(yield* read({ url, user: "", password: "" })), ["h:7000"])
      assert.isTrue((yield* read({ url: "redis://h", tls: true })).tls)
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("has neither user nor password where they are blank", () =>
    Effect.gen(function* () {
      for (const blank of [null, ""]) {
        const { user, password, sentinelUser, sentinelPassword } = yield* read({
          user: blank,
          password: blank,
          sentinel: { name: "m", nodes: ["a"], user: blank, password: blank }
        })
        assert.deepStrictEqual([user, password, sentinelUser, sentinelPassword], ["", Option.none(), "", Option.none()])
      }
    }).pipe(Effect.provide(NodeContext))
  )
})
