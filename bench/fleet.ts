/** What sharing a Redis costs, printed as one table: `npm run bench:fleet`. Needs `redis-server`. */
import { cpus, totalmem, type } from "node:os"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Redis } from "ioredis"
import { JobKey, JobRequest, type Scope, Template } from "../src/domain/Job.ts"
import { classOf } from "../src/services/Coordinator/order.ts"
import type { Command } from "../src/services/Coordinator/protocol.ts"
import { argumentsOf, compile, KEYS, keysOf } from "../src/services/Coordinator/redis/scripts.ts"
import { poll } from "../test/fakes/polling.ts"
import { databaseAt, member, SCOPE } from "../test/store/member.ts"
import { start } from "../test/store/server.ts"
import { make as makeFleet } from "../test/whole/fleet.ts"
import { columns } from "./table.ts"

const rows = {
  all: [] as ReadonlyArray<string>[],
  push(row: ReadonlyArray<string>) {
    process.stderr.write(`${row.join("  ")}\n`)
    this.all.push(row)
  }
}
const server = await start()
const at = (values: ReadonlyArray<number>, share: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
const ms = (value: number) => `${value.toFixed(1)} ms`
const wait = (time: number) => new Promise((resolve) => setTimeout(resolve, time))

/** Recent enough that GitHub would not have given the job up. */
const START = Date.now() - 3_600_000

const job = (n: number, template = "t") =>
  JobRequest.make({
    key: JobKey.make(`github:o/r/${n}`),
    scope: SCOPE,
    name: `job ${n}`,
    template: Template.make({ id: template, tag: Option.some("v1") }),
    createdAt: START + n,
    fields: { jobURL: `https://github.com/o/r/actions/runs/1/job/${n}`, workflowName: "CI" },
    detail: { owner: "o", repo: "r", id: n }
  })

/** Time from adding a job to the store to its claim by an idle host, with this many hosts waiting. */
const pickUp = (hosts: number, jobs: number) =>
  Effect.gen(function* () {
    yield* Effect.promise(() => server.ask((redis) => redis.flushall()))
    const classes = [classOf(job(0))]
    const told = new Map<string, number>()
    const took: Array<number> = []
    let asked = 0
    const members = yield* Effect.forEach(
      Array.from({ length: hosts }, (_, n) => `mac-${n}`),
      (name) => Effect.tap(member(databaseAt(server.port), { name, services: ["A"] }), (it) => it.join(SCOPE, "repo")),
      { concurrency: 20 }
    )
    const work = Effect.forEach(
      members,
      (coordinator) =>
        Effect.gen(function* () {
          // a pass: what waits, claim, end; then wait to be woken
          const waiting = yield* coordinator.waiting(SCOPE, "A")
          if (waiting.length > 0) {
            asked++
            const claim = yield* coordinator.claim(SCOPE, "A", classes)
            if (Option.isSome(claim)) {
              took.push(performance.now() - (told.get(claim.value.job.key) ?? 0))
              yield* coordinator.finish(claim.value)
            }
          }
          yield* coordinator.woken("A")
        }).pipe(Effect.ignore, Effect.forever),
      { concurrency: "unbounded" }
    )
    const working = yield* Effect.fork(work)
    yield* Effect.sleep("2 seconds")
    const poller = yield* member(databaseAt(server.port), { name: "poller", services: ["P"] })
    yield* poller.join(SCOPE, "repo")
    for (let n = 0; n < jobs; n++) {
      const next = job(n)
      const look = Effect.sync(() => {
        told.set(next.key, performance.now())
        return { jobs: [next] }
      })
      yield* poll(poller, SCOPE, { service: "P", every: Duration.zero, look })
      yield* Effect.sleep("20 millis")
    }
    while (took.length < jobs) yield* Effect.sleep("20 millis")
    yield* Fiber.interrupt(working)
    rows.push([
      `told to claimed, ${hosts} idle hosts, a job every 20 ms: median / 99th of 100`,
      `${ms(at(took, 0.5))} / ${ms(at(took, 0.99))}`,
      `${(asked / jobs).toFixed(2)} claim calls per job`
    ])
  }).pipe(Effect.scoped)

const scripts = compile()
const caller = { host: "bench", life: "1", generation: "g" }
const send = (redis: Redis | ReturnType<Redis["pipeline"]>, command: Command) =>
  redis.evalsha(scripts[command._tag].sha, KEYS.length, ...keysOf(SCOPE), ...argumentsOf(command))

/** Cost of one claim for Redis, by its own count, with this many queued jobs in this many classes. */
const claimCost = async (queued: number, classes: number) => {
  await server.ask(async (redis) => {
    await redis.flushall()
    for (const { text } of Object.values(scripts)) await redis.script("LOAD", text)
    const first = { info: "bench", terms: "", lease: 600_000, knewGeneration: false, replaces: "" }
    await send(redis, { _tag: "Hello", ...caller, ...first })
    await send(redis, { _tag: "Poll", ...caller, every: 0 })
    for (let from = 0; from < queued; from += 500) {
      const jobs = Array.from({ length: Math.min(500, queued - from) }, (_, n) =>
        job(from + n, `t${(from + n) % classes}`)
      )
      await send(redis, {
        _tag: "Ingest",
        ...caller,
        fence: 1,
        last: false,
        jobs: jobs.map((job) => ({ key: job.key, request: Option.some(job) }))
      })
    }
    const offered = Array.from({ length: classes }, (_, n) => classOf(job(0, `t${n}`)))
    const times = Math.min(queued, 500)
    await redis.config("RESETSTAT")
    const pipeline = redis.pipeline()
    for (let n = 0; n < times; n++) {
      send(pipeline, { _tag: "Claim", ...caller, service: `s${n}`, classes: offered, lease: 600_000 })
    }
    await pipeline.exec()
    const [, cost] = (await redis.info("commandstats")).match(/cmdstat_evalsha:.*usec_per_call=([\d.]+)/) ?? []
    rows.push([`one claim in Redis, ${queued} jobs queued in ${classes} classes`, `${Number(cost).toFixed(0)} µs`, ""])
  })
}

/** Real daemons that find nothing to do, for half a minute. */
const idle = async (macs: number, seconds: number) => {
  await server.ask((redis) => redis.flushall())
  const fleet = await makeFleet({
    macs,
    database: () => ["url: 127.0.0.1", `port: ${server.port}`],
    interval: 10
  })
  for (let n = 0; n < macs; n += 4) await Promise.all(fleet.macs.slice(n, n + 4).map((mac) => mac.start()))
  await wait(12_000)
  const count = () =>
    server.ask(async (redis) => {
      const said = await redis.info("all")
      const field = (key: string) => Number(said.match(new RegExp(`^${key}:(\\d+)`, "m"))?.[1] ?? 0)
      return { commands: field("total_commands_processed"), clients: field("connected_clients") }
    })
  const before = await count()
  const requests = fleet.github.log.length
  await wait(seconds * 1000)
  const after = await count()
  const asked = fleet.github.log.length - requests
  await Promise.all(fleet.macs.map((mac) => mac.anklet("-s", "stop")))
  await fleet.close()
  rows.push([
    `${macs} idle hosts with 2 services at 10 s: commands per second and host (calls within scripts included)`,
    ((after.commands - before.commands) / seconds / macs).toFixed(1),
    `${((after.clients - 1) / macs).toFixed(1)} connections per host`
  ])
  rows.push([
    `${macs} idle hosts on one repository: GitHub requests per hour`,
    ((asked / seconds) * 3600).toFixed(0),
    ""
  ])
}

/** Number of polls by all hosts together, with this many hosts that ask every second. */
const looks = (hosts: number, seconds: number) =>
  Effect.gen(function* () {
    yield* Effect.promise(() => server.ask((redis) => redis.flushall()))
    let looked = 0
    const look = Effect.sync(() => {
      looked++
      return { jobs: [] }
    })
    const members = yield* Effect.forEach(
      Array.from({ length: hosts }, (_, n) => `mac-${n}`),
      (name) => Effect.tap(member(databaseAt(server.port), { name, services: ["A"] }), (it) => it.join(SCOPE, "repo")),
      { concurrency: 20 }
    )
    const working = yield* Effect.fork(
      Effect.forEach(
        members,
        (coordinator) =>
          poll(coordinator, SCOPE, { service: "A", every: Duration.seconds(1), look }).pipe(
            Effect.ignore,
            Effect.zipRight(Effect.sleep("1 second")),
            Effect.forever
          ),
        { concurrency: "unbounded" }
      )
    )
    yield* Effect.sleep("1 second")
    looked = 0
    yield* Effect.sleep(Duration.seconds(seconds))
    const counted = looked
    yield* Fiber.interrupt(working)
    rows.push([`looks per minute at an interval of 1 s, ${hosts} hosts`, ((counted / seconds) * 60).toFixed(0), ""])
  }).pipe(Effect.scoped)

const scope: Scope = SCOPE
for (const hosts of [1, 10, 100, 1000]) await Effect.runPromise(pickUp(hosts, 100))
for (const queued of [10, 1000, 100_000]) for (const classes of [1, 8, 64]) await claimCost(queued, classes)
for (const hosts of [1, 10, 100]) await Effect.runPromise(looks(hosts, 10))
for (const macs of [1, 10, 100]) await idle(macs, 30)
await server.close()

columns([`figure (${scope})`, "measured", ""], rows.all)
process.stdout.write(
  `${type()}, ${cpus().length} cores (${cpus()[0]?.model}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}; Redis and all hosts on this one machine\n`
)
process.exit(0)
