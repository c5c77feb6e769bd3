import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import * as gate from "../../../src/services/GitHub/gate.ts"
import { isLimit } from "../../../src/services/GitHub/limits.ts"

/** Runs at a known moment of the test clock, and returns what was logged. */
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
        // the host's clock is an hour ahead: by that clock the window ended long ago
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

  const date = new Date(start).toUTCString()
  const at = (seconds: number) => String(start / 1000 + seconds)
  const usedUp = { date, "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0" }
  for (const [what, given, seconds] of [
    ["seconds", { "retry-after": "120" }, 120],
    ["a part of a second", { "retry-after": "2.5" }, 2.5],
    ["a number", { "retry-after": 9 }, 9],
    ["three hours", { "retry-after": "10800" }, 3600],
    ["more seconds than there are", { "retry-after": "9".repeat(30) }, 3600],
    ["a date", { date, "retry-after": new Date(start + 90_000).toUTCString() }, 90],
    [
      "a date by GitHub's clock, which is an hour behind",
      {
        date: new Date(start - 3_600_000).toUTCString(),
        "retry-after": new Date(start - 3_540_000).toUTCString()
      },
      60
    ],
    ["a date that is over", { date, "retry-after": new Date(start - 90_000).toUTCString() }, 60],
    ["nothing to wait for", { "retry-after": "0" }, 60],
    ["less than nothing", { "retry-after": "-30" }, 60],
    ["an empty text", { "retry-after": "" }, 60],
    ["words", { "retry-after": "in 5 minutes" }, 60],
    ["Infinity", { "retry-after": "Infinity" }, 60],
    ["the end of the window", { ...usedUp, "x-ratelimit-reset": at(600) }, 601],
    ["the end of the window in milliseconds", { ...usedUp, "x-ratelimit-reset": String(start + 600_000) }, 601],
    ["a window that ended", { ...usedUp, "x-ratelimit-reset": at(-600) }, 60],
    ["a window without an end", usedUp, 60],
    ["a window that lasts for years", { ...usedUp, "x-ratelimit-reset": at(1e8) }, 3600],
    [
      "a window, where something is left",
      { ...usedUp, "x-ratelimit-remaining": "9", "x-ratelimit-reset": at(600) },
      60
    ],
    ["words, and the end of the window", { ...usedUp, "retry-after": "soon", "x-ratelimit-reset": at(600) }, 601]
  ] as const) {
    it.effect(`takes ${what} for ${seconds} seconds, says so at once and once, and then lets one request pass`, () =>
      use((the, lines) =>
        Effect.gen(function* () {
          assert.strictEqual(waits(yield* the.refused(given, 403)), seconds)
          assert.lengthOf(lines, 1)
          assert.match(lines[0] ?? "", /^WARN GitHub's rate limit is reached: no polling until \d\d:\d\d:\d\d UTC with/)
          yield* TestClock.adjust(seconds * 1000 - 1)
          assert.strictEqual((yield* Effect.flip(the.enter("poll", "GET /"))).until, start + seconds * 1000)
          assert.strictEqual((yield* the.limit).waitsUntil, start + seconds * 1000)
          assert.lengthOf(lines, 1)
          yield* TestClock.adjust(1)
          yield* the.enter("poll", "GET /")
          assert.lengthOf(lines, 2)
        })
      )
    )
  }

  it.effect("says each wait that follows on another one, with its time", () =>
    use((the, lines) =>
      Effect.gen(function* () {
        for (let hours = 3; hours > 0; hours--) {
          yield* the.refused({ "retry-after": String(hours * 3600) }, 429)
          yield* TestClock.adjust("1 hour")
        }
        assert.deepStrictEqual(
          lines.map((line) => line.match(/until (\S+)/)?.[1]),
          ["09:00:00", "10:00:00", "11:00:00"]
        )
      })
    )
  )

  it.effect("holds requests that an absurd window would hold for years for an hour at most", () =>
    use((the) =>
      Effect.gen(function* () {
        yield* the.learn({ ...usedUp, "x-ratelimit-reset": at(1e9) })
        assert.strictEqual((yield* Effect.flip(the.enter("essential", "GET /"))).until, start + 3_600_000)
      })
    )
  )
})

