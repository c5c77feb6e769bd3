import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { level, organisation, queue, repo, sent, useApp, useInstalled } from "./use.ts"

/** The wall clock, which limits the life of an App's tokens; timers are not affected. */
const setForward = (minutes: number) => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + minutes * 60_000 })
}
const later = (minutes: number) => Effect.sync(() => setForward(minutes))
afterEach(() => {
  vi.useRealTimers()
})

describe("an App", () => {
  it.live("signs in once for many requests, and again in time when its token gets old", () =>
    useApp((client, github) =>
      Effect.gen(function* () {
        queue(github, 2)
        yield* Effect.all([client.look(repo, 0), client.runnerByName(level, "n")], { concurrency: 2 })
        yield* client.look(repo, 0)
        assert.strictEqual(sent(github, "POST", "access_tokens").length, 1)
        yield* later(61)
        assert.strictEqual((yield* client.look(repo, 0)).jobs.length, 2)
        assert.strictEqual(sent(github, "POST", "access_tokens").length, 2)
        assert.isFalse(github.log.some(({ status }) => status >= 400))
        // from here on, the ETags of the new token are known
        const before = github.log.length
        yield* client.look(repo, 0)
        assert.isTrue(github.log.slice(before).every(({ cost }) => cost === 0))
      })
    )
  )

  it.live("whose token GitHub does not take any more signs in again, and the request is sent again", () =>
    useApp((client, github) =>
      Effect.gen(function* () {
        yield* client.look(repo, 0)
        yield* later(1)
        github.faults.push({ path: "jitconfig", answer: { status: 401, body: '{"message":"Bad credentials"}' } })
        yield* client.createRunner(level, { name: "n", labels: ["x"] })
        assert.strictEqual(sent(github, "POST", "access_tokens").length, 2)
        const [refused, done] = sent(github, "POST", "jitconfig")
        assert.notStrictEqual(refused?.token, done?.token)
        assert.strictEqual(github.world.runners.size, 1)
      })
    )
  )

  it.live("that is not installed any more is told so; nothing counts as gone or as an empty queue for that", () =>
    useApp(
      (client, github) =>
        Effect.gen(function* () {
          const { id } = github.world.register("o/r", "n", ["x"])
          for (const asked of [
            client.runner(level, id),
            client.removeRunner(level, id),
            client.look(repo, 0),
            client.look(organisation, 0)
          ]) {
            const error = yield* Effect.flip(asked)
            assert.strictEqual(error.reason, "Unauthorized")
            assert.include(error.message, "check app_id, installation_id and private_key")
          }
          assert.isTrue(github.world.runners.has(id))
        }),
      { installation: 3 }
    )
  )

  it.live("whose key is no key is told what to do, at once and without the key", () =>
    useApp(
      (client, github) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(client.job("o", "r", 1))
          assert.strictEqual(error.reason, "Unauthorized")
          assert.include(error.message, "private_key cannot be used")
          assert.notInclude(JSON.stringify(error) + error.message, "CANARY")
          assert.strictEqual(github.log.length, 0)
        }),
      { key: "-----BEGIN RSA PRIVATE KEY-----\nCANARY" }
    )
  )

  it.live("looks at the repositories of its installation, and tells developers by a check run", () =>
    useApp((client, github) =>
      Effect.gen(function* () {
        github.world.repositories.add("other/r")
        queue(github, 1)
        const [job] = (yield* client.look(organisation, 0)).jobs
        assert.isDefined(job)
        assert.isFalse(github.log.some(({ path }) => path.startsWith("/repos/other/")))
        if (job !== undefined) assert.isTrue(yield* client.tell(job, "no template", "add a label"))
        assert.strictEqual(github.checks.length, 1)
      })
    )
  )

  for (const [what, from] of [
    ["its first token", 0],
    ["another token", 1]
  ] as const) {
    it.live(`that is refused ${what} because of a limit waits, and is not told that it may not sign in`, () =>
      useApp((client, github) =>
        Effect.gen(function* () {
          if (from > 0) yield* client.look(repo, 0)
          yield* later(1)
          github.faults.push({
            path: "access_tokens",
            times: 99,
            answer: {
              status: 403,
              headers: { "retry-after": "10800" },
              body: '{"message":"You have exceeded a secondary rate limit"}'
            }
          })
          github.faults.push({
            path: "/runs",
            times: from,
            answer: { status: 401, body: '{"message":"Bad credentials"}' }
          })
          for (let n = 0; n < 3; n++)
            assert.strictEqual((yield* Effect.flip(client.look(repo, 0))).reason, "RateLimited")
          assert.lengthOf(sent(github, "POST", "access_tokens"), from + 1)
        })
      )
    )
  }
})

