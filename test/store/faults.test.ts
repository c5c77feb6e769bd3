/** What befalls a store, and what becomes of claims and of those who wait. Real servers, all at once. */
import { readFileSync, rmSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { JobRequest } from "../../src/domain/Job.ts"
import { keysOf } from "../../src/services/Coordinator/redis/scripts.ts"
import { type Claim, type Coordinator, classOf } from "../../src/services/Coordinator.ts"
import { fitness } from "../../src/services/Redis.ts"
import { SharedRateLimit } from "../../src/services/SharedRateLimit.ts"
import * as FakeLedger from "../fakes/Ledger.ts"
import { poll } from "../fakes/polling.ts"
import { databaseAt, job, type MemberOptions, member, QUICK, SCOPE, secret } from "./member.ts"
import {
  certificates,
  folder,
  type RedisServer,
  type ServerOptions,
  start,
  startCluster,
  startProxy,
  startSentinels
} from "./server.ts"

const TERMS = "registration: repo"
const CLASSES = [classOf(job(0))]

const scoped = <A extends { readonly close: () => Promise<void> }>(acquire: () => Promise<A>) =>
  Effect.acquireRelease(Effect.promise(acquire), ({ close }) => Effect.promise(close))
const server = (options: ServerOptions = {}) => scoped(() => start(options))
const host = (port: number, options: Partial<MemberOptions> = {}) =>
  member(databaseAt(port), { name: "mac-1", rhythm: QUICK, ...options })
const joined = (port: number, options: Partial<MemberOptions> = {}) =>
  Effect.tap(host(port, options), (coordinator) => coordinator.join(SCOPE, TERMS))

const look = (coordinator: Coordinator["Type"], ...jobs: ReadonlyArray<JobRequest>) =>
  poll(coordinator, SCOPE, { service: "A", every: Duration.zero, look: Effect.succeed({ jobs }) })
const claim = (coordinator: Coordinator["Type"], service = "A") => coordinator.claim(SCOPE, service, CLASSES)
const number = (claim: Option.Option<Claim>) =>
  Option.getOrUndefined(Option.map(claim, ({ job }) => job.createdAt % 1000))

/** Ask again until it is so; the test's own time limit ends what never comes. */
const soon = <A, E, R>(ask: Effect.Effect<A, E, R>, is: (answer: A) => boolean): Effect.Effect<A, never, R> =>
  ask.pipe(
    Effect.filterOrFail(is, () => "not yet"),
    Effect.retry(Schedule.spaced("50 millis")),
    Effect.orDie
  )
const flushed = (server: RedisServer) => Effect.promise(() => server.ask((redis) => redis.flushall()))

const test = (what: string, body: Effect.Effect<void, unknown, Scope.Scope>) => it.scopedLive(what, () => body)

describe.concurrent("a store that is away", () => {
  test(
    "at the start is named with a remedy; once it is there, things go on by themselves",
    Effect.gen(function* () {
      const redis = yield* server()
      yield* Effect.promise(redis.kill)
      const coordinator = yield* host(redis.port)
      const error = yield* Effect.flip(coordinator.join(SCOPE, TERMS))
      assert.strictEqual(error.reason, "Unavailable")
      assert.include(
        error.message,
        `Redis at 127.0.0.1:${redis.port} refuses connections: start it, or check url and port`
      )
      yield* Effect.promise(redis.launch)
      yield* soon(coordinator.join(SCOPE, TERMS), () => true)
      yield* look(coordinator, job(1))
      assert.strictEqual(number(yield* claim(coordinator)), 1)
    })
  )

  test(
    "keeps no claim from ending; it hears of the end when it is back",
    Effect.gen(function* () {
      const redis = yield* server({ persistent: true })
      const coordinator = yield* joined(redis.port)
      yield* look(coordinator, job(1))
      const held = Option.getOrThrow(yield* claim(coordinator))
      yield* Effect.sync(redis.pause)
      const [took] = yield* Effect.timed(coordinator.finish(held))
      assert.isBelow(Duration.toSeconds(took), 10)
      assert.isTrue(Option.isNone(yield* coordinator.held("A")))
      yield* Effect.sync(redis.resume)
      yield* soon(
        Effect.promise(() => redis.ask((redis) => redis.zcard(keysOf(SCOPE)[10] ?? ""))),
        (done) => done === 1
      )
      assert.isTrue(Option.isNone(yield* claim(coordinator)))
    })
  )

  test(
    "for a restart with its memory keeps claims",
    Effect.gen(function* () {
      const redis = yield* server({ lines: ["appendfsync always"], persistent: true })
      const coordinator = yield* joined(redis.port)
      yield* look(coordinator, job(1), job(2))
      const held = Option.getOrThrow(yield* claim(coordinator))
      yield* Effect.promise(redis.kill)
      yield* Effect.promise(redis.launch)
      yield* soon(coordinator.owns(held), (owns) => owns === "yes")
      assert.strictEqual(number(yield* claim(coordinator, "B")), 2)
    })
  )

  test(
    "and comes back empty hears what hosts run, before another host can claim it",
    Effect.gen(function* () {
      const redis = yield* server()
      const owner = yield* joined(redis.port)
      const other = yield* joined(redis.port, { name: "mac-2" })
      yield* look(owner, job(1), job(2))
      const held = Option.getOrThrow(yield* claim(owner))
      yield* Effect.promise(redis.kill)
      yield* Effect.promise(redis.launch)
      yield* soon(look(other, job(1), job(2)), () => true)
      assert.isTrue(Option.isNone(yield* claim(other)))
      yield* soon(owner.owns(held), (owns) => owns === "yes")
      // the other job can be had when all had their time to speak
      yield* soon(claim(other), Option.isSome)
      assert.strictEqual(number(yield* claim(other)), 2)
      assert.isTrue(Option.isNone(yield* claim(other, "B")))
    })
  )

  test(
    "was emptied while it ran, and then the same",
    Effect.gen(function* () {
      const redis = yield* server()
      const owner = yield* joined(redis.port)
      yield* look(owner, job(1))
      const held = Option.getOrThrow(yield* claim(owner))
      yield* flushed(redis)
      yield* soon(owner.owns(held), (owns) => owns === "yes")
      yield* owner.finish(held)
      yield* look(owner, job(1))
      assert.deepStrictEqual(yield* owner.waiting(SCOPE, "A"), [])
    })
  )

  test(
    "forgot its scripts is given them again",
    Effect.gen(function* () {
      const redis = yield* server()
      const coordinator = yield* joined(redis.port)
      yield* Effect.promise(() => redis.ask((redis) => redis.script("FLUSH")))
      yield* look(coordinator, job(1))
      assert.strictEqual(number(yield* claim(coordinator)), 1)
    })
  )

  test(
    "pauses: a claim that was answered late is no second claim",
    Effect.gen(function* () {
      const redis = yield* server()
      const coordinator = yield* joined(redis.port)
      yield* look(coordinator, job(1), job(2), job(3))
      yield* Effect.promise(() => redis.ask((redis) => redis.call("CLIENT", "PAUSE", "3000", "ALL")))
      assert.strictEqual(number(yield* claim(coordinator)), 1)
      assert.strictEqual(number(yield* claim(coordinator, "B")), 2)
    })
  )

  test(
    "pauses for longer than a lease: a claim stays with its owner, and no other host gets it",
    Effect.gen(function* () {
      const redis = yield* server()
      const owner = yield* joined(redis.port)
      const other = yield* joined(redis.port, { name: "mac-2" })
      yield* look(owner, job(1), job(2))
      const held = Option.getOrThrow(yield* claim(owner))
      const silence = Duration.times(QUICK.lease, 4)
      yield* Effect.promise(() =>
        redis.ask((redis) => redis.call("CLIENT", "PAUSE", Duration.toMillis(silence), "ALL"))
      )
      assert.include((yield* Effect.flip(claim(other))).message, "does not answer")
      yield* soon(claim(other), Option.isSome)
      assert.strictEqual(number(yield* claim(other)), 2)
      yield* soon(owner.owns(held), (owns) => owns === "yes")
    })
  )

  test(
    "answered a claim in vain: a host that asks for no more gives that job back at once, and not at the end of a lease",
    Effect.gen(function* () {
      const redis = yield* server()
      const proxy = yield* scoped(() => startProxy(() => redis.port))
      const slow: MemberOptions["rhythm"] = { beat: Duration.millis(300), lease: Duration.minutes(5) }
      const owner = yield* joined(proxy.port, { rhythm: slow })
      const other = yield* joined(redis.port, { name: "mac-2", rhythm: slow })
      // the store has the script of a claim
      assert.isTrue(Option.isNone(yield* claim(owner)))
      yield* look(owner, job(1))
      // it hears the claim; its answer comes to a host that has given it up
      proxy.deafen()
      yield* Effect.flip(claim(owner))
      assert.isTrue(Option.isNone(yield* claim(other)))
      proxy.heal()
      yield* soon(claim(other), (it) => number(it) === 1)
    })
  )

  test(
    "does not answer for long is given up within seconds, and asked again when it does",
    Effect.gen(function* () {
      const redis = yield* server()
      const coordinator = yield* joined(redis.port)
      yield* look(coordinator, job(1))
      yield* Effect.sync(redis.pause)
      const [took, error] = yield* Effect.timed(Effect.flip(claim(coordinator)))
      assert.isBelow(Duration.toSeconds(took), 10)
      assert.include(error.message, "does not answer")
      yield* Effect.sync(redis.resume)
      yield* soon(claim(coordinator), (it) => number(it) === 1)
    })
  )
})

describe.concurrent("a way to the store", () => {
  test(
    "that goes dead without a word is given up, and both connections are opened again",
    Effect.gen(function* () {
      const redis = yield* server()
      const proxy = yield* scoped(() => startProxy(() => redis.port))
      const far = yield* joined(proxy.port)
      const near = yield* joined(redis.port, { name: "mac-2" })
      proxy.stall()
      yield* Effect.flip(claim(far))
      proxy.heal()
      // what was lost on the way may have left its connections out of step: they must come to themselves
      yield* soon(far.waiting(SCOPE, "A"), () => true)
      const woken = yield* Effect.fork(far.woken("A"))
      yield* soon(look(near, job(1)), () => woken.unsafePoll() !== null)
      yield* soon(claim(far), (it) => number(it) === 1)
    })
  )

  test(
    "that is cut for one host ends its lease; the others go on with what the CI still calls queued",
    Effect.gen(function* () {
      const redis = yield* server()
      const proxy = yield* scoped(() => startProxy(() => redis.port))
      const far = yield* joined(proxy.port)
      const near = yield* joined(redis.port, { name: "mac-2" })
      yield* look(near, job(1))
      const lost = Option.getOrThrow(yield* claim(far))
      proxy.cut()
      const got = yield* soon(Effect.zipRight(look(near, job(1)), claim(near)), Option.isSome)
      const taken = Option.getOrThrow(got)
      assert.isAbove(taken.epoch, lost.epoch)
      proxy.heal()
      yield* soon(far.owns(lost), (owns) => owns === "no")
      // a late word of the one who lost it changes nothing
      yield* far.finish(lost)
      assert.strictEqual(yield* near.owns(taken), "yes")
    })
  )
})

describe.concurrent("a store that is not fit", () => {
  const refusal = (database: ReturnType<typeof databaseAt>) =>
    Effect.flatMap(member(database, { name: "mac-1" }), (coordinator) =>
      // a server that has no time to answer now is asked again
      Effect.repeat(Effect.flip(coordinator.join(SCOPE, TERMS)), {
        until: ({ message }) => !message.includes("does not answer"),
        times: 10
      })
    )

  test(
    "because it would drop keys is refused, with the command that mends it",
    Effect.gen(function* () {
      const redis = yield* server({ lines: ["maxmemory 100mb", "maxmemory-policy allkeys-lru"] })
      const coordinator = yield* host(redis.port)
      const error = yield* Effect.flip(coordinator.join(SCOPE, TERMS))
      assert.strictEqual(error.reason, "Refused")
      assert.include(error.message, "config set maxmemory-policy noeviction")
      yield* Effect.promise(() => redis.ask((redis) => redis.config("SET", "maxmemory-policy", "noeviction")))
      yield* coordinator.join(SCOPE, TERMS)
    })
  )

  test(
    "because it is too old is refused",
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        fitness("Redis at h:1", "# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\n")
      )
      assert.include(error.message, "is version 6.2.14: upgrade it to 7.0 or later")
      yield* fitness("Redis at h:1", "redis_version:7.4.0\r\nmaxmemory_policy:noeviction\r\n")
    })
  )

  test(
    "because its memory is full takes in nothing new, and lets what runs end",
    Effect.gen(function* () {
      const redis = yield* server()
      const coordinator = yield* joined(redis.port)
      yield* look(coordinator, job(1), job(2))
      const one = Option.getOrThrow(yield* claim(coordinator))
      const two = Option.getOrThrow(yield* claim(coordinator, "B"))
      yield* Effect.promise(() => redis.ask((redis) => redis.config("SET", "maxmemory", "1mb")))
      const error = yield* Effect.flip(look(coordinator, job(3)))
      assert.include(error.message, "is out of memory: raise its maxmemory")
      assert.strictEqual(yield* coordinator.owns(one), "yes")
      yield* coordinator.finish(one)
      yield* coordinator.release(two, { reason: "test", after: 0, charged: false })
      assert.deepStrictEqual(
        yield* Effect.promise(() => redis.ask((redis) => redis.hgetall(keysOf(SCOPE)[7] ?? ""))),
        {}
      )
    })
  )

  test(
    "because it has fewer replicas than it wants takes in nothing new, and says so; with them it does",
    Effect.gen(function* () {
      const redis = yield* server()
      const coordinator = yield* joined(redis.port)
      yield* Effect.promise(() => redis.ask((redis) => redis.config("SET", "min-replicas-to-write", "1")))
      const error = yield* Effect.flip(look(coordinator, job(1)))
      assert.strictEqual(error.reason, "Unavailable")
      assert.include(error.message, "fewer replicas than its min-replicas-to-write")
      yield* scoped(() => start({ lines: [`replicaof 127.0.0.1 ${redis.port}`, "repl-diskless-sync-delay 0"] }))
      yield* soon(look(coordinator, job(1)), () => true)
      assert.strictEqual(number(yield* claim(coordinator)), 1)
    })
  )

  test(
    "because it has no such database is refused, and no other one is used in its place",
    Effect.gen(function* () {
      const redis = yield* server({ lines: ["databases 2"] })
      const error = yield* refusal(databaseAt(redis.port, { database: 5 }))
      assert.include(error.message, "has no database of this number: check `database.database`")
      assert.strictEqual(yield* Effect.promise(() => redis.ask((redis) => redis.dbsize())), 0)
      yield* Effect.flatMap(member(databaseAt(redis.port, { database: 1 }), { name: "mac-1" }), (coordinator) =>
        coordinator.join(SCOPE, TERMS)
      )
      assert.strictEqual(yield* Effect.promise(() => redis.ask((redis) => redis.dbsize())), 0)
    })
  )

  test(
    "because it is no cluster, or no sentinel knows the master, is named as what it is",
    Effect.gen(function* () {
      const redis = yield* server()
      const single = yield* refusal(databaseAt(redis.port, { kind: "cluster" }))
      assert.include(single.message, "is no cluster: leave `cluster` out")
      const sentinel = yield* server({ sentinel: true })
      const unknown = yield* refusal(databaseAt(sentinel.port, { kind: "sentinel", master: "nobody" }))
      assert.include(unknown.message, "no sentinel answers, or none knows that master; check `database.sentinel`")
    })
  )

  test(
    "because it is a replica is named as one",
    Effect.gen(function* () {
      const master = yield* server()
      const replica = yield* server({ lines: [`replicaof 127.0.0.1 ${master.port}`] })
      const error = yield* refusal(databaseAt(replica.port))
      assert.include(error.message, "is a read-only replica")
    })
  )

  test(
    "for this user or password is refused, and names neither",
    Effect.gen(function* () {
      const redis = yield* server({
        password: "canary-default",
        lines: [
          "user nobody on >canary-nobody ~other:* +@all",
          "user anklet on >canary-anklet ~anklet:* &anklet:* +@all -@admin -@dangerous"
        ]
      })
      const wrong = yield* refusal(databaseAt(redis.port, { password: secret("canary-wrong") }))
      const none = yield* refusal(databaseAt(redis.port))
      const weak = yield* refusal(databaseAt(redis.port, { user: "nobody", password: secret("canary-nobody") }))
      assert.include(wrong.message, "refuses the sign-in: check `database.user` and `database.password`")
      assert.include(none.message, "refuses the sign-in")
      assert.include(weak.message, "does not let this user do all it must")
      for (const { message } of [wrong, none, weak]) assert.notInclude(message, "canary")
      // a user without dangerous commands is enough
      const database = databaseAt(redis.port, { user: "anklet", password: secret("canary-anklet") })
      const coordinator = yield* member(database, { name: "mac-1", rhythm: QUICK })
      yield* coordinator.join(SCOPE, TERMS)
      yield* look(coordinator, job(1))
      assert.strictEqual(number(yield* claim(coordinator)), 1)
    })
  )

  test(
    "because its certificate is not trusted is refused; with its authority it is not",
    Effect.gen(function* () {
      const path = yield* Effect.acquireRelease(Effect.sync(folder), (path) =>
        Effect.sync(() => rmSync(path, { recursive: true }))
      )
      const tls = certificates(path)
      const redis = yield* server({ tls })
      const plain = yield* server()
      const untrusted = yield* refusal(databaseAt(redis.port, { tls: true }))
      assert.strictEqual(untrusted.reason, "Refused")
      assert.include(untrusted.message, "give its authority's file as `database.ca`")
      const mistaken = yield* refusal(databaseAt(plain.port, { tls: true }))
      assert.include(mistaken.message, "TLS")
      for (const trust of [{ ca: Option.some(readFileSync(tls.ca, "utf8")) }, { insecure: true }]) {
        const coordinator = yield* member(databaseAt(redis.port, { tls: true, ...trust }), { name: "mac-1" })
        yield* coordinator.join(SCOPE, TERMS)
      }
    })
  )
})

