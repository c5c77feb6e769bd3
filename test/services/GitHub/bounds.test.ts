/**
 * Endless answers from GitHub, or from a proxy before it, cost a part of one poll, but neither memory nor the other
 * jobs.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Limits from "../../../src/text/Limits.ts"
import { queue, repo, sent, use, useApp } from "./use.ts"

const json = { "content-type": "application/json" }
const next = { ...json, link: '<https://x.test/?page=2>; rel="next"' }

describe("an answer of GitHub", () => {
  for (const [what, body] of [
    ["of ten million brackets", "[".repeat(2_000_000)],
    ["of objects within each other", `{"jobs":[${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}]}`],
    ["in which one job is as deep", `{"jobs":[{"id":1,"run_id":1,"x":${"[".repeat(90)}${"]".repeat(90)}}]}`],
    ["of more than 4 MiB", `{"jobs":[],"x":"${"x".repeat(Limits.ANSWER)}"}`]
  ] as const) {
    it.live(`${what} is not read; the jobs of another run are`, () =>
      use((client, github) =>
        Effect.gen(function* () {
          const bad = queue(github, 1)
          const good = queue(github, 2)
          github.faults.push({
            path: `runs/${bad.run.id}/jobs`,
            times: 1000,
            answer: { status: 200, headers: json, body }
          })
          const { jobs, isWhole } = yield* client.look(repo, 0)
          assert.deepStrictEqual(jobs.map(({ id }) => id).sort(), good.jobs.map(({ id }) => id).sort())
          assert.isFalse(isWhole)
        })
      )
    )
  }

  it.live("says which limit it broke, and not what it said", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const wrong = { secret: "CANARY", jobs: [] }
        github.faults.push({
          path: "/jobs/",
          times: 9,
          answer: { status: 200, headers: json, body: JSON.stringify(wrong) }
        })
        const shape = yield* Effect.flip(client.job("o", "r", 1))
        assert.notInclude(shape.message, "CANARY")
        github.faults.length = 0
        const deep = `{"secret":"CANARY","x":${"[".repeat(99)}`
        github.faults.push({ path: "/jobs/", times: 9, answer: { status: 200, headers: json, body: deep } })
        const error = yield* Effect.flip(client.job("o", "r", 1))
        assert.include(error.message, "JSON of more than 64 levels")
        assert.notInclude(error.message, "CANARY")
      })
    )
  )
})

describe("a refusal of GitHub", () => {
  const bodies = [
    '{"id":90071992547409930}',
    '{"message":{"toString":1}}',
    '{"message":"no","errors":[90071992547409930]}',
    '{"message":null,"documentation_url":{"toString":null}}',
    "[]",
    "90071992547409930",
    '"\\ud800"'
  ]
  for (const body of bodies) {
    it.effect(`of ${body} is an error that names the request, and no key that is wrong`, () =>
      Effect.gen(function* () {
        const answer = { status: 418, headers: json, body }
        for (const asked of [use, useApp]) {
          const fiber = yield* Effect.fork(
            asked((client, github) => {
              github.faults.push({ path: "/repos", times: 9, answer })
              return Effect.flip(client.job("o", "r", 1))
            })
          )
          while (Option.isNone(yield* Fiber.poll(fiber))) {
            yield* TestClock.adjust("1 second")
            yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          }
          const error = yield* Fiber.join(fiber)
          assert.include(error.message, "GET /repos/o/r/actions/jobs/1: ")
          assert.notInclude(error.message, "private_key")
        }
      })
    )
  }
})

describe("a list of GitHub", () => {
  it.live("that goes on for ever ends after 64 MiB, and what was had of it is taken", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const { run } = queue(github, 1)
        const job = { id: 5, run_id: run.id, name: "leg", status: "queued", labels: ["x"] }
        const body = JSON.stringify({ jobs: [job], x: "x".repeat(3 << 20) })
        github.faults.push({ path: `runs/${run.id}/jobs`, times: 1000, answer: { status: 200, headers: next, body } })
        const { jobs, isWhole } = yield* client.look(repo, 0)
        assert.deepStrictEqual(
          jobs.map(({ id }) => id),
          [5]
        )
        assert.isFalse(isWhole)
        assert.isBelow(sent(github, "GET", `runs/${run.id}/jobs`).length, 25)
      })
    )
  )

  it.live("that has more pages than any of GitHub's gives those that were read", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const { run } = queue(github, 1)
        const job = { id: 5, run_id: run.id, name: "leg", status: "queued", labels: ["x"] }
        const body = JSON.stringify({ jobs: [job] })
        github.faults.push({ path: `runs/${run.id}/jobs`, times: 1000, answer: { status: 200, headers: next, body } })
        const { jobs, isWhole } = yield* client.look(repo, 0)
        assert.lengthOf(jobs, 1)
        assert.isFalse(isWhole)
        assert.strictEqual(sent(github, "GET", `runs/${run.id}/jobs`).length, Limits.PAGES)
      })
    )
  )
})
