import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { Watched } from "../../../src/services/GitHub.ts"
import { level, organisation, queue, repo, sent, soon, use, useApp } from "./use.ts"

/** What is logged, in order: `WARN o/r is left out …`. */
const logged = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    if (logLevel.label === "WARN" || logLevel.label === "ERROR" || logLevel.label === "INFO")
      lines.push(`${logLevel.label} ${[message].flat().join(" ")}`)
  })
  return { lines, layer: Logger.replace(Logger.defaultLogger, logger) as Layer.Layer<never> }
}

/** Runs the effect as if this many milliseconds had passed; a test clock would have to move the simulated GitHub as well. */
const later =
  (ms: number) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Effect.clock, (clock) =>
      Effect.withClock(effect, {
        ...clock,
        [Clock.ClockTypeId]: Clock.ClockTypeId,
        unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + ms,
        currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + ms),
        currentTimeNanos: clock.currentTimeNanos,
        unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
        sleep: (duration) => clock.sleep(duration)
      })
    )

const aMinuteLater = later(61_000)

describe("a look's cost", () => {
  for (const active of [0, 1, 5]) {
    it.live(
      `is two requests and one for each of ${active} active runs, and nothing of the rate limit while nothing changes`,
      () =>
        use((client, github) =>
          Effect.gen(function* () {
            for (let n = 0; n < active; n++) queue(github, 3)
            yield* client.look(repo, 0)
            // the first poll also requests the repository, its settings, and the states that are listed once a minute
            assert.strictEqual(github.log.length, 7 + active)
            const before = github.log.length
            yield* client.look(repo, 0)
            assert.strictEqual(github.log.length - before, 2 + active)
            assert.isTrue(github.log.slice(before).every(({ cost }) => cost === 0))
          })
        )
    )
  }
})

describe("the name of what is watched", () => {
  it.live("is asked for once, however many services need it at the same moment", () =>
    use((client, github) =>
      Effect.gen(function* () {
        yield* Effect.all([client.named(repo), client.look(repo, 0), client.named(repo), client.named(repo)], {
          concurrency: "unbounded"
        })
        assert.strictEqual(github.log.filter(({ path }) => path === "/repos/o/r").length, 1)
      })
    )
  )
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

  it.live("or says that it is not: one page that is not to be had hides no other one", () =>
    use((client, github) =>
      Effect.gen(function* () {
        queue(github, 250)
        github.faults.push({ path: /jobs\?.*page=2/, times: 9, answer: { status: 502 } })
        const look = yield* client.look(repo, 0)
        assert.deepStrictEqual([look.jobs.length, look.isWhole], [150, false])
        github.faults.length = 0
        const next = yield* client.look(repo, 0)
        assert.deepStrictEqual([next.jobs.length, next.isWhole], [250, true])
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
        yield* soon(() => sent(github, "GET", "/runs?").length === 1)
        const others = yield* Effect.all(
          Array.from({ length: 9 }, () => Effect.flip(client.look(repo, "10 seconds"))),
          { concurrency: "unbounded" }
        )
        yield* Fiber.join(first)
        assert.deepStrictEqual([...new Set(others.map(({ reason }) => reason))], ["Forbidden"])
        // the two lists that contain jobs
        assert.strictEqual(sent(github, "GET", "/runs?").length, 2)
        // a later caller polls again
        yield* Effect.flip(client.look(repo, "10 seconds"))
        assert.strictEqual(sent(github, "GET", "/runs?").length, 4)
      })
    )
  )

  it.live("is not left alone when all others leave, and nothing is asked when all have left", () =>
    use((client, github) =>
      Effect.gen(function* () {
        github.faults.push({ path: "/runs?", times: 99, silent: true })
        const fibers = yield* Effect.all(Array.from({ length: 3 }, () => Effect.fork(client.look(repo, "1 minute"))))
        for (const [n, fiber] of fibers.entries()) {
          yield* soon(() => sent(github, "GET", "/runs?").length === n + 1)
          yield* Fiber.interrupt(fiber)
        }
        assert.strictEqual(sent(github, "GET", "/runs?").length, 3)
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
        // once found, it is never lost again
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
        // the full list once a minute, that of the last pushes in each poll
        assert.strictEqual(sent(github, "GET", "/orgs/o/repos").length, 3)
      })
    )
  )

  it.live("sees the first job of a repository that was pushed to in the next look, among 200 quiet ones", () =>
    use((client, github) =>
      Effect.gen(function* () {
        for (let n = 0; n < 200; n++) github.world.repositories.add(`o/quiet-${n}`)
        yield* client.look(organisation, 0)
        for (const name of ["quiet-199", "quiet-150", "quiet-7"]) {
          queue(github, 1, name)
          const before = sent(github, "GET", "direction=desc").length
          const look = yield* client.look(organisation, 0)
          assert.include(
            look.jobs.map(({ repo }) => repo),
            name
          )
          // the list of the last pushes is one request
          assert.strictEqual(sent(github, "GET", "direction=desc").length - before, 1)
        }
        yield* client.look(organisation, 0)
        const unchanged = sent(github, "GET", "direction=desc").at(-1)
        assert.deepStrictEqual([unchanged?.status, unchanged?.cost], [304, 0])
      })
    )
  )

  it.live("sees a job that no push announced when its repository has its turn: within eleven looks among 200", () =>
    use((client, github) =>
      Effect.gen(function* () {
        for (let n = 0; n < 200; n++) github.world.repositories.add(`o/quiet-${n}`)
        yield* client.look(organisation, 0)
        github.world.queue({ owner: "o", repo: "quiet-5", event: "schedule", jobs: [{ labels: ["x"] }] })
        for (let looks = 1; looks <= 11; looks++) {
          if ((yield* client.look(organisation, 0)).jobs.length > 0) return
        }
        assert.fail("it was not seen")
      })
    )
  )
})