describe.concurrent("hosts that must not work together", () => {
  test(
    "register runners at different levels: the later one is refused, and told who the other is",
    Effect.gen(function* () {
      const redis = yield* server()
      yield* joined(redis.port)
      const other = yield* host(redis.port, { name: "mac-2" })
      const error = yield* Effect.flip(other.join(SCOPE, "registration: org"))
      assert.strictEqual(error.reason, "Refused")
      assert.include(error.message, "registration: org here and with registration: repo by mac-1")
      // nor may services of one host differ: their jobs are other hosts' jobs, too
      const mine = yield* joined(redis.port, { name: "mac-3" })
      assert.include(
        (yield* Effect.flip(mine.join(SCOPE, "registration: org"))).message,
        "another service of this host"
      )
    })
  )

  test(
    "have one identity: while one lives, the other is refused with a remedy",
    Effect.gen(function* () {
      const redis = yield* server()
      yield* joined(redis.port)
      const copy = yield* host(redis.port, { boot: "another", rivalLives: true })
      const error = yield* Effect.flip(copy.join(SCOPE, TERMS))
      assert.strictEqual(error.reason, "Refused")
      assert.include(error.message, "another daemon has this host's identity: the other one; stop one")
    })
  )

  test(
    "are lives of one host: the new one takes over at once, with the claims of its ledger",
    Effect.gen(function* () {
      const redis = yield* server()
      const ledger = FakeLedger.make()
      // it finds that its successor lives, and does not take its place back
      const before = yield* joined(redis.port, { ledger, rivalLives: true })
      yield* look(before, job(1), job(2))
      const held = yield* claim(before)
      const after = yield* joined(redis.port, { ledger, boot: "second" })
      assert.deepStrictEqual(yield* after.held("A"), held)
      assert.strictEqual(yield* after.owns(Option.getOrThrow(held)), "yes")
      assert.strictEqual(number(yield* claim(after, "B")), 2)
    })
  )
})

