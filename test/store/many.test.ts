import { assert, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { classOf } from "../../src/services/Coordinator.ts"
import { poll } from "../fakes/polling.ts"
import { databaseAt, job, member, SCOPE } from "./member.ts"
import { start } from "./server.ts"

const HOSTS = 50
const JOBS = 10_000

it.scopedLive(`${HOSTS} hosts share ${JOBS} jobs: each job is claimed once, with an epoch of its own`, () =>
  Effect.gen(function* () {
    const server = yield* Effect.acquireRelease(
      Effect.promise(() => start()),
      (server) => Effect.promise(server.close)
    )
    const hosts = yield* Effect.forEach(
      Array.from({ length: HOSTS }, (_, n) => `mac-${n}`),
      (name) => Effect.tap(member(databaseAt(server.port), { name }), (it) => it.join(SCOPE, "repo")),
      { concurrency: 10 }
    )
    const [first] = hosts
    if (first === undefined) return assert.fail("no host")
    const jobs = Array.from({ length: JOBS }, (_, n) => job(n, `t${n % 8}`))
    const classes = [...new Set(jobs.map(classOf))]
    yield* poll(first, SCOPE, { service: "A", every: Duration.zero, look: Effect.succeed({ jobs }) })
    const claims: Array<string> = []
    const epochs = new Set<number>()
    yield* Effect.forEach(
      hosts.flatMap((host) => ["A", "B"].map((service) => ({ host, service }))),
      ({ host, service }) =>
        Effect.gen(function* () {
          while (true) {
            const claim = yield* host.claim(SCOPE, service, classes)
            if (Option.isNone(claim)) return
            claims.push(claim.value.job.key)
            epochs.add(claim.value.epoch)
            yield* host.finish(claim.value)
          }
        }),
      { concurrency: "unbounded" }
    )
    assert.strictEqual(claims.length, JOBS)
    assert.strictEqual(new Set(claims).size, JOBS)
    assert.strictEqual(epochs.size, JOBS)
    // the oldest went first, as far as a hundred hands at once can tell
    const late = claims.indexOf(`${jobs.at(-1)?.key}`)
    assert.isAbove(late, JOBS - 500)
  })
)