describe("a refusal", () => {
  const message = (text: string) => ({ message: text, documentation_url: "https://docs.github.com/rest" })
  for (const [what, status, headers, data] of [
    ["a 429 of any kind", 429, {}, ""],
    ["a web page with 403", 403, {}, "<html><body>You have exceeded a secondary rate limit.</body></html>"],
    ["of a user", 403, {}, message("API rate limit exceeded for user ID 7.")],
    ["of an installation", 403, {}, message("API rate limit exceeded for installation ID 7.")],
    ["of the secondary limit", 403, {}, message("You have exceeded a secondary rate limit. Please wait a few minutes")],
    ["of the older name", 403, {}, message("You have triggered an abuse detection mechanism. Please wait")],
    ["blocked for a while", 403, {}, message("… temporarily blocked from content creation. Please retry")],
    ["after wrong sign-ins", 403, {}, message("Maximum number of login attempts exceeded. Please try again later.")],
    [
      "by its documentation",
      403,
      {},
      { message: "no", documentation_url: "https://docs.github.com/#abuse-rate-limits" }
    ],
    ["by what is left", 403, { "x-ratelimit-remaining": "0" }, message("no")],
    ["by a time", 403, { "retry-after": "soon" }, message("no")],
    ["a server that asks for time", 503, { "retry-after": "60" }, "<html>"]
  ] as const) {
    it(`is about a limit: ${what}`, () => assert.isTrue(isLimit(status, headers, data, start)))
  }
  for (const [what, status, headers, data] of [
    ["a permission", 403, {}, message("Resource not accessible by integration")],
    ["an empty header", 403, { "x-ratelimit-remaining": "" }, message("no")],
    ["nothing of the kind", 403, {}, null],
    ["a fault", 503, {}, message("Please try again later")],
    ["a fault with a time that is none", 502, { "retry-after": "0" }, ""],
    ["a missing page", 404, { "retry-after": "60" }, message("rate limit")]
  ] as const) {
    it(`is about something else: ${what}`, () => assert.isFalse(isLimit(status, headers, data, start)))
  }
})

describe("what another host was refused", () => {
  const isOpen = (the: gate.Gate) => Effect.map(Effect.either(the.enter("poll", "GET /")), Either.isRight)

  it.effect("is believed for five minutes, whatever it says; then GitHub is asked before it is believed again", () =>
    use((the) =>
      Effect.gen(function* () {
        yield* the.alsoRefused(7_100_000)
        assert.isFalse(yield* isOpen(the))
        for (let minute = 0; minute < 4; minute++) {
          yield* TestClock.adjust("1 minute")
          yield* the.alsoRefused(Number.MAX_VALUE)
        }
        assert.isFalse(yield* isOpen(the))
        yield* TestClock.adjust("1 minute")
        assert.isTrue(yield* isOpen(the))
        // no host is believed again before GitHub has answered
        yield* the.alsoRefused(7_100_000)
        assert.isTrue(yield* isOpen(the))
        yield* the.learn(headers(4000, 3_600_000, start + 300_000))
        yield* the.alsoRefused(60_000)
        assert.isFalse(yield* isOpen(the))
        yield* TestClock.adjust("1 minute")
        assert.isTrue(yield* isOpen(the))
      })
    )
  )

  it.effect("counts for nothing beside what GitHub said here, and where it is no time", () =>
    use((the) =>
      Effect.gen(function* () {
        for (const wrong of [Number.NaN, -1, 0, Number.NEGATIVE_INFINITY]) yield* the.alsoRefused(wrong)
        assert.isTrue(yield* isOpen(the))
        yield* the.refused({ "retry-after": "1800" })
        yield* the.alsoRefused(1000)
        yield* TestClock.adjust("29 minutes")
        assert.isFalse(yield* isOpen(the))
      })
    )
  )

  it.effect("and times that no date tells leave a limit that can be shown", () =>
    use((the) =>
      Effect.gen(function* () {
        for (const reset of ["9".repeat(300), "1e300", "-5", "9".repeat(400)]) {
          yield* the.learn({ "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4000", "x-ratelimit-reset": reset })
          const { resetAt } = yield* the.limit
          if (resetAt !== null) assert.doesNotThrow(() => new Date(resetAt).toISOString())
        }
      })
    )
  )
})
