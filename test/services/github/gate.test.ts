import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import * as gate from "../../../src/services/github/gate.ts"

/** Runs in a world whose clock stands at a moment that we know, and gives what was logged. */
const start = 1_800_000_000_000
const use = <A, E>(f: (the: gate.Gate, lines: ReadonlyArray<string>) => Effect.Effect<A, E>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message, logLevel }) => {
    lines.push(`${logLevel.label} ${String(message)}`)
  })
  return Effect.gen(function* () {
    yield* TestClock.setTime(start)
    return yield* f(yield* gate.make("the token for x"), lines)
  }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
}

const headers = (remaining: number, resetIn: number, date = start) => ({
  date: new Date(date).toUTCString(),
  "x-ratelimit-limit": "5000",
  "x-ratelimit-remaining": String(remaining),
  "x-ratelimit-reset": String((date + resetIn) / 1000),
  "x-ratelimit-resource": "core"
})
const waits = (until: number) => (until - start) / 1000

describe("the gate", () => {
  it.effect(
    "waits for what a refusal names; else a minute, then twice as long, and never more than a quarter of an hour",
    () =>
      use((the) =>
        Effect.gen(function* () {
          assert.strictEqual(waits(yield* the.refused({ "retry-after": "7" })), 7)
          yield* TestClock.adjust("7 seconds")
          const seconds: Array<number> = []
          for (let n = 0; n < 6; n++) {
            const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
            const until = yield* the.refused({})
            seconds.push((until - now) / 1000)
            yield* TestClock.adjust(until - now)
          }
          assert.deepStrictEqual(seconds, [60, 120, 240, 480, 900, 900])
          yield* the.learn({})
          const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          assert.strictEqual(((yield* the.refused({})) - now) / 1000, 60)
        })
      )
  )

  it.effect("counts requests that were under way together and refused together as one refusal", () =>
    use((the) =>
      Effect.gen(function* () {
        for (let n = 0; n < 4; n++) assert.strictEqual(waits(yield* the.refused({})), 60)
        yield* the.learn({})
        assert.strictEqual((yield* Effect.flip(the.enter("poll", "GET /"))).until, start + 60_000)
      })
    )
  )

  it.effect("counts the wait on GitHub's clock, not on a host's that goes wrong", () =>
    use((the) =>
      Effect.gen(function* () {
        // the host is an hour ahead: by its own clock the window has ended long ago
        const until = yield* the.refused(headers(0, 600_000, start - 3_600_000))
        assert.strictEqual(waits(until), 601)
      })
    )
  )

  it.effect(
    "leaves the last tenth to what is essential, and says so once when it begins and once when it is over",
    () =>
      use((the, lines) =>
        Effect.gen(function* () {
          yield* the.learn(headers(500, 60_000))
          yield* the.enter("poll", "GET /")
          yield* the.learn(headers(499, 60_000))
          for (let n = 0; n < 3; n++) {
            assert.strictEqual((yield* Effect.flip(the.enter("poll", "GET /"))).reason, "RateLimited")
            yield* the.enter("essential", "DELETE /")
          }
          yield* TestClock.adjust("1 minute")
          yield* the.enter("poll", "GET /")
          yield* the.enter("poll", "GET /")
          assert.strictEqual(lines.length, 2)
          assert.match(
            lines[0] ?? "",
            /^WARN GitHub's rate limit is reached: no polling until 08:01:00 UTC with the token for x/
          )
          assert.match(lines[1] ?? "", /^INFO GitHub's rate limit has room again/)
        })
      )
  )

  it.effect("takes no search limit for the limit, and holds essential requests too when nothing is left", () =>
    use((the) =>
      Effect.gen(function* () {
        yield* the.learn({ ...headers(0, 60_000), "x-ratelimit-resource": "search" })
        yield* the.enter("poll", "GET /")
        yield* the.learn(headers(0, 60_000))
        const fiber = yield* Effect.fork(the.enter("essential", "DELETE /"))
        yield* TestClock.adjust("59 seconds")
        assert.isNull(yield* Effect.map(Fiber.poll(fiber), (exit) => (exit._tag === "None" ? null : exit)))
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(fiber)
      })
    )
  )

  it.effect(
    "lets essential requests wait two minutes altogether, also when it is prolonged; then tells when to come back",
    () =>
      use((the) =>
        Effect.gen(function* () {
          yield* the.refused({ "retry-after": "100" })
          const fiber = yield* Effect.fork(Effect.either(the.enter("essential", "DELETE /")))
          yield* TestClock.adjust("99 seconds")
          yield* the.refused({ "retry-after": "100" })
          yield* TestClock.adjust("1 second")
          const either = yield* Fiber.join(fiber)
          assert.isTrue(Either.isLeft(either) && either.left.until === start + 199_000)
        })
      )
  )

  it.effect("can be left while it is waited at", () =>
    use((the) =>
      Effect.gen(function* () {
        yield* the.refused({ "retry-after": "100" })
        const fiber = yield* Effect.fork(the.enter("essential", "DELETE /"))
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.interrupt(fiber))._tag, "Failure")
      })
    )
  )

  it.effect("does not wait for years when the clock was set back", () =>
    use((the) =>
      Effect.gen(function* () {
        yield* the.refused(headers(0, 600_000))
        yield* TestClock.setTime(start - 10 * 365 * 86_400_000)
        yield* the.enter("poll", "GET /")
      })
    )
  )
})