describe("one part that fails", () => {
  for (const status of [403, 404, 422, 451, 500, 502]) {
    it.live(
      `leaves the other repositories of an organisation alone, and is one WARN, with ${status} for all of it`,
      () => {
        const log = logged()
        return use((client, github) =>
          Effect.gen(function* () {
            for (const name of ["a", "b", "c"]) queue(github, 1, name)
            const body = JSON.stringify({ message: "no" })
            github.faults.push({ path: "/repos/o/b/", times: 999, answer: { status, body } })
            for (let n = 0; n < 4; n++) {
              const names = (yield* client.look(organisation, 0)).jobs.map(({ repo }) => repo)
              assert.deepStrictEqual(names.sort(), ["a", "c"])
            }
            const told = log.lines.filter((line) => line.includes("o/b"))
            assert.strictEqual(told.length, 1, told.join("\n"))
            assert.match(told[0] ?? "", /^WARN o\/b is left out/)
            github.faults.length = 0
            const again = yield* aMinuteLater(client.look(organisation, 0))
            assert.strictEqual(again.jobs.length, 3)
            assert.deepStrictEqual(log.lines.filter((line) => line.includes("o/b")).slice(1), [
              "INFO o/b has recovered"
            ])
          })
        ).pipe(Effect.provide(log.layer))
      }
    )
  }

  for (const list of ["queued", "in_progress", "waiting", "pending", "requested"]) {
    it.live(`leaves the rest of a repository alone, and is one WARN, where it is the list of ${list} runs`, () => {
      const log = logged()
      return use((client, github) =>
        Effect.gen(function* () {
          const { jobs } = github.world.queue({ owner: "o", repo: "r", jobs: [{ labels: ["x"] }, { labels: ["y"] }] })
          yield* client.look(repo, 0)
          github.faults.push({ path: `status=${list}`, times: 999, answer: { status: 500 } })
          const runner = github.world.register("o/r", "one", ["y"])
          github.world.assign(runner)
          for (const at of [Effect.provide(Layer.empty), aMinuteLater, aMinuteLater]) {
            const look = yield* at(client.look(repo, 0))
            assert.deepStrictEqual(look.jobs.map(({ id }) => id).sort(), jobs.map(({ id }) => id).sort())
          }
          assert.strictEqual(log.lines.filter((line) => line.startsWith("WARN")).length, 1, log.lines.join("\n"))
          assert.match(log.lines.join("\n"), new RegExp(`WARN o/r \\(runs that are ${list}\\) is left out`))
        })
      ).pipe(Effect.provide(log.layer))
    })
  }

  it.live("leaves the rest of a repository alone, where it is one list that holds jobs and those that hardly do", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const { jobs } = queue(github, 1)
        github.world.assign(github.world.register("o/r", "one", ["x"]))
        for (const list of ["queued", "waiting", "pending", "requested"]) {
          github.faults.push({ path: `status=${list}`, times: 999, answer: { status: 422, body: '{"message":"no"}' } })
        }
        for (const at of [later(0), aMinuteLater]) {
          assert.deepStrictEqual(
            (yield* at(client.look(repo, 0))).jobs.map(({ id }) => id),
            jobs.map(({ id }) => id)
          )
        }
      })
    )
  )

  it.live("leaves the other runs alone where it is the jobs of one run", () => {
    const log = logged()
    return use((client, github) =>
      Effect.gen(function* () {
        const { run } = queue(github, 1)
        queue(github, 2)
        github.faults.push({ path: `/runs/${run.id}/jobs`, times: 999, answer: { status: 451 } })
        for (let n = 0; n < 3; n++) assert.strictEqual((yield* client.look(repo, 0)).jobs.length, 2)
        const warned = log.lines.filter((line) => line.startsWith("WARN"))
        assert.deepStrictEqual([warned.length, warned[0]?.includes(`${run.id}`)], [1, true])
      })
    ).pipe(Effect.provide(log.layer))
  })

  it.live("hides nothing else where it is one malformed run, job or repository", () => {
    const log = logged()
    return use((client, github) =>
      Effect.gen(function* () {
        const { run, jobs } = queue(github, 1)
        const broken = (key: string, items: ReadonlyArray<unknown>) =>
          JSON.stringify({ total_count: items.length, [key]: [null, { id: "x" }, ...items] })
        const good = { id: run.id, status: "queued" }
        github.faults.push(
          { path: "status=queued", times: 2, answer: { status: 200, body: broken("workflow_runs", [good]) } },
          {
            path: `/runs/${run.id}/jobs`,
            times: 2,
            answer: { status: 200, body: broken("jobs", [{ id: jobs[0]?.id, run_id: run.id, status: "queued" }]) }
          }
        )
        for (let n = 0; n < 2; n++) {
          const look = yield* client.look(repo, 0)
          assert.deepStrictEqual([look.jobs.map(({ id }) => id), look.isWhole], [[jobs[0]?.id], false])
        }
        assert.strictEqual(log.lines.filter((line) => line.startsWith("WARN")).length, 4, log.lines.join("\n"))
      })
    ).pipe(Effect.provide(log.layer))
  })

  it.live("ends the look when it is the credential or its limit, and when it is everything", () =>
    use((client, github) =>
      Effect.gen(function* () {
        for (let n = 0; n < 30; n++) queue(github, 1, `r${n}`)
        yield* client.look(organisation, 0)
        const ends = (status: number, headers: Record<string, string> = {}) =>
          Effect.gen(function* () {
            const before = github.log.length
            github.faults.push({ path: "/repos/o/", times: 999, answer: { status, headers, body: '{"message":"no"}' } })
            const { reason } = yield* Effect.flip(client.look(organisation, 0))
            github.faults.length = 0
            return [reason, github.log.length - before] as const
          })
        const [everything, requests] = yield* ends(403)
        assert.strictEqual(everything, "Forbidden")
        assert.isAbove(requests, 30)
        const [refused, refusals] = yield* ends(401)
        assert.strictEqual(refused, "Unauthorized")
        assert.isBelow(refusals, 7)
        const [limited, limits] = yield* ends(429, { "retry-after": "60" })
        assert.strictEqual(limited, "RateLimited")
        assert.isBelow(limits, 7)
      })
    )
  )

  it.live("is asked for less and less often while it fails", () =>
    use((client, github) =>
      Effect.gen(function* () {
        for (const name of ["a", "b"]) queue(github, 1, name)
        yield* client.look(organisation, 0)
        github.faults.push({ path: "/repos/o/b/", times: 999, answer: { status: 451 } })
        const asked: Array<number> = []
        for (let second = 0; second <= 120; second++) {
          const before = sent(github, "GET", "/repos/o/b/").length
          yield* later(second * 1000)(client.look(organisation, 0))
          if (sent(github, "GET", "/repos/o/b/").length > before) asked.push(second)
        }
        // in each of the first seconds, then at growing intervals
        assert.isAtLeast(asked.length, 6)
        assert.isAtMost(asked.length, 12, asked.join(" "))
      })
    )
  )
})

