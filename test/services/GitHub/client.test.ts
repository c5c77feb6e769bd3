import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { Fault } from "../../../src/simulator/github/server.ts"
import { level, queue, repo, SECRET, sent, use } from "./use.ts"

describe("a look", () => {
  it.live("finds all: a run in progress with queued jobs, a matrix of 60, a job on page 3 of a listing", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const { jobs } = queue(github, 60)
        github.world.complete(jobs[0]?.id ?? 0, "success")
        queue(github, 250)
        for (let n = 0; n < 120; n++) queue(github, 1)
        const look = yield* client.look(repo, 0)
        assert.strictEqual(look.jobs.filter(({ status }) => status === "queued").length, 59 + 250 + 120)
        assert.isTrue(look.jobs.some(({ name }) => name === "leg 249"))
        assert.isAbove(look.jobs[0]?.createdAt ?? 0, 1_600_000_000_000)
      })
    )
  )

  it.live("that finds nothing new costs no rate limit, and is shared by all who ask at once", () =>
    use((client, github) =>
      Effect.gen(function* () {
        queue(github, 3)
        yield* client.look(repo, 0)
        const before = github.log.length
        yield* Effect.all([client.look(repo, 0), client.look(repo, "10 seconds"), client.look(repo, "10 seconds")], {
          concurrency: 3
        })
        const second = github.log.slice(before)
        assert.isAbove(second.length, 0)
        assert.isTrue(second.every(({ cost, status }) => cost === 0 && status === 304))
        const after = github.log.length
        yield* client.look(repo, "1 minute")
        assert.strictEqual(github.log.length, after)
      })
    )
  )

  it.live("fails when no run of it can be looked at, and does not take the other callers with it when one leaves", () =>
    use((client, github) =>
      Effect.gen(function* () {
        queue(github, 1)
        queue(github, 1)
        github.faults.push({ path: "/jobs", times: 9, answer: { status: 403 } })
        assert.strictEqual((yield* Effect.flip(client.look(repo, 0))).reason, "Forbidden")
        github.faults.length = 0
        github.faults.push({ path: "/actions/runs", delay: 300 })
        const leaving = yield* Effect.fork(client.look(repo, 0))
        yield* Effect.repeat(Effect.sleep("5 millis"), { while: () => !github.log.some(({ status }) => status === 0) })
        const staying = yield* Effect.fork(client.look(repo, "10 seconds"))
        yield* Fiber.interrupt(leaving)
        assert.strictEqual((yield* Fiber.join(staying)).jobs.length, 2)
      })
    )
  )
})

describe("registering a runner", () => {
  const faults: ReadonlyArray<readonly [string, Fault, string]> = [
    ["a 500", { path: "jitconfig", times: 9, answer: { status: 500 } }, "Unavailable"],
    [
      "a 502 in HTML",
      {
        path: "jitconfig",
        times: 9,
        answer: { status: 502, headers: { "content-type": "text/html" }, body: "<html>" }
      },
      "Unavailable"
    ],
    ["a connection cut before", { path: "jitconfig", times: 9, cut: "before" }, "Unavailable"],
    ["a connection cut after", { path: "jitconfig", times: 9, cut: "after" }, "Unavailable"],
    ["half an answer", { path: "jitconfig", times: 9, half: true }, "Unavailable"],
    [
      "a web page",
      {
        path: "jitconfig",
        times: 9,
        answer: { status: 200, headers: { "content-type": "text/html" }, body: "<html>" }
      },
      "Protocol"
    ],
    ["a 409", { path: "jitconfig", times: 9, answer: { status: 409 } }, "Conflict"],
    ["a 422", { path: "jitconfig", times: 9, answer: { status: 422 } }, "Invalid"],
    [
      "a 429",
      { path: "jitconfig", times: 9, answer: { status: 429, headers: { "retry-after": "60" } } },
      "RateLimited"
    ],
    ["a 404", { path: "jitconfig", times: 9, answer: { status: 404 } }, "NotFound"]
  ]
  for (const [what, fault, reason] of faults) {
    it.live(`is sent exactly once under ${what}`, () =>
      use((client, github) =>
        Effect.gen(function* () {
          github.faults.push(fault)
          const error = yield* Effect.flip(client.createRunner(level, { name: "n", labels: ["x"] }))
          assert.strictEqual(error.reason, reason)
          assert.strictEqual(sent(github, "POST", "jitconfig").length, 1)
          assert.notInclude(error.message, SECRET)
        })
      )
    )
  }

  it.live("gives the secret redacted, and labels as they are", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const { runner, jitConfig } = yield* client.createRunner(level, { name: "n", labels: ["a b", "🍏"] })
        assert.notInclude(String(jitConfig), "ey")
        assert.deepStrictEqual(github.world.runners.get(runner.id)?.labels, ["a b", "🍏"])
      })
    )
  )
})

