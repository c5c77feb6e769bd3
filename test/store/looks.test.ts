import { assert, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import { RULES } from "../../src/services/Coordinator.ts"
import { poll } from "../fakes/polling.ts"
import { databaseAt, member, SCOPE } from "./member.ts"
import { start } from "./server.ts"

/** Interval of the passes of every service. */
const EVERY = Duration.millis(200)
/** A turn lasts two intervals and the grace; a Mac whose services all have jobs looks less often than that. */
const TURN = Duration.toMillis(EVERY) * 2 + RULES.grace
const APART = Duration.millis(TURN + 500)

/** When each of the first looks of a fleet on a Redis of its own began: all its Macs are busy, and ask all the time. */
const looksOf = (macs: number, count: number) =>
  Effect.gen(function* () {
    const server = yield* Effect.acquireRelease(
      Effect.promise(() => start()),
      (server) => Effect.promise(server.close)
    )
    const looks = yield* Queue.unbounded<number>()
    const look = Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.as(Queue.offer(looks, now), { jobs: [] }))
    const members = yield* Effect.forEach(
      Array.from({ length: macs }, (_, n) => `mac-${n}`),
      (name) => Effect.tap(member(databaseAt(server.port), { name, services: ["A"] }), (it) => it.join(SCOPE, "repo")),
      { concurrency: 10 }
    )
    const asking = yield* Effect.forkScoped(
      Effect.forEach(
        members,
        (mac) =>
          poll(mac, SCOPE, { service: "A", every: EVERY, apart: APART, look }).pipe(
            Effect.zipRight(Effect.sleep(EVERY)),
            Effect.forever
          ),
        { concurrency: "unbounded" }
      )
    )
    const times = Effect.map(Queue.takeN(looks, count), (times) => [...times])
    return yield* Effect.raceFirst(times, Fiber.join(asking))
  }).pipe(Effect.scoped)

it.live("of a busy fleet one Mac looks at a time, however many share the Redis", () =>
  Effect.forEach(
    [1, 4, 20],
    (macs) =>
      Effect.map(looksOf(macs, 3), (times) => {
        const between = times.slice(1).map((at, n) => at - (times[n] ?? 0))
        // a look begins a moment after its turn was granted, and on a busy machine later
        for (const milliseconds of between) assert.isAtLeast(milliseconds, TURN / 2, `${macs} Macs: ${between}`)
      }),
    { concurrency: "unbounded" }
  )
)
