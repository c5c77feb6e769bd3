/** Hostile and ill-formed values at each entrance, beside a good one: the good one comes through, and nothing throws. */
import { mkdtempSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { text } from "../../src/control/Answer.ts"
import { serve } from "../../src/control/Server.ts"
import { clean } from "../../src/job/LastWords.ts"
import { RUNNER } from "../../src/plugins/github/program.ts"
import { sort } from "../../src/plugins/github/request.ts"
import { parse } from "../../src/services/Anka/envelope.ts"
import * as schemas from "../../src/services/Anka/schemas.ts"
import { classOf, templateIn } from "../../src/services/Coordinator/order.ts"
import { KEYS, keysOf } from "../../src/services/Coordinator/redis/scripts.ts"
import { toJob } from "../../src/services/GitHub/look.ts"
import * as github from "../../src/services/GitHub/schemas.ts"
import * as HostStatus from "../../src/services/HostStatus.ts"
import { NodeContext } from "../fakes/platform.ts"
import { poll } from "../fakes/polling.ts"
import * as World from "../fakes/world.ts"
import { level, repo, use } from "../services/GitHub/use.ts"
import { databaseAt, job, member, SCOPE } from "../store/member.ts"
import { type RedisServer, start } from "../store/server.ts"
import { hostile } from "./hostile.ts"
import { anything } from "./text.ts"

const json = { "content-type": "application/json" }
/** Any text, number or tree, and values that are known to cause trouble. */
const value: FastCheck.Arbitrary<unknown> = FastCheck.oneof(
  hostile,
  FastCheck.string16bits(),
  FastCheck.constantFrom<unknown>(
    null,
    -1,
    0,
    1.5,
    2 ** 53,
    1e300,
    "\ud800",
    "anka-template:\ud800x",
    "anka-template:../../x",
    "x".repeat(3000),
    "9999999-01-01T00:00:00Z",
    "-271821-04-20T00:00:00Z",
    "__proto__",
    "[".repeat(100)
  ),
  FastCheck.jsonValue()
)
/** A value with these keys, each of them valid, missing, or anything. */
const like = (good: Record<string, unknown>): FastCheck.Arbitrary<unknown> =>
  FastCheck.oneof(
    FastCheck.record(
      Object.fromEntries(
        Object.entries(good).map(([key, right]) => [
          key,
          FastCheck.oneof({ weight: 6, arbitrary: FastCheck.constant(right) }, { weight: 1, arbitrary: value })
        ])
      ),
      { requiredKeys: Object.keys(good).slice(0, 2) }
    ),
    value
  )
/** A list of such values, with the good one somewhere in it. */
const beside = (good: Record<string, unknown>, bad = good): FastCheck.Arbitrary<ReadonlyArray<unknown>> =>
  FastCheck.tuple(FastCheck.array(like(bad), { maxLength: 8 }), FastCheck.nat({ max: 8 })).map(([list, at]) => [
    ...list.slice(0, at),
    good,
    ...list.slice(at)
  ])

const GOOD = {
  id: 77,
  run_id: 7,
  run_attempt: 1,
  name: "good",
  workflow_name: "CI",
  html_url: "https://github.com/o/r/actions/runs/7/job/77",
  status: "queued",
  labels: ["self-hosted", "anka-template:template", "anka-template-tag:v1", "7-0"],
  created_at: "2026-01-01T00:00:00Z"
}
const RUN = { id: 7, name: "CI", display_title: "a run", status: "queued", conclusion: null, run_attempt: 1 }
const BAD = { ...GOOD, id: 78, labels: ["anka-template:template", "7-1"] }

/** An odd list takes longer than this only if something hangs. */
const PATIENCE = { timeout: 240_000 }

describe("at GitHub's lists", () => {
  it("a good job is seen, and can be claimed, among any other jobs and runs", PATIENCE, async () => {
    await FastCheck.assert(
      FastCheck.asyncProperty(beside(GOOD, BAD), beside(RUN, { ...RUN, id: 8 }), async (jobs, runs) => {
        await Effect.runPromise(
          use((client, { faults }) =>
            Effect.gen(function* () {
              faults.push({
                path: "runs/7/jobs",
                times: 99,
                answer: { status: 200, headers: json, body: JSON.stringify({ jobs }) }
              })
              faults.push({
                path: /runs\/\d+\/jobs/,
                times: 99,
                answer: { status: 200, headers: json, body: '{"jobs":[]}' }
              })
              faults.push({
                path: "actions/runs",
                times: 99,
                answer: { status: 200, headers: json, body: JSON.stringify({ workflow_runs: runs }) }
              })
              const look = yield* client.look(repo, 0)
              const { requests } = sort(SCOPE, look.jobs)
              assert.isTrue(
                requests.some(({ key }) => key === "github:77"),
                JSON.stringify({ jobs, runs })
              )
              for (const request of requests) assert.doesNotThrow(() => templateIn(classOf(request)))
              assert.isBelow(JSON.stringify(requests).length, 6000 * (requests.length + 1))
            })
          )
        )
      }),
      { numRuns: 100 }
    )
  })

  it("a good runner is known among any others", PATIENCE, async () => {
    const runner = { id: 9, name: "anklet-vm-good", status: "online", busy: true }
    await FastCheck.assert(
      FastCheck.asyncProperty(beside(runner, { ...runner, id: 10 }), async (runners) => {
        await Effect.runPromise(
          use((client, { faults }) =>
            Effect.gen(function* () {
              faults.push({
                path: "actions/runners",
                times: 9,
                answer: { status: 200, headers: json, body: JSON.stringify({ runners }) }
              })
              const found = yield* client.runners(level)
              assert.isTrue(found.some(({ id, name }) => id === 9 && name === "anklet-vm-good"))
            })
          )
        )
      }),
      { numRuns: 60 }
    )
  })

  it("a good repository is read among any others", () => {
    const repository = { id: 5, name: "r", owner: { login: "o" }, pushed_at: "2026-01-01T00:00:00Z" }
    FastCheck.assert(
      FastCheck.property(beside(repository, { ...repository, id: 6 }), (list) => {
        const { items } = Schema.decodeUnknownSync(github.Repositories)(list)
        assert.isTrue(items.some(({ id }) => id === 5))
        for (const { name, owner } of items) assert.match(`${owner.login}/${name}`, /^[\w.-]+\/[\w.-]+$/)
      }),
      { numRuns: 2000 }
    )
  })

  it("a pass runs the good job, whatever is queued beside it", PATIENCE, async () => {
    let others = 0
    await FastCheck.assert(
      FastCheck.asyncProperty(FastCheck.array(like(BAD), { maxLength: 6 }), async (list) => {
        const { items } = Schema.decodeUnknownSync(github.Jobs)({ jobs: [...list, GOOD] })
        const world = World.make()
        for (const raw of items) {
          const read = toJob({ owner: "veertuinc", repo: "anklet" }, raw, "a run")
          // the good one is the oldest, and so the first that can run
          world.github.jobs.set(read.id, { ...read, createdAt: read.id === GOOD.id ? 1 : Math.max(2, read.createdAt) })
        }
        others += world.github.jobs.size - 1
        await Effect.runPromise(
          Effect.gen(function* () {
            const fiber = yield* Effect.fork(World.pass())
            for (let second = 0; second < 200 && Option.isNone(yield* Fiber.poll(fiber)); second++) {
              yield* TestClock.adjust("1 second")
            }
            yield* Fiber.join(fiber)
          }).pipe(Effect.provide(Layer.provideMerge(World.layer(world), TestContext.TestContext)))
        )
        assert.deepStrictEqual(world.github.jobs.get(GOOD.id)?.conclusion, Option.some("success"))
      }),
      { numRuns: 60 }
    )
    assert.isAbove(others, 5)
  })
})

describe("at what `anka` prints", () => {
  it("a good VM is read among any others, and a result behind any lines", () => {
    const vm = { uuid: "d792c6f6-198c-470f-9526-9c998efe7ab4", name: "good", status: "running", version: "v1" }
    FastCheck.assert(
      FastCheck.property(beside(vm, { ...vm, name: "other" }), FastCheck.array(anything('{"p":1}')), (list, noise) => {
        const printed = [...noise, JSON.stringify({ status: "OK", body: list }), ""].join("\n")
        const { body } = Option.getOrThrow(parse(printed))
        const { items } = Schema.decodeUnknownSync(schemas.Vms)(body)
        assert.isTrue(items.some(({ name, status }) => name === "good" && status === "running"))
      }),
      { numRuns: 1000 }
    )
  })

  it("what a guest wrote is few words on one line", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.oneof(hostile, FastCheck.string16bits())), (lines) => {
        const words = clean(lines.join("\n"), RUNNER.secrets)
        assert.isAtMost(words.length, 1100)
        for (const raw of ["\n", "\r", "\u001b"]) assert.notInclude(words, raw)
      }),
      { numRuns: 500 }
    )
  })
})

