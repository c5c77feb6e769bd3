import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { RunnerNamed } from "../../../src/services/Ledger.ts"
import { queued, refused, takes } from "../../fakes/GitHub.ts"
import * as World from "../../fakes/world.ts"

const finished = <A, E>(fiber: Fiber.RuntimeFiber<A, E>, within = 200) =>
  Effect.gen(function* () {
    for (let second = 0; second < within; second++) {
      if (Option.isSome(yield* Fiber.poll(fiber))) return yield* Fiber.join(fiber)
      yield* TestClock.adjust("1 second")
    }
    return yield* Effect.dieMessage(`the fiber did not end within ${within} s`)
  })

const through = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

/** A world with one queued job, and what its log says. */
const make = () => {
  const world = World.make()
  world.github.jobs.set(1, queued(1))
  const lines: Array<{ readonly level: string; readonly text: string }> = []
  const logger = Logger.make(({ logLevel, message }) => void lines.push({ level: logLevel.label, text: `${message}` }))
  return {
    world,
    layer: Layer.merge(World.layer(world), Logger.replace(Logger.defaultLogger, logger)),
    at: (level: string) => lines.filter((line) => line.level === level).map(({ text }) => text)
  }
}

/** The runner starts, and goes on until the job that it has is over; its log in the VM says this. */
const runnerSays = (world: World.World, log: () => string) => {
  const guest = world.anka.guest
  world.anka.guest = (vm, command, stdin) => {
    const line = command.join(" ")
    if (line.includes("start-runner")) return Effect.succeed({ code: 0, stdout: "", stderr: "" })
    if (line.includes("cat runner.exit")) return Effect.never
    if (line.includes("runner.log")) return Effect.sync(() => ({ code: 0, stdout: log(), stderr: "" }))
    return guest(vm, command, stdin)
  }
}

const WAITING = "√ Connected to GitHub\n\n2026-01-01 00:00:00Z: Listening for Jobs\n"
const AT_WORK = `${WAITING}2026-01-01 00:00:01Z: Running job: build\n`
const clones = (world: World.World) => world.anka.calls.filter((call) => call.startsWith("clone")).length
const denied = (what: string) => refused("NotFound", what)

