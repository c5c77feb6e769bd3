import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { level, queue, repo, SECRET, sent, soon, use } from "./use.ts"

const page = (status: number) => ({
  times: 9,
  answer: { status, headers: { "content-type": "text/html" }, body: "<html>a proxy</html>" }
})

describe("a GitHub that never answers", () => {
  it.effect("is asked three times for what is only read, and the answer is that it is unavailable", () =>
    use((client, github) =>
      Effect.gen(function* () {
        github.faults.push({ path: "/jobs/", silent: true, times: 9 })
        const fiber = yield* Effect.fork(Effect.flip(client.job("o", "r", 1)))
        for (const [times, wait] of [
          [1, "30 seconds"],
          [1, "500 millis"],
          [2, "30 seconds"],
          [2, "1 seconds"],
          [3, "30 seconds"]
        ] as const) {
          yield* soon(() => github.log.length === times)
          yield* TestClock.adjust(wait)
        }
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error.reason, "Unavailable")
        assert.include(error.message, "no answer within 30 seconds")
        assert.strictEqual(github.log.length, 3)
      })
    )
  )

  it.effect("is asked once, and never again, for a runner", () =>
    use((client, github) =>
      Effect.gen(function* () {
        github.faults.push({ path: "jitconfig", silent: true, times: 9 })
        const fiber = yield* Effect.fork(Effect.flip(client.createRunner(level, { name: "n", labels: ["x"] })))
        yield* soon(() => github.log.length === 1)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual((yield* Fiber.join(fiber)).reason, "Unavailable")
        assert.strictEqual(github.log.length, 1)
      })
    )
  )
})

describe("an answer that is not from GitHub's API", () => {
  it.live("never passes for a runner that is gone, or was removed", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const { id } = github.world.register("o/r", "n", ["x"])
        for (const status of [404, 200]) {
          github.faults.length = 0
          github.faults.push({ path: "/runners", ...page(status) })
          assert.strictEqual((yield* Effect.flip(client.removeRunner(level, id))).reason, "Protocol")
          assert.strictEqual((yield* Effect.flip(client.runner(level, id))).reason, "Protocol")
          assert.strictEqual((yield* Effect.flip(client.runnerByName(level, "n"))).reason, "Protocol")
        }
        assert.isTrue(github.world.runners.has(id))
      })
    )
  )

  it.live("never passes for a queue that is empty", () =>
    use((client, github) =>
      Effect.gen(function* () {
        queue(github, 1)
        for (const status of [404, 200]) {
          github.faults.length = 0
          github.faults.push({ path: "/runs?", ...page(status) })
          assert.strictEqual((yield* Effect.flip(client.look(repo, 0))).reason, "Protocol")
          github.faults.length = 0
          github.faults.push({ path: "/jobs?", ...page(status) })
          assert.isFalse((yield* client.look(repo, 0)).isWhole)
        }
        github.faults.length = 0
        assert.strictEqual((yield* client.look(repo, 0)).jobs.length, 1)
      })
    )
  )

  it.live("is told apart when it is JSON that ends too early", () =>
    use((client, github) =>
      Effect.gen(function* () {
        github.faults.push({ path: "/jobs/", times: 9, answer: { status: 200, body: '{"id": 1, "run_id"' } })
        assert.strictEqual((yield* Effect.flip(client.job("o", "r", 1))).reason, "Protocol")
      })
    )
  )
})

describe("a repository that was renamed", () => {
  it.live("is read where it is now; what cannot be done there is told, and not taken for done", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const { jobs } = queue(github, 1)
        const id = jobs[0]?.id ?? 0
        const moved = (location: string) => ({
          status: 301,
          headers: { location },
          body: '{"message":"Moved Permanently"}'
        })
        github.faults.push({ path: "/repos/o/old/actions/jobs/", answer: moved(`/repos/o/r/actions/jobs/${id}`) })
        assert.strictEqual((yield* client.job("o", "old", id)).status, "queued")
        github.faults.push({ method: "DELETE", path: "/runners", answer: moved("http://elsewhere.invalid/") })
        const error = yield* Effect.flip(client.removeRunner(level, 7))
        assert.strictEqual(error.reason, "Protocol")
        assert.include(error.message, "it moved to http://elsewhere.invalid/")
      })
    )
  )
})

describe("GitHub's Enterprise Server", () => {
  it.live("under its prefix works the same", () =>
    use(
      (client, github) =>
        Effect.gen(function* () {
          queue(github, 1)
          const { runner } = yield* client.createRunner(level, { name: "n", labels: ["x"] })
          assert.deepStrictEqual(
            Option.map(yield* client.runnerByName(level, "n"), ({ id }) => id),
            Option.some(runner.id)
          )
          assert.strictEqual((yield* client.look(repo, 0)).jobs.length, 1)
        }),
      { prefix: "/api/v3" }
    )
  )

  it.live("that ignores the name of a runner, and sends all of them, is not misunderstood", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const runner = (id: number, name: string) => ({
          id,
          name,
          os: "macOS",
          status: "offline",
          busy: false,
          labels: []
        })
        const body = JSON.stringify({ total_count: 2, runners: [runner(1, "n 2"), runner(2, "n")] })
        github.faults.push({ path: "/runners?", times: 2, answer: { status: 200, body } })
        assert.strictEqual(Option.getOrThrow(yield* client.runnerByName(level, "n")).id, 2)
        assert.deepStrictEqual(yield* client.runnerByName(level, "N"), Option.none())
      })
    )
  )
})

describe("lists without an end", () => {
  it.live("are not followed for ever", () =>
    use((client, github) =>
      Effect.gen(function* () {
        github.faults.push({
          path: "/runners?",
          times: 1000,
          answer: { status: 200, headers: { link: '<http://x/?page=2>; rel="next"' }, body: '{"runners":[]}' }
        })
        assert.strictEqual((yield* Effect.flip(client.runnerByName(level, "n"))).reason, "Protocol")
        assert.isAtMost(sent(github, "GET", "/runners").length, 100)
      })
    )
  )
})

describe("no error", () => {
  it.live("quotes the token, or the secret of a runner", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const body = JSON.stringify({ runner: { id: "wrong" }, encoded_jit_config: "JIT_CANARY" })
        github.faults.push({ path: "jitconfig", answer: { status: 201, body } })
        const error = yield* Effect.flip(client.createRunner(level, { name: "n", labels: ["x"] }))
        assert.strictEqual(error.reason, "Protocol")
        for (const secret of [SECRET, "JIT_CANARY"]) assert.notInclude(JSON.stringify(error) + error.message, secret)
      })
    )
  )
})