describe("at the store", () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await start()
  })
  afterAll(() => server.close())
  const key = (name: (typeof KEYS)[number]) => keysOf(SCOPE)[KEYS.indexOf(name)] ?? ""
  const HASHES = ["meta", "hosts", "spec", "state", "claims", "own", "idlers", "reserved", "reservers", "said"] as const
  const SETS = ["queue", "seen", "lease", "done", "idle", "alive"] as const
  const texts = FastCheck.oneof(
    hostile,
    anything("github:o/r/1", "mac/A", "0", "t:v1 !x github:o/r/9"),
    FastCheck.string16bits()
  )
  const entries = FastCheck.array(
    FastCheck.oneof(
      FastCheck.tuple(FastCheck.constantFrom(...HASHES), texts, texts),
      FastCheck.tuple(
        FastCheck.constantFrom(...SETS),
        FastCheck.constantFrom("0", "1", "-inf", "1e300", "1700000000000"),
        texts
      )
    ),
    { maxLength: 12 }
  )

  it(
    "three good jobs are claimed within two looks, whatever else is written into the scope's keys",
    PATIENCE,
    async () => {
      const jobs = [1, 2, 3].map((n) => ({ ...job(n), createdAt: Date.now() - 60_000 + n }))
      const [first] = jobs
      await FastCheck.assert(
        FastCheck.asyncProperty(entries, async (written) => {
          await server.ask((redis) => redis.flushall())
          await Effect.runPromise(
            Effect.gen(function* () {
              const coordinator = yield* member(databaseAt(server.port), { name: "mac", services: ["A", "B", "C"] })
              const look = poll(coordinator, SCOPE, {
                service: "A",
                every: Duration.zero,
                look: Effect.succeed({ jobs })
              })
              yield* coordinator.join(SCOPE, "registration: repo")
              yield* look
              yield* Effect.promise(() =>
                server.ask(async (redis) => {
                  for (const [name, a, b] of written) {
                    if (HASHES.some((it) => it === name)) await redis.hset(key(name), a, b)
                    else await redis.zadd(key(name), a, b)
                  }
                })
              )
              for (let n = 0; n < 2; n++) {
                yield* look
                yield* coordinator.waiting(SCOPE, "A")
              }
              yield* coordinator.survey(SCOPE)
              const claims = yield* Effect.forEach(["A", "B", "C"], (service) =>
                coordinator.claim(SCOPE, service, first === undefined ? [] : [classOf(first)])
              )
              assert.deepStrictEqual(
                claims.map((claim) => Option.getOrUndefined(Option.map(claim, ({ job }) => job.key))),
                jobs.map(({ key }) => key)
              )
            }).pipe(Effect.scoped)
          )
        }),
        { numRuns: 60 }
      )
    }
  )

  it("what another host tells of itself can be shown, or is nothing", () => {
    const brief = { name: "A", doing: "Working", since: 1, why: "x", job: { name: "n", url: "u", stage: "started" } }
    const encode = Schema.encodeSync(Schema.parseJson(HostStatus.HostStatus))
    FastCheck.assert(
      FastCheck.property(
        FastCheck.oneof(
          anything(JSON.stringify({ mode: "open", services: [brief], slots: { used: 1, all: 2 } })),
          beside(brief).map((services) => JSON.stringify({ mode: "open", services }).replace(/:1,/, ":1e999,"))
        ),
        (text) => {
          const told = HostStatus.decode(text)
          if (Option.isNone(told)) return
          // what was printed can be parsed: no number in it was lost
          assert.deepStrictEqual(HostStatus.decode(encode(told.value)), told)
          const { used = 0, all = 0 } = told.value.slots ?? {}
          for (const slots of [used, all]) assert.isTrue(Number.isInteger(slots) && slots >= 0 && slots <= 1000)
          for (const { since } of told.value.services) assert.doesNotThrow(() => new Date(since).toISOString())
        }
      ),
      { numRuns: 2000 }
    )
    assert.isTrue(Option.isNone(HostStatus.decode("[".repeat(1_000_000))))
    const slotsOf = (slots: unknown) =>
      Option.map(HostStatus.decode(JSON.stringify({ mode: "open", services: [], slots })), ({ slots }) => slots)
    assert.deepStrictEqual(slotsOf({ used: 1, all: 2 }), Option.some({ used: 1, all: 2 }))
    // an older version says nothing of them; nonsense hides nothing else
    for (const nonsense of [
      undefined,
      null,
      2,
      "2",
      { used: -1, all: 2 },
      { used: 0.5, all: 2 },
      { used: 1, all: 1e9 }
    ])
      assert.deepStrictEqual(slotsOf(nonsense), Option.some(undefined))
  })
})

