import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import * as Reconcile from "../../src/daemon/Reconcile.ts"
import { NONE } from "../../src/job/Additions.ts"
import * as Direct from "../../src/job/Direct.ts"
import type { DirectCi, DirectState, Result } from "../../src/job/DirectCi.ts"
import * as Pass from "../../src/job/Pass.ts"
import { AnkaError } from "../../src/services/Anka.ts"
import { type Mortal, mortal } from "../fakes/life.ts"
import { NodeContext } from "../fakes/platform.ts"
import * as World from "../fakes/world.ts"

/** A CI with one job, its VMs, and what became of the job. */
interface Shop extends Mortal {
  readonly world: World.World
  state: DirectState
  /** Number of times that the script was started. */
  starts: number
  readonly results: Array<Result>
  /** What the job's script ends with, and after which time. */
  exitCode: string
  takes: Duration.DurationInput
  /** What the CI does before it takes a result. */
  before: Effect.Effect<void, unknown>
  ci: Partial<DirectCi<never>>
}

const make = (): Shop => {
  const world = World.make()
  const shop: Shop = {
    ...{ life: 0, world, state: "queued", starts: 0, results: [], exitCode: "0" },
    ...{ takes: "10 seconds", before: Effect.void, ci: {} }
  }
  const ends = new Map<string, Effect.Effect<void>>()
  world.anka.guest = (vm, command) => {
    const line = command.join(" ")
    const says = (code: number, stdout = "") => ({ code, stdout, stderr: "" })
    if (line.includes("start.bash")) {
      return Effect.gen(function* () {
        shop.starts++
        const fiber = yield* Effect.forkDaemon(Effect.sleep(shop.takes))
        ends.set(vm, Effect.asVoid(Fiber.join(fiber)))
        return says(0)
      })
    }
    if (line.includes("for i in {1..")) return Effect.sync(() => says(ends.has(vm) ? 0 : 1))
    if (line.includes("job.exit"))
      return Effect.suspend(() => Effect.as(ends.get(vm) ?? Effect.never, says(0, `${shop.exitCode}\n`)))
    return Effect.succeed(says(0, line.includes("tail") ? "one\ntwo\n" : ""))
  }
  return shop
}

const ciOf = (shop: Shop) => {
  const dies = mortal(shop)
  const ci: DirectCi<never> = {
    scope: "shop",
    poll: dies(
      Effect.sync(() => (shop.state === "queued" ? [{ id: "a", template: { id: "template", tag: "v1" } }] : []))
    ),
    state: () => dies(Effect.sync(() => shop.state)),
    script: () => dies(Effect.succeed({ bash: "make it" })),
    finish: (_, result) =>
      dies(
        Effect.zipRight(
          shop.before,
          Effect.sync(() => {
            shop.results.push(result)
            shop.state = "completed"
          })
        )
      ),
    ...shop.ci
  }
  return Direct.ciOf("folder", "RUNNER1", ci)
}

const pass = (shop: Shop) =>
  Effect.scoped(
    Pass.run(
      {
        name: "RUNNER1",
        sleepInterval: Duration.seconds(10),
        registry: Option.none(),
        checkFiles: Effect.void,
        additions: Effect.succeed(NONE)
      },
      ciOf(shop)
    )
  )

/** What a daemon does at its start, then passes until nothing is left to do. */
const life = (shop: Shop, passes: number) =>
  Effect.gen(function* () {
    const strangers = yield* Ref.make<Reconcile.Strangers>(new Map())
    yield* Reconcile.audit(new Set(["RUNNER1"]), Effect.succeed([]), strangers)
    for (let n = 0; n < passes; n++) {
      yield* Effect.ignore(pass(shop))
      yield* Effect.sleep("11 seconds")
    }
  }).pipe(Effect.provide(Layer.merge(World.layer(shop.world), NodeContext)))

const through = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