describe("an App whose installation is not told", () => {
  it.live("finds it once, by its repository, and signs in for it; its Client ID is as good as its number", () =>
    Effect.forEach([1, "Iv23liABCDEFGHIJKLMN"], (appId) =>
      useInstalled(
        (client, github) =>
          Effect.gen(function* () {
            queue(github, 1)
            yield* Effect.all([client.look(repo, 0), client.runners(level)], { concurrency: 2 })
            assert.strictEqual((yield* client.look(repo, 0)).jobs.length, 1)
            assert.deepStrictEqual(
              sent(github, "GET", "installation").map(({ path }) => path),
              ["/repos/o/r/installation"]
            )
            assert.strictEqual(sent(github, "POST", "/app/installations/2/access_tokens").length, 1)
            assert.isFalse(github.log.some(({ status }) => status >= 400))
          }),
        { appId }
      )
    )
  )

  it.live("finds that of an organisation, or else of a user", () =>
    useInstalled(
      (client, github) =>
        Effect.gen(function* () {
          github.faults.push({ path: "/orgs/o/installation", answer: { status: 404, body: '{"message":"Not Found"}' } })
          queue(github, 1)
          assert.strictEqual((yield* client.look(organisation, 0)).jobs.length, 1)
          assert.deepStrictEqual(
            sent(github, "GET", "o/installation").map(({ path }) => path),
            ["/orgs/o/installation", "/users/o/installation"]
          )
        }),
      { repo: Option.none() }
    )
  )

  it.live("that is not installed there is told so, where to install it, and asks again the next time", () =>
    useInstalled(
      (client, github) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(client.look(repo, 0))
          assert.strictEqual(error.reason, "Unauthorized")
          assert.include(error.message, "the App 1 is not installed at o/away: install it there")
          github.world.repositories.add("o/away")
          yield* client.look(repo, 0)
        }),
      { repo: Option.some("away") }
    )
  )

  it.live("that is installed anew, with another number, is found once more", () =>
    useInstalled((client, github) =>
      Effect.gen(function* () {
        yield* client.look(repo, 0)
        yield* later(61)
        const gone = '{"message":"Not Found"}'
        github.faults.push({ path: "/app/installations/2/access_tokens", answer: { status: 404, body: gone } })
        assert.strictEqual((yield* Effect.flip(client.look(repo, 0))).reason, "Unauthorized")
        yield* client.look(repo, 0)
        assert.strictEqual(sent(github, "GET", "/repos/o/r/installation").length, 2)
      })
    )
  )

  it.live("whose number or key GitHub does not know is told what to check; a lost answer is asked for again", () =>
    Effect.gen(function* () {
      yield* useInstalled(
        (client) =>
          Effect.map(Effect.flip(client.look(repo, 0)), ({ reason, message }) => {
            assert.strictEqual(reason, "Unauthorized")
            assert.include(message, "check app_id and private_key")
          }),
        { appId: 5 }
      )
      yield* useInstalled((client, github) => {
        github.faults.push({ path: "/installation", cut: "before" })
        return client.look(repo, 0)
      })
    })
  )
})