describe("who watches nothing is told so once", () => {
  const nothing = (
    name: string,
    watched: Watched,
    prepare: (world: import("../../../src/simulator/github/world.ts").World) => void,
    says: RegExp,
    as: typeof use = use
  ) =>
    it.live(name, () => {
      const log = logged()
      return as((client, github) =>
        Effect.gen(function* () {
          prepare(github.world)
          for (let n = 0; n < 2; n++) {
            const look = yield* client.look(watched, 0)
            assert.deepStrictEqual(look.jobs, [])
            assert.match(look.nothing, says)
          }
          const warned = log.lines.filter((line) => line.startsWith("WARN"))
          assert.deepStrictEqual(warned.length, 1, log.lines.join("\n"))
          assert.match(warned[0] ?? "", says)
          assert.match((yield* client.tryLook(watched)).nothing, says)
        })
      ).pipe(Effect.provide(log.layer))
    })
  const all = (owner: string) => Watched.make({ owner, repo: Option.none() })
  nothing("an organisation that is not there", all("gone"), () => undefined, /there is no organisation gone/)
  nothing(
    "an organisation without a repository",
    all("e"),
    (world) => world.organisations.add("e"),
    /e has no repository/
  )
  nothing("an account of a user", all("someone"), (world) => world.users.add("someone"), /someone is a user's account/)
  nothing(
    "an organisation whose repositories are archived",
    organisation,
    (world) => world.archived.add("o/r"),
    /archived/
  )
  nothing("a repository that is archived", repo, (world) => world.archived.add("o/r"), /o\/r is archived/)
  nothing("a repository without Actions", repo, (world) => world.withoutActions.add("o/r"), /Actions is switched off/)
  nothing(
    "an App that sees another account",
    all("mine"),
    () => undefined,
    /repositories of o and none of mine/,
    (f) => useApp(f)
  )

  it.live("and what is there again is seen", () => {
    const log = logged()
    return use((client, github) =>
      Effect.gen(function* () {
        github.world.archived.add("o/r")
        yield* client.look(repo, 0)
        github.world.archived.clear()
        assert.strictEqual((yield* aMinuteLater(client.look(repo, 0))).nothing, "")
        assert.isTrue(log.lines.some((line) => line.startsWith("INFO there is something to watch")))
      })
    ).pipe(Effect.provide(log.layer))
  })
})

describe("a renamed repository", () => {
  it.live("is looked at under its former name, and the rename is one WARN", () => {
    const log = logged()
    return use((client, github) =>
      Effect.gen(function* () {
        queue(github, 1)
        yield* client.look(repo, 0)
        github.world.rename("o/r", "p/s")
        assert.strictEqual((yield* client.look(repo, 0)).jobs.length, 1)
        for (let n = 0; n < 2; n++) {
          const { jobs } = yield* aMinuteLater(client.look(repo, 0))
          assert.deepStrictEqual(
            jobs.map(({ owner, repo }) => [owner, repo]),
            [["p", "s"]]
          )
        }
        assert.deepStrictEqual(
          yield* aMinuteLater(client.named(repo)),
          Watched.make({ owner: "p", repo: Option.some("s") })
        )
        const warned = log.lines.filter((line) => line.startsWith("WARN"))
        assert.deepStrictEqual(warned.length, 1, log.lines.join("\n"))
        assert.match(warned[0] ?? "", /o\/r is called p\/s now/)
        assert.match((yield* client.tryLook(repo)).renamed, /o\/r is called p\/s now/)
      })
    ).pipe(Effect.provide(log.layer))
  })

  it.live("is none where only the case differs", () => {
    const log = logged()
    return use((client) =>
      Effect.gen(function* () {
        yield* client.look(Watched.make({ owner: "O", repo: Option.some("R") }), 0)
        assert.deepStrictEqual(log.lines, [])
      })
    ).pipe(Effect.provide(log.layer))
  })

  it.live("gives up its runner all the same", () =>
    use((client, github) =>
      Effect.gen(function* () {
        const runner = github.world.register("o/r", "one", ["x"])
        github.world.rename("o/r", "o/s")
        yield* client.removeRunner(level, runner.id)
        assert.strictEqual(github.world.runners.size, 0)
      })
    )
  )
})