/** Wait for a fiber, with the clock going on in steps of this number of seconds. */
const finished = <A, E>(fiber: Fiber.RuntimeFiber<A, E>, step = 1) =>
  Effect.gen(function* () {
    for (let second = 0; second < 400; second += step) {
      if (Option.isSome(yield* Fiber.poll(fiber))) return yield* Fiber.join(fiber)
      yield* TestClock.adjust(Duration.seconds(step))
    }
    return yield* Effect.dieMessage("the fiber did not end within 400 s")
  })

const RESULT: Result = { exitCode: 0, log: "one\ntwo\n" }

const kill = (shop: Shop) => {
  World.kill(shop.world)
  shop.life++
}

/** What is logged at WARNING or above. */
const heard = (into: Array<string>) =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ logLevel, message }) => {
      if (logLevel.ordinal >= 30_000) into.push([message].flat().join(" "))
    })
  )

describe("a job that is a script", () => {
  it.effect("runs in a VM of its own; its exit code and log are reported, and nothing is left", () => {
    const shop = make()
    shop.exitCode = "3"
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(life(shop, 2)))
      assert.deepStrictEqual(shop.results, [{ ...RESULT, exitCode: 3 }])
      assert.strictEqual(shop.starts, 1)
      assert.deepStrictEqual(World.left(shop.world), World.NOTHING)
    })
  })

  it.effect("interrupted at every second goes back, and runs later; nothing is left", () =>
    Effect.forEach(
      Array.from({ length: 26 }, (_, second) => second),
      (second) => {
        const shop = make()
        return Effect.gen(function* () {
          const fiber = yield* Effect.fork(pass(shop))
          yield* through(second)
          yield* finished(yield* Effect.fork(Fiber.interrupt(fiber)))
          assert.deepStrictEqual(World.left(shop.world), World.NOTHING, `interrupted after ${second} s`)
          // the next poll is due then
          yield* through(10)
          yield* finished(yield* Effect.fork(pass(shop)))
          assert.deepStrictEqual(shop.results, [RESULT], `interrupted after ${second} s`)
        }).pipe(Effect.provide(World.layer(shop.world)))
      },
      { discard: true }
    )
  )

  it.effect("runs once although the daemon is killed, before and after every one of its effects", () =>
    Effect.gen(function* () {
      let total = Number.POSITIVE_INFINITY
      for (let nth = 1; nth <= total; nth++) {
        const shop = make()
        let asked = 0
        let lives = 0
        // each effect looks before and after whether it still lives
        const counted = { get: () => (++asked === nth ? ++lives : lives) }
        for (const part of [shop, shop.world.anka, shop.world.ledger]) Object.defineProperty(part, "life", counted)
        yield* Effect.forkDaemon(life(shop, 1))
        for (let n = 0; n < 8; n++) yield* TestClock.adjust("5 seconds")
        if (lives === 0) {
          total = nth
          assert.isAbove(total, 60)
        }
        yield* finished(yield* Effect.fork(life(shop, 3)), 5)
        assert.deepStrictEqual(shop.results, [RESULT], `killed at ${nth}`)
        assert.strictEqual(shop.starts, 1, `killed at ${nth}`)
        assert.deepStrictEqual(World.left(shop.world), World.NOTHING, `killed at ${nth}`)
      }
    })
  )

  it.effect("that ended while no daemon ran is reported by the next one", () => {
    const shop = make()
    return Effect.gen(function* () {
      yield* Effect.forkDaemon(life(shop, 1))
      yield* through(14)
      assert.strictEqual(shop.starts, 1)
      kill(shop)
      yield* through(60)
      assert.deepStrictEqual(shop.results, [])
      yield* finished(yield* Effect.fork(life(shop, 1)))
      assert.deepStrictEqual(shop.results, [RESULT])
      assert.strictEqual(shop.starts, 1)
    })
  })

  it.effect("whose VM is lost runs again in another one", () => {
    const shop = make()
    const { anka } = shop.world
    let isLost = false
    anka.instead.run = Effect.suspend(() => {
      if (isLost || shop.starts === 0) return Effect.void
      isLost = true
      anka.vms.clear()
      return new AnkaError({ reason: "NotFound", command: "anka run", detail: "no such VM" })
    })
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(life(shop, 1)))
      assert.deepStrictEqual(shop.results, [RESULT])
      assert.strictEqual(shop.starts, 2)
      assert.deepStrictEqual(World.left(shop.world), World.NOTHING)
    })
  })

  it.effect("whose exit code is lost is not taken for a success", () => {
    const shop = make()
    shop.exitCode = ""
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(life(shop, 1)))
      assert.deepStrictEqual(shop.results, [])
      assert.deepStrictEqual(World.left(shop.world), World.NOTHING)
    })
  })

  for (const state of ["cancelled", "gone"] as const) {
    it.effect(`that is ${state} while it runs is stopped, and not reported`, () => {
      const shop = make()
      shop.takes = "1 hour"
      return Effect.gen(function* () {
        const fiber = yield* Effect.fork(life(shop, 1))
        yield* through(30)
        assert.strictEqual(shop.starts, 1)
        shop.state = state
        yield* finished(fiber)
        assert.deepStrictEqual(shop.results, [])
        assert.deepStrictEqual(World.left(shop.world), World.NOTHING)
      })
    })
  }

  it.effect("is reported again while its CI does not take the result, with one warning", () => {
    const shop = make()
    const said: Array<string> = []
    let tries = 0
    shop.before = Effect.suspend(() => (++tries < 8 ? Effect.fail({ message: "no space" }) : Effect.void))
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(life(shop, 1)))
      assert.deepStrictEqual(shop.results, [RESULT])
      assert.strictEqual(shop.starts, 1)
      assert.deepStrictEqual(said, [
        "plugin folder cannot take the result of a job: no space. That is tried again for an hour"
      ])
    }).pipe(Effect.provide(heard(said)))
  })

  it.effect("is over, too, where its CI does not want the result any more", () => {
    const shop = make()
    shop.before = Effect.suspend(() => {
      shop.state = "gone"
      return Effect.fail({ message: "no such job" })
    })
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(life(shop, 3)))
      assert.deepStrictEqual(shop.results, [])
      assert.strictEqual(shop.starts, 1)
      assert.deepStrictEqual(World.left(shop.world), World.NOTHING)
    })
  })

  it.effect("is reported to its end by a stop that comes meanwhile, and does not run again", () => {
    const shop = make()
    shop.before = Effect.sleep("20 seconds")
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(pass(shop))
      yield* through(30)
      assert.deepStrictEqual(shop.results, [])
      yield* finished(yield* Effect.fork(Fiber.interrupt(fiber)))
      assert.deepStrictEqual(shop.results, [RESULT])
      yield* finished(yield* Effect.fork(pass(shop)))
      assert.strictEqual(shop.starts, 1)
      assert.deepStrictEqual(World.left(shop.world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(shop.world)))
  })

  it.effect("whose plugin throws is tried later, and not at once", () => {
    const shop = make()
    const said: Array<string> = []
    shop.ci = {
      script: () => {
        throw new Error("a fault")
      }
    }
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(pass(shop)))
      assert.deepStrictEqual(said, ["plugin folder has no script for a job: a fault. The job is tried again in 5 s"])
      assert.deepStrictEqual(World.left(shop.world), World.NOTHING)
    }).pipe(Effect.provide(Layer.merge(World.layer(shop.world), heard(said))))
  })

  it.effect("that nothing can be made of leaves the others alone", () => {
    const shop = make()
    const said: Array<string> = []
    const template = { id: "template", tag: "v1" }
    shop.ci = {
      poll: Effect.succeed([
        { id: "", template },
        { id: "b", template: { id: "-rf" } },
        { id: "c", template, detail: "x".repeat(20_000) },
        { id: "a", template }
      ])
    }
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(pass(shop)))
      assert.deepStrictEqual(shop.results, [RESULT])
      assert.strictEqual(said.filter((line) => line.startsWith("a job of plugin folder is left out")).length, 3)
    }).pipe(Effect.provide(Layer.merge(World.layer(shop.world), heard(said))))
  })
})