describe.concurrent("a rate limit", () => {
  test(
    "that refuses one host is heard by all that sign in alike, and by those that come later",
    Effect.gen(function* () {
      const redis = yield* server()
      const heard: Array<string> = []
      const hostWith = (name: string) =>
        Effect.gen(function* () {
          const context = yield* Layer.build(SharedRateLimit.layer)
          const rateLimit = Context.get(context, SharedRateLimit)
          const own = yield* rateLimit.join("token-1", (ms) =>
            Effect.sync(() => void heard.push(`${name} ${ms > 50_000}`))
          )
          yield* rateLimit.join("token-2", () => Effect.sync(() => void heard.push(`${name} of another credential`)))
          yield* joined(redis.port, { name, rateLimit: Layer.succeed(SharedRateLimit, rateLimit) })
          return own
        })
      const first = yield* hostWith("mac-1")
      yield* hostWith("mac-2")
      yield* soon(
        Effect.zipRight(
          first.publish(60_000),
          Effect.sync(() => heard)
        ),
        (heard) => heard.includes("mac-2 true")
      )
      yield* hostWith("mac-3")
      yield* soon(
        Effect.sync(() => heard),
        (heard) => heard.includes("mac-3 true")
      )
      assert.isFalse(heard.some((line) => line.includes("another")))
    })
  )
})