describe("runners", () => {
  it.live("on page 7 are found; busy ones are not removed; gone ones count as removed", () =>
    use((client, github) =>
      Effect.gen(function* () {
        for (let n = 0; n < 650; n++) github.world.register("o/r", `runner ${n}`, ["x"])
        const found = Option.getOrThrow(yield* client.runnerByName(level, "runner 649"))
        const record = github.world.runners.get(found.id)
        if (record !== undefined) record.job = 1
        assert.strictEqual((yield* Effect.flip(client.removeRunner(level, found.id))).reason, "Busy")
        if (record !== undefined) record.job = null
        yield* client.removeRunner(level, found.id)
        yield* client.removeRunner(level, found.id)
        assert.deepStrictEqual(yield* client.runner(level, found.id), Option.none())
      })
    )
  )
})

describe("what GitHub refuses", () => {
  for (const [status, reason, words] of [
    [401, "Unauthorized", "check that the token is whole and has not expired"],
    [403, "Forbidden", "it needs administration=write"],
    [404, "NotFound", "check owner, repo and the token's access"],
    [500, "Unavailable", "GitHub answers 500"]
  ] as const) {
    it.live(`with ${status} is told with the remedy, and never the token`, () =>
      use((client, github) =>
        Effect.gen(function* () {
          github.faults.push({
            path: "/actions",
            times: 9,
            answer: { status, headers: { "x-accepted-github-permissions": "administration=write" } }
          })
          const error = yield* Effect.flip(client.job("o", "r", 1))
          assert.strictEqual(error.reason, reason)
          assert.include(error.message, words)
          assert.notInclude(error.message, SECRET)
        })
      )
    )
  }

  it.live("by not being there names the host", () =>
    use(
      (client) =>
        Effect.map(Effect.flip(client.job("o", "r", 1)), (error) => {
          assert.strictEqual(error.reason, "Unavailable")
          assert.include(error.message, "127.0.0.1:1 refuses connections; check api_url")
        }),
      { url: "http://127.0.0.1:1" }
    )
  )

  it.live("by a web page in place of an API is told so", () =>
    use((client, github) =>
      Effect.gen(function* () {
        github.faults.push({
          path: "/jobs/1",
          answer: { status: 200, headers: { "content-type": "text/html" }, body: "<html>" }
        })
        const error = yield* Effect.flip(client.job("o", "r", 1))
        assert.strictEqual(error.reason, "Protocol")
        assert.include(error.message, "check that api_url is an API and not a web page")
      })
    )
  )

  it.live("for a moment is asked again, when it was only a question", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const { jobs } = queue(github, 1)
        github.faults.push({ path: "/jobs/", times: 2, cut: "before" })
        assert.strictEqual((yield* client.job("o", "r", jobs[0]?.id ?? 0)).status, "queued")
      })
    )
  )
})

describe("an interrupted request", () => {
  it.live("is gone from the wire", () =>
    use((client, github) =>
      Effect.gen(function* () {
        github.faults.push({ path: "/jobs/", silent: true })
        const fiber = yield* Effect.fork(client.job("o", "r", 1))
        yield* Effect.repeat(Effect.sleep("5 millis"), { while: () => github.log.length === 0 })
        yield* Fiber.interrupt(fiber).pipe(Effect.timeout("2 seconds"))
        assert.strictEqual(github.log.length, 1)
      })
    )
  )
})

