import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { DaemonInfo } from "../../src/control/DaemonInfo.ts"
import * as Health from "../../src/control/Health.ts"
import { Activity, type Doing } from "../../src/services/Activity.ts"
import { Coordinators } from "../../src/services/Coordinators.ts"
import * as World from "../fakes/world.ts"

/** What `/healthz` says of a service, so many seconds after it began to do something. */
const answered = (seconds: number, doing: (now: number) => Doing) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const activity = yield* Activity
    const ledger = `${yield* fs.makeTempDirectoryScoped()}/ledger.jsonl`
    yield* fs.writeFileString(ledger, "")
    const startedAt = yield* Clock.currentTimeMillis
    yield* activity.of({ name: "RUNNER1", plugin: "github" }).state(doing(startedAt))
    yield* TestClock.adjust(`${seconds} seconds`)
    return yield* Effect.provideService(Health.answer(), DaemonInfo, { config: "", ledger, startedAt, services: [] })
  }).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(Activity.layer, world(), alone, NodeContext.layer)))

/** A host whose `anka` answers at once. */
const world = () => {
  const made = World.make()
  delete made.anka.takes.list
  return World.layer(made)
}

const nobody = () => assert.fail("nobody asks for a queue")
const alone = Layer.succeed(Coordinators, { of: nobody, viewOf: nobody, views: [], stores: Effect.succeed([]) })

describe("health", () => {
  it.effect("is lost with a service whose next pass is overdue, or that looks for work without end", () =>
    Effect.gen(function* () {
      const waiting = (now: number): Doing => ({ _tag: "Waiting", why: "", until: now + 10_000 })
      const failing = (now: number): Doing => ({ _tag: "Failing", why: "x", failures: 3, until: now + 300_000 })
      const looking = (): Doing => ({ _tag: "Looking" })
      for (const [doing, well, ill, what] of [
        [waiting, 60, 80, /^service RUNNER1 should have looked for work 70 s ago$/m],
        [failing, 350, 370, /^service RUNNER1 should have looked for work 70 s ago$/m],
        [looking, 590, 610, /^service RUNNER1 has been looking for work for 610 s$/m]
      ] as const) {
        const before = yield* answered(well, doing)
        assert.strictEqual(before.status, 200)
        assert.strictEqual(
          before.body.split("\n")[0],
          doing === failing ? "not accepting jobs: service RUNNER1 fails: x" : "well"
        )
        const { status, body } = yield* answered(ill, doing)
        assert.strictEqual(status, 503)
        assert.match(body, what)
      }
    })
  )

  it.effect("stays with a service that has drained", () =>
    Effect.map(
      answered(86_400, () => ({ _tag: "Drained" })),
      ({ status, body }) => {
        assert.strictEqual(status, 200)
        assert.strictEqual(body, "well\nRUNNER1: drained\n")
      }
    )
  )
})