describe.concurrent("a failover", () => {
  test(
    "that loses a claim: its owner says so, and keeps it",
    Effect.gen(function* () {
      const { master, replica, sentinels } = yield* scoped(startSentinels)
      const database = databaseAt(sentinels[0]?.port ?? 0, { kind: "sentinel", master: "anklet" })
      const owner = yield* member(database, { name: "mac-1", rhythm: { ...QUICK, lease: Duration.seconds(30) } })
      const other = yield* member(database, { name: "mac-2", rhythm: { ...QUICK, lease: Duration.seconds(30) } })
      yield* owner.join(SCOPE, TERMS)
      yield* other.join(SCOPE, TERMS)
      yield* look(owner, job(1), job(2))
      yield* soon(
        Effect.promise(() => replica.ask((redis) => redis.call("HLEN", keysOf(SCOPE)[4] ?? ""))),
        (jobs) => Number(jobs) === 2
      )
      // the replica hears nothing of the claim, and becomes the master
      replica.pause()
      const held = Option.getOrThrow(yield* claim(owner))
      yield* Effect.promise(master.kill)
      replica.resume()
      yield* soon(owner.owns(held), (owns) => owns === "yes")
      yield* soon(claim(other), Option.isSome)
      assert.strictEqual(number(yield* claim(other)), 2)
    })
  )
})