describe("at the rate limit", () => {
  it.live("polls leave the last tenth to what cleans up", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const runner = github.world.register("o/r", "n", ["x"])
        // after seven more requests only the reserve is left
        github.limits.remaining.set(SECRET, 506)
        yield* client.look(repo, 0)
        const before = github.log.length
        const error = yield* Effect.flip(client.look(repo, 0))
        assert.strictEqual(error.reason, "RateLimited")
        assert.isAbove(error.until ?? 0, yield* Clock.currentTimeMillis)
        assert.strictEqual(github.log.length, before)
        yield* client.removeRunner(level, runner.id)
        assert.isFalse(github.world.runners.has(runner.id))
      })
    )
  )

  it.live("nothing is sent before the time that GitHub names", () =>
    use((client, github) =>
      Effect.gen(function* () {
        queue(github, 1)
        github.faults.push({
          path: "/runs",
          answer: {
            status: 403,
            headers: { "retry-after": "1" },
            body: '{"message":"You have exceeded a secondary rate limit"}'
          }
        })
        assert.strictEqual((yield* Effect.flip(client.look(repo, 0))).reason, "RateLimited")
        const refused = github.log.at(-1)?.at ?? 0
        const look = yield* Effect.retry(client.look(repo, 0), Schedule.spaced("50 millis"))
        assert.strictEqual(look.jobs.length, 1)
        assert.isAtLeast((github.log.find(({ at }) => at > refused)?.at ?? 0) - refused, 990)
      })
    )
  )

  for (const [what, answer] of [
    ["for three hours", { status: 403, headers: { "retry-after": "10800" } }],
    [
      "by its older name, without a header",
      { status: 403, body: '{"message":"You have triggered an abuse detection mechanism."}' }
    ],
    [
      "by a web page",
      { status: 429, headers: { "content-type": "text/html" }, body: "<html>Too many requests</html>" }
    ],
    ["by a server that is busy", { status: 503, headers: { "retry-after": "900" } }]
  ] as const) {
    it.live(`refused ${what}, one request is sent, and the next one is for later`, () =>
      use((client, github) =>
        Effect.gen(function* () {
          github.faults.push({ path: "/", times: 99, answer })
          for (let n = 0; n < 3; n++) {
            const error = yield* Effect.flip(client.look(repo, 0))
            assert.strictEqual(error.reason, "RateLimited", error.message)
            const wait = (error.until ?? 0) - (yield* Clock.currentTimeMillis)
            assert.isAbove(wait, 50_000)
            assert.isAtMost(wait, 3_600_000)
          }
          assert.lengthOf(github.log, 1)
        })
      )
    )
  }
})

describe("a credential", () => {
  it.live("is asked after, free of charge, until GitHub has taken it once, and again after each refusal", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const asked = () => sent(github, "GET", "/rate_limit").length
        yield* client.admitted
        yield* client.admitted
        assert.strictEqual(asked(), 1)
        github.faults.push({ path: "/actions/runs", times: 1, answer: { status: 401 } })
        assert.strictEqual((yield* Effect.flip(client.look(repo, 0))).reason, "Unauthorized")
        github.faults.push({ path: "/rate_limit", times: 2, answer: { status: 401 } })
        for (const time of ["first", "second"]) {
          assert.strictEqual((yield* Effect.flip(client.admitted)).reason, "Unauthorized", time)
        }
        yield* client.admitted
        yield* client.admitted
        assert.strictEqual(asked(), 4)
        assert.isTrue(sent(github, "GET", "/rate_limit").every(({ cost }) => cost === 0))
      })
    )
  )

  it.live("is taken also where another word than yes is said of what was asked, and by a server without limits", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const refusal = JSON.stringify({ message: "Not Found" })
        github.faults.push({ path: "/rate_limit", times: 1, answer: { status: 404, body: refusal } })
        yield* client.admitted
        yield* client.admitted
        assert.strictEqual(sent(github, "GET", "/rate_limit").length, 1)
        // an outage says nothing about it
        github.faults.push({ path: "/actions/jobs", times: 9, answer: { status: 502, body: "" } })
        assert.strictEqual((yield* Effect.flip(client.job("o", "r", 1))).reason, "Unavailable")
        yield* client.admitted
        assert.strictEqual(sent(github, "GET", "/rate_limit").length, 1)
      })
    )
  )
})