describe("a job that GitHub does not know any more", () => {
  for (const [when, seconds] of [
    ["its VM is cloned", 3],
    ["its VM boots", 5],
    ["its runner is installed", 9]
  ] as const) {
    it.effect(`while ${when}: VM and runner go, with one line at INFO`, () => {
      const { world, layer, at } = make()
      runnerSays(world, () => WAITING)
      return Effect.gen(function* () {
        const fiber = yield* Effect.fork(World.pass())
        yield* through(seconds)
        world.github.jobs.clear()
        yield* finished(fiber, 20)
        assert.deepStrictEqual(World.left(world), World.NOTHING)
        assert.strictEqual(at("INFO").filter((text) => text.includes("does not know the job any more")).length, 1)
        assert.deepStrictEqual([...at("WARN"), ...at("ERROR")], [])
      }).pipe(Effect.provide(layer))
    })
  }

  for (const [what, vanish] of [
    ["and its run was deleted", () => {}],
    ["nor its repository and runner", (world: World.World) => world.github.runners.clear()]
  ] as const) {
    it.effect(`while its runner waits, ${what}: VM and runner go within the timeout`, () => {
      const { world, layer, at } = make()
      runnerSays(world, () => WAITING)
      return Effect.gen(function* () {
        const fiber = yield* Effect.fork(World.pass())
        yield* through(25)
        world.github.jobs.clear()
        vanish(world)
        yield* finished(fiber, 20)
        assert.deepStrictEqual(World.left(world), World.NOTHING)
        assert.strictEqual(at("INFO").filter((text) => text.includes("does not know the job any more")).length, 1)
        assert.deepStrictEqual([...at("WARN"), ...at("ERROR")], [])
        assert.strictEqual(clones(world), 1)
      }).pipe(Effect.provide(layer))
    })
  }

  it.effect("between look and claim gets no VM, and is no error", () => {
    const { world, layer, at } = make()
    world.github.before.job = Effect.sync(() => world.github.jobs.clear())
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.deepStrictEqual(
        world.ledger.entries.map(({ _tag }) => _tag),
        ["Claimed", "Closed"]
      )
      assert.deepStrictEqual([...at("WARN"), ...at("ERROR")], [])
    }).pipe(Effect.provide(layer))
  })

  it.effect("when its runner is to be registered is no error", () => {
    const { world, layer, at } = make()
    world.github.before.createRunner = Effect.suspend(() => {
      world.github.jobs.clear()
      return denied("POST generate-jitconfig")
    })
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.deepStrictEqual(World.left(world), World.NOTHING)
      assert.deepStrictEqual([...at("WARN"), ...at("ERROR")], [])
    }).pipe(Effect.provide(layer))
  })

  it.effect("for one answer only is not let go", () => {
    const { world, layer } = make()
    let asked = 0
    world.github.before.job = Effect.suspend(() => (asked++ % 2 === 0 ? denied("GET job") : Effect.void))
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.strictEqual(Option.getOrNull(world.github.jobs.get(1)?.conclusion ?? Option.none()), "success")
      assert.strictEqual(clones(world), 1)
    }).pipe(Effect.provide(layer))
  })

  for (const adopted of [false, true]) {
    const how = adopted ? ", also when adopted" : ""
    it.effect(`because the credential lost its access is not ended while it runs${how}`, () => {
      const { world } = make()
      let log = WAITING
      runnerSays(world, () => log)
      // a killed life hangs in its clean-up for ever: nothing of it belongs to the test's own scope
      const life = () => Effect.forkDaemon(Effect.provide(World.pass(), World.layer(world)))
      return Effect.gen(function* () {
        const first = yield* life()
        yield* through(25)
        takes(world.github, [...world.github.runners.values()][0]?.name ?? "", 1)
        log = AT_WORK
        yield* through(15)
        world.github.before.job = Effect.suspend(() => denied("GET job"))
        world.github.runners.clear()
        if (adopted) World.kill(world)
        const last = adopted ? yield* life() : first
        yield* through(120)
        assert.strictEqual(world.anka.vms.size, 1)
        // the runner says by itself that it has ended
        log = `${AT_WORK}2026-01-01 00:00:09Z: Job build completed with result: Succeeded\n`
        yield* finished(last)
        assert.deepStrictEqual(World.left(world), World.NOTHING)
      })
    })
  }

  it.effect("leaves no runner in the ledger that is known by its name alone", () => {
    const { world, layer } = make()
    world.github.jobs.clear()
    world.ledger.entries.push(
      RunnerNamed.make({
        runner: "anklet-vm-left",
        vm: "anklet-vm-00000000-0000-4000-8000-000000000000" as never,
        job: "github:o/r/7" as never,
        service: "RUNNER1",
        detail: { level: { owner: "o", repo: "r" }, job: { owner: "o", repo: "r", id: 7 } }
      })
    )
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.deepStrictEqual(World.left(world).ledger, [])
    }).pipe(Effect.provide(layer))
  })
})

describe("a job that GitHub calls queued although its run is over", () => {
  for (const [what, run] of [
    ["with startup_failure", { status: "completed", conclusion: Option.some("startup_failure"), attempt: 1 }],
    ["and was run again", { status: "queued", conclusion: Option.none(), attempt: 2 }]
  ] as const) {
    it.effect(`${what}: is let go within the timeout, without a second VM and without an error`, () => {
      const { world, layer, at } = make()
      runnerSays(world, () => WAITING)
      return Effect.gen(function* () {
        const fiber = yield* Effect.fork(World.pass())
        yield* through(3)
        world.github.runs.set(101, run)
        yield* finished(fiber, 80)
        assert.deepStrictEqual(World.left(world), World.NOTHING)
        assert.strictEqual(clones(world), 1)
        assert.deepStrictEqual([...at("WARN"), ...at("ERROR")], [])
      }).pipe(Effect.provide(layer))
    })
  }

  it.effect("is asked for seldom: a healthy job costs no such question", () => {
    const { world, layer } = make()
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.deepStrictEqual(
        world.github.calls.filter((call) => call.startsWith("run ")),
        []
      )
    }).pipe(Effect.provide(layer))
  })

  it.effect("a run that is told from before it was run again does not count", () => {
    const { world, layer } = make()
    world.github.jobs.set(1, queued(1, { runAttempt: 2 }))
    world.github.runs.set(101, { status: "completed", conclusion: Option.some("failure"), attempt: 1 })
    world.anka.takes.run = "40 seconds"
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()), 400)
      assert.include(world.github.calls, "run 101")
      assert.strictEqual(Option.getOrNull(world.github.jobs.get(1)?.conclusion ?? Option.none()), "success")
    }).pipe(Effect.provide(layer))
  })
})