describe("a cluster", () => {
  test(
    "whose slot is moved, and whose master dies, under load: every job is claimed and ends",
    Effect.gen(function* () {
      const cluster = yield* scoped(startCluster)
      const database = databaseAt(cluster.nodes[0]?.port ?? 0, { kind: "cluster" })
      const hosts = yield* Effect.forEach(["mac-1", "mac-2", "mac-3"], (name) =>
        member(database, { name, rhythm: QUICK })
      )
      for (const coordinator of hosts) yield* soon(coordinator.join(SCOPE, TERMS), () => true)
      const claims = new Map<number, number>()
      const work = (jobs: ReadonlyArray<JobRequest>) =>
        Effect.forEach(
          hosts,
          (coordinator) =>
            Effect.gen(function* () {
              while (jobs.some(({ createdAt }) => !claims.has(createdAt))) {
                const left = jobs.filter(({ createdAt }) => !claims.has(createdAt))
                const found = yield* Effect.option(Effect.zipRight(look(coordinator, ...left), claim(coordinator)))
                const held = Option.flatten(found)
                if (Option.isNone(held)) continue
                const { createdAt } = held.value.job
                claims.set(createdAt, (claims.get(createdAt) ?? 0) + 1)
                yield* coordinator.finish(held.value)
              }
            }),
          { concurrency: 3 }
        )
      const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => job(from + n))
      const key = keysOf(SCOPE)[0] ?? ""
      const owned = yield* Effect.promise(() => cluster.ownerOf(key))
      const elsewhere = (yield* Effect.promise(cluster.masters)).find(({ port }) => port !== owned.port)
      const mistaken = yield* member(databaseAt(elsewhere?.port ?? 0), { name: "mac-4" })
      assert.include((yield* Effect.flip(mistaken.join(SCOPE, TERMS))).message, "write `cluster: true`")

      // a moved slot loses nothing: each job exactly once
      const [{ from, to }] = yield* Effect.all([Effect.promise(() => cluster.move(key)), work(numbered(0, 150))], {
        concurrency: 2
      })
      assert.notStrictEqual(from, to)
      assert.deepStrictEqual(new Set(claims.values()), new Set([1]))

      // a dead master may take its last words along
      const owner = yield* Effect.promise(() => cluster.ownerOf(key))
      yield* Effect.all([Effect.promise(owner.kill), work(numbered(150, 300))], { concurrency: 2 })
      assert.strictEqual(claims.size, 300)
    })
  )
})
