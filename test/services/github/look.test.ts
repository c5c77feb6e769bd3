import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { organisation, queue, repo, sent, soon, use } from "./use.ts"

describe("a look's cost", () => {
  for (const active of [0, 1, 5]) {
    it.live(
      `is two requests and one for each of ${active} active runs, and nothing of the rate limit while nothing changes`,
      () =>
        use((client, github) =>
          Effect.gen(function* () {
            for (let n = 0; n < active; n++) queue(github, 3)
            yield* client.look(repo, 0)
            // the first also asks for the states that are asked for once a minute
            assert.strictEqual(github.log.length, 5 + active)
            const before = github.log.length
            yield* client.look(repo, 0)
            assert.strictEqual(github.log.length - before, 2 + active)
            assert.isTrue(github.log.slice(before).every(({ cost }) => cost === 0))
          })
        )
    )
  }
})

describe("a look is complete", () => {
  it.live("when a run moves from one list into the other between the two requests", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const { jobs } = queue(github, 2)
        yield* client.look(repo, 0)
        const none = '{"total_count":0,"workflow_runs":[]}'
        github.faults.push({ path: "status=queued", answer: { status: 200, body: none } })
        const look = yield* client.look(repo, 0)
        assert.deepStrictEqual(
          look.jobs.map(({ id, status }) => [id, status]),
          jobs.map(({ id }) => [id, "queued"])
        )
      })
    )
  )

  it.live("and tells how the jobs of a run have ended, once", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const { jobs } = queue(github, 1)
        yield* client.look(repo, 0)
        github.world.complete(jobs[0]?.id ?? 0, "success")
        assert.deepStrictEqual(
          (yield* client.look(repo, 0)).jobs.map(({ status }) => status),
          ["completed"]
        )
        const before = github.log.length
        assert.deepStrictEqual((yield* client.look(repo, 0)).jobs, [])
        assert.strictEqual(github.log.length - before, 2)
      })
    )
  )

  it.live("or fails: one page that is not to be had is not a short list", () =>
    use((client, github) =>
      Effect.gen(function* () {
        queue(github, 250)
        github.faults.push({ path: /jobs\?.*page=3/, times: 9, answer: { status: 502 } })
        assert.strictEqual((yield* Effect.flip(client.look(repo, 0))).reason, "Unavailable")
        github.faults.length = 0
        assert.strictEqual((yield* client.look(repo, 0)).jobs.length, 250)
      })
    )
  )
})

describe("who asks while a look is under way", () => {
  it.live("shares its failure: ten callers do not wait ten times for a GitHub that is gone", () =>
    use((client, github) =>
      Effect.gen(function* () {
        github.faults.push({ path: "/runs?", times: 99, delay: 100, answer: { status: 403, body: '{"message":"no"}' } })
        const first = yield* Effect.fork(Effect.flip(client.look(repo, 0)))
        yield* soon(() => github.log.length === 1)
        const others = yield* Effect.all(
          Array.from({ length: 9 }, () => Effect.flip(client.look(repo, "10 seconds"))),
          { concurrency: "unbounded" }
        )
        yield* Fiber.join(first)
        assert.deepStrictEqual([...new Set(others.map(({ reason }) => reason))], ["Forbidden"])
        assert.strictEqual(github.log.length, 1)
        // who asks afterwards asks anew
        yield* Effect.flip(client.look(repo, "10 seconds"))
        assert.strictEqual(github.log.length, 2)
      })
    )
  )

  it.live("is not left alone when all others leave, and nothing is asked when all have left", () =>
    use((client, github) =>
      Effect.gen(function* () {
        github.faults.push({ path: "/runs?", times: 99, silent: true })
        const fibers = yield* Effect.all(Array.from({ length: 3 }, () => Effect.fork(client.look(repo, "1 minute"))))
        for (const [n, fiber] of fibers.entries()) {
          yield* soon(() => github.log.length === n + 1)
          yield* Fiber.interrupt(fiber)
        }
        assert.strictEqual(github.log.length, 3)
        github.faults.length = 0
        assert.deepStrictEqual((yield* client.look(repo, "1 minute")).jobs, [])
      })
    )
  )
})

describe("an organisation", () => {
  it.live("is looked at repository by repository: the active ones each time, the others in turn", () =>
    use((client, github) =>
      Effect.gen(function* () {
        for (let n = 0; n < 50; n++) github.world.repositories.add(`o/quiet-${n}`)
        for (let n = 0; n < 3; n++) yield* client.look(organisation, 0)
        // every one of the 51 had its turn
        const first = new Set(github.log.map(({ path }) => path.match(/^\/repos\/o\/([^/]+)/)?.[1]))
        first.delete(undefined)
        assert.strictEqual(first.size, 51)
        queue(github, 1, "quiet-0")
        const looks = yield* Effect.all(Array.from({ length: 3 }, () => client.look(organisation, 0)))
        assert.isTrue(looks.some(({ jobs }) => jobs.length === 1))
        const found = looks.findIndex(({ jobs }) => jobs.length === 1)
        // found once, it is never lost again
        assert.isTrue(looks.slice(found).every(({ jobs }) => jobs.length === 1))
        for (let n = 0; n < 3; n++) assert.strictEqual((yield* client.look(organisation, 0)).jobs.length, 1)
      })
    )
  )

  it.live("is not hidden by one repository that may not be seen; but it is when none may", () =>
    use((client, github) =>
      Effect.gen(function* () {
        queue(github, 1)
        github.world.repositories.add("o/secret")
        github.faults.push({ path: "/repos/o/secret/", times: 99, answer: { status: 403, body: '{"message":"no"}' } })
        assert.strictEqual((yield* client.look(organisation, 0)).jobs.length, 1)
        github.faults.push({ path: "/repos/o/", times: 99, answer: { status: 403, body: '{"message":"no"}' } })
        assert.strictEqual((yield* Effect.flip(client.look(organisation, 0))).reason, "Forbidden")
        assert.strictEqual(sent(github, "GET", "/orgs/o/repos").length, 1)
      })
    )
  )

  it.live("that is not there is told so", () =>
    use((client, github) =>
      Effect.gen(function* () {
        github.faults.push({ path: "/orgs/", answer: { status: 404, body: '{"message":"Not Found"}' } })
        assert.strictEqual((yield* Effect.flip(client.look(organisation, 0))).reason, "NotFound")
      })
    )
  )
})