describe("a runner that gets no job", () => {
  const TOO_OLD = "Runner version v2.285.0 is deprecated and cannot receive messages."
  /** The runner ends at once. */
  const endsAtOnce = (world: World.World, log: string) => {
    const guest = world.anka.guest
    world.anka.guest = (vm, command, stdin) => {
      const line = command.join(" ")
      if (line.includes("start-runner")) return Effect.succeed({ code: 0, stdout: "", stderr: "" })
      if (line.includes("runner.exit")) return Effect.succeed({ code: 0, stdout: "7\n", stderr: "" })
      if (line.includes("runner.log")) return Effect.succeed({ code: 0, stdout: log, stderr: "" })
      return guest(vm, command, stdin)
    }
  }

  it.effect("because it is too old: the error ends with the last lines of its log, and names its exit code", () => {
    const { world, layer, at } = make()
    endsAtOnce(
      world,
      `${"x\n".repeat(5000)}√ Connected to GitHub\n\n\u001b[31mAn error occurred: ${TOO_OLD}\u001b[0m\r\n`
    )
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      const [error = "", ...more] = at("ERROR")
      assert.deepStrictEqual(more, [])
      assert.match(error, /exit code 7/)
      assert.isTrue(error.endsWith(` | An error occurred: ${TOO_OLD}`), error)
      assert.isBelow(error.length, 1500)
    }).pipe(Effect.provide(layer))
  })

  it.effect("gives no secret and no control character to the log, and never its configuration", () => {
    const { world, layer, at } = make()
    const jit = Buffer.from(JSON.stringify({ ".runner": "x".repeat(300) })).toString("base64")
    const hostile = `+ echo ${jit}\ntoken: hunter2hunter2\nAuthorization: Bearer abc.def\nghs_0123456789abcdef\n\u001b]0;owned\u0007\u202eend\u2028`
    endsAtOnce(world, hostile)
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      const text = [...at("ERROR"), ...at("WARN"), ...at("INFO"), ...at("DEBUG")].join("")
      for (const secret of [jit.slice(10, 40), "hunter2", "abc.def", "ghs_0123"]) assert.notInclude(text, secret)
      assert.notMatch(text, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      assert.include(text, "end")
    }).pipe(Effect.provide(layer))
  })

  it.effect("and in a VM that does not answer: its log holds the clean-up up for seconds only", () => {
    const { world, layer, at } = make()
    endsAtOnce(world, "")
    const guest = world.anka.guest
    world.anka.guest = (vm, command, stdin) =>
      command.join(" ").includes("tail -c")
        ? Effect.as(Effect.sleep("10 seconds"), { code: 125, stdout: "", stderr: "" })
        : guest(vm, command, stdin)
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()), 100)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
      assert.strictEqual(at("ERROR").length, 1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("although it is online, in an organisation: the error names runner groups and public repositories", () => {
    const { world, layer, at } = make()
    runnerSays(world, () => {
      return WAITING
    })
    world.github.before.runner = Effect.sync(() => {
      for (const [id, runner] of world.github.runners) world.github.runners.set(id, { ...runner, online: true })
    })
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass("RUNNER1", { registration: Option.some("org") })), 300)
      assert.match(at("ERROR").join(), /runner group .*"Allow public repositories".*Listening for Jobs$/)
    }).pipe(Effect.provide(layer))
  })

  it.effect("because its start fails: the error has what the start said, and the last lines of its log", () => {
    const { world, layer, at } = make()
    const guest = world.anka.guest
    world.anka.guest = (vm, command, stdin) => {
      const line = command.join(" ")
      if (line.includes("start-runner")) return Effect.succeed({ code: 1, stdout: "", stderr: "it did not start\n" })
      if (line.includes("runner.log")) return Effect.succeed({ code: 0, stdout: "libicu is missing\n", stderr: "" })
      return guest(vm, command, stdin)
    }
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.match(at("ERROR").join(), /it did not start\. The last lines of its runner.log: libicu is missing/)
    }).pipe(Effect.provide(layer))
  })
})