describe("at a control socket", () => {
  it("a good question is answered after any bytes", PATIENCE, async () => {
    const path = join(mkdtempSync(join(tmpdir(), "anklet-fuzz-")), "s.sock")
    const send = (bytes: Buffer) =>
      new Promise<string>((resolve) => {
        let said = ""
        const socket = connect(path)
        socket.on("data", (chunk) => {
          said += chunk.toString("latin1")
        })
        socket.on("error", () => resolve(said))
        socket.on("close", () => resolve(said))
        socket.end(bytes)
      })
    const line = FastCheck.tuple(
      FastCheck.oneof(FastCheck.constantFrom("GET", "POST", "CONNECT", "OPTIONS"), FastCheck.string()),
      FastCheck.oneof(
        FastCheck.webPath(),
        hostile,
        FastCheck.constantFrom("/why?job=%ff%zz", "//", "*", "http://[::", `/${"%".repeat(99)}`)
      ),
      FastCheck.oneof(
        hostile,
        FastCheck.constantFrom("Host: x", "Content-Length: 99999999", "Transfer-Encoding: chunked")
      )
    ).map(([method, target, header]) => Buffer.from(`${method} ${target} HTTP/1.1\r\n${header}\r\n\r\n`))
    const bytes = FastCheck.oneof(
      line,
      FastCheck.uint8Array({ maxLength: 300 }).map((it) => Buffer.from(it))
    )
    await Effect.runPromise(
      Effect.gen(function* () {
        yield* serve(path, ({ path, query }) => Effect.succeed(text(200, `${path} ${query.get("job")}`)))
        yield* Effect.promise(() =>
          FastCheck.assert(
            FastCheck.asyncProperty(bytes, async (bytes) => {
              await send(bytes)
              assert.include(await send(Buffer.from("GET /good?job=7 HTTP/1.0\r\n\r\n")), "/good 7")
            }),
            { numRuns: 150 }
          )
        )
      }).pipe(Effect.scoped, Effect.provide(NodeContext))
    )
  })
})
