import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import type { Additions } from "../../src/job/Additions.ts"
import { PluginError } from "../../src/job/PluginError.ts"
import { Evidence } from "../../src/services/Evidence.ts"
import { ends, queued } from "../fakes/GitHub.ts"
import * as World from "../fakes/world.ts"

const additions = {
  prepare: Option.some("echo prepare"),
  after: Option.some("echo after"),
  variables: [["HTTPS_PROXY", "http://proxy:3128"] as const]
}

type Ended = Effect.Effect<{ readonly code: number; readonly stdout: string; readonly stderr: string }>

const says = (stdout: string): Ended => Effect.succeed({ code: 0, stdout, stderr: "" })

/** A world with a job whose host has both scripts: how they end, what the guest was asked in which order, and the log. */
const made = (ends: { readonly prepare?: Ended; readonly after?: Ended } = {}) => {
  const world = World.make()
  world.github.jobs.set(1, queued(1))
  const asked: Array<{ readonly command: string; readonly stdin: string }> = []
  const { guest } = world.anka
  world.anka.guest = (vm, command, stdin = "") => {
    const line = command.join(" ")
    asked.push({ command: line, stdin })
    if (line === "bash -s prepare.bash") return ends.prepare ?? says("exit 0\nprepared\n")
    if (line === "bash -s after.bash") return ends.after ?? says("exit 0\ncleared\n")
    return guest(vm, command, stdin)
  }
  const log: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => void log.push(`${logLevel.label} ${message}`))
  const saved: Array<Readonly<Record<string, string>>> = []
  const keeper = Layer.succeed(Evidence, {
    isKept: true,
    logsOf: () => Effect.succeed({}),
    save: (name: string, files: Readonly<Record<string, string>>) =>
      Effect.sync(() => {
        saved.push(files)
        return `/jobs/${name}`
      })
  })
  const layer = () => Layer.mergeAll(World.layer(world), keeper, Logger.replace(Logger.defaultLogger, logger))
  const order = () =>
    asked.flatMap(
      ({ command }) => command.match(/(?:prepare|install-runner|start-runner|after)\.bash|runner\.exit/) ?? []
    )
  return { world, asked, order, log, saved, layer }
}

const pass = (given: Effect.Effect<Additions, PluginError> = Effect.succeed(additions)) => World.passWith(given)

const finished = <A, E>(fiber: Fiber.RuntimeFiber<A, E>, seconds = 600) =>
  Effect.gen(function* () {
    for (let second = 0; second < seconds; second++) {
      if (Option.isSome(yield* Fiber.poll(fiber))) return yield* Fiber.join(fiber)
      yield* TestClock.adjust("1 second")
    }
    return assert.fail(`the pass did not end within ${seconds} s`)
  })

const conclusionOf = (world: World.World) =>
  Option.getOrUndefined(world.github.jobs.get(1)?.conclusion ?? Option.none())

describe("the scripts of a host around a job", () => {
  it.effect("run before the runner is there, and after the job with its conclusion", () => {
    const { world, asked, order, log, layer } = made()
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(pass()))
      assert.deepStrictEqual(order(), [
        "prepare.bash",
        "install-runner.bash",
        "start-runner.bash",
        "runner.exit",
        "after.bash"
      ])
      const [prepare, after] = asked.filter(({ command }) => command.startsWith("bash -s"))
      assert.include(prepare?.stdin, "export HTTPS_PROXY='http://proxy:3128'")
      assert.notMatch(prepare?.stdin ?? "", /ANKLET_CONCLUSION=/)
      assert.include(after?.stdin, "export ANKLET_CONCLUSION='success'")
      for (const { command, stdin } of asked)
        if (/(install|start)-runner/.test(command)) assert.include(stdin, "export HTTPS_PROXY=", command)
      assert.include(log, "INFO prepare.bash ended in the VM. Its last lines: prepared")
      assert.include(log, "INFO after.bash ended in the VM. Its last lines: cleared")
      assert.strictEqual(conclusionOf(world), "success")
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(layer()))
  })

  it.effect("after it runs also where the job is over before the start of its runner is reported", () => {
    const { world, order, layer } = made()
    const { guest } = world.anka
    world.anka.guest = (vm, command, stdin) =>
      command.join(" ").includes("start-runner")
        ? Effect.gen(function* () {
            const started = yield* guest(vm, command, stdin)
            yield* Effect.sleep("5 seconds")
            ends(world.github, 1, "success")
            yield* Effect.sleep("60 seconds")
            return started
          })
        : guest(vm, command, stdin)
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(pass()))
      assert.strictEqual(conclusionOf(world), "success")
      assert.strictEqual(order().at(-1), "after.bash")
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(layer()))
  })

  it.effect("get no secret: nothing is registered before the one, and nothing of it is in the other", () => {
    const { world, asked, layer } = made()
    let registered = -1
    world.github.before.createRunner = Effect.sync(() => {
      registered = asked.length
    })
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(pass()))
      const first = asked.findIndex(({ command }) => command === "bash -s prepare.bash")
      assert.isAtLeast(first, 0)
      assert.isBelow(first, registered)
      const secret = asked.find(({ command }) => command.includes("register-runner"))?.stdin.trim() ?? ""
      assert.isNotEmpty(secret)
      for (const { command, stdin } of asked.filter(({ command }) => command.startsWith("bash -s"))) {
        assert.notInclude(stdin, secret, command)
        assert.notInclude(stdin, "canary", command)
      }
    }).pipe(Effect.provide(layer()))
  })

  for (const [what, end, why] of [
    [
      "fails",
      says("exit 3\nno disk\n"),
      /prepare\.bash exited with 3 in the VM: no disk\. The job is tried again in 5 s/
    ],
    [
      "does not end in time",
      says("timeout\nwaiting\n"),
      /prepare\.bash did not end within 20 min and was killed in the VM: waiting/
    ],
    ["says nothing", says("exit 1\n"), /prepare\.bash exited with 1 in the VM: it printed nothing/],
    [
      "is told to have run by an `anka` that did nothing",
      says("{}"),
      /ended in a way that the VM does not tell in the VM/
    ]
  ] as const) {
    it.effect(
      `before it that ${what}: the try fails with its last lines, no runner is made, and nothing is left`,
      () => {
        const { world, order, log, saved, layer } = made({ prepare: end })
        return Effect.gen(function* () {
          yield* finished(yield* Effect.fork(pass()))
          assert.deepStrictEqual(order().slice(0, 1), ["prepare.bash"])
          assert.notInclude(order(), "start-runner.bash")
          assert.match(log.find((line) => line.startsWith("ERROR")) ?? "", why)
          assert.strictEqual(world.github.jobs.get(1)?.status, "queued")
          assert.strictEqual(saved.length, 1)
          assert.deepStrictEqual(World.left(world), World.NOTHING)
        }).pipe(Effect.provide(layer()))
      }
    )
  }

  for (const [what, end, why] of [
    [
      "fails",
      says("exit 3\nno network\n"),
      /^WARN after\.bash exited with 3 in the VM.*\/jobs\/\S+\. Its last lines: no network/
    ],
    ["does not end in time", says("timeout\n"), /^WARN after\.bash did not end within 2 min/],
    ["is never heard of again", Effect.never, /^WARN after\.bash is given up.*2 min 30 s/]
  ] as const) {
    it.effect(`after it that ${what}: one WARN, and the job has ended as it did`, () => {
      const { world, log, layer } = made({ after: end })
      return Effect.gen(function* () {
        // a daemon fiber: one that never ends must fail the test, not hold it up
        const fiber = yield* Effect.forkDaemon(pass())
        for (let n = 0; n < 120 && conclusionOf(world) !== "success"; n++) yield* TestClock.adjust("1 second")
        const since = yield* Clock.currentTimeMillis
        yield* finished(fiber, 200)
        assert.isAtMost((yield* Clock.currentTimeMillis) - since, 170_000)
        const warnings = log.filter((line) => line.startsWith("WARN"))
        assert.strictEqual(warnings.length, 1)
        assert.match(warnings[0] ?? "", why)
        assert.notMatch(log.join("\n"), /^ERROR/m)
        assert.include(log, "INFO job ended: success")
        assert.deepStrictEqual(World.left(world), World.NOTHING)
      }).pipe(Effect.provide(layer()))
    })
  }

  it.effect("after it is left out where the VM is gone: nothing would start it again", () => {
    const { world, order, layer } = made()
    const { guest } = world.anka
    world.anka.guest = (vm, command, stdin) => {
      if (!command.join(" ").includes("runner.exit")) return guest(vm, command, stdin)
      return Effect.gen(function* () {
        const ended = yield* guest(vm, command, stdin)
        const lost = world.anka.vms.get(vm)
        if (lost !== undefined) world.anka.vms.set(vm, { ...lost, status: "stopped" })
        return ended
      })
    }
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(pass()))
      assert.strictEqual(conclusionOf(world), "success")
      assert.notInclude(order(), "after.bash")
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(layer()))
  })

  it.effect("are cut off by a stop, whenever it comes, which leaves nothing", () =>
    Effect.forEach(
      Array.from({ length: 25 }, (_, n) => 2 * n),
      (second) => {
        const slow = (stdout: string): Ended => Effect.delay(says(stdout), "8 seconds")
        const { world, layer } = made({ prepare: slow("exit 0\n"), after: slow("exit 0\n") })
        return Effect.gen(function* () {
          const fiber = yield* Effect.fork(pass())
          for (let n = 0; n < second; n++) yield* TestClock.adjust("1 second")
          yield* finished(yield* Effect.fork(Fiber.interrupt(fiber)), 30)
          assert.deepStrictEqual(World.left(world), World.NOTHING, `${second} s`)
        }).pipe(Effect.provide(layer()))
      },
      { discard: true }
    )
  )

  it.effect("are read before a job is claimed: a host that cannot use them leaves the job to others", () => {
    const { world, layer } = made()
    return Effect.gen(function* () {
      const wrong = new PluginError({ reason: "Failed", detail: "/p/runner.env has a wrong line: line 3: …" })
      const failed = yield* finished(yield* Effect.fork(Effect.flip(pass(Effect.fail(wrong)))))
      assert.strictEqual(failed.message, wrong.message)
      assert.deepStrictEqual(
        world.anka.calls.filter((call) => call.startsWith("clone")),
        []
      )
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(layer()))
  })

  it.effect("after it runs for a job that a killed daemon left, whose files may be wrong by then", () =>
    Effect.forEach(
      [true, false],
      (isRight) => {
        const { world, order, log, layer } = made()
        const wrong = new PluginError({ reason: "Failed", detail: "/p/after.bash is no text" })
        return Effect.gen(function* () {
          yield* Effect.forkDaemon(Effect.provide(pass(), layer()))
          for (let n = 0; n < 200 && world.github.jobs.get(1)?.status !== "in_progress"; n++)
            yield* TestClock.adjust("1 second")
          World.kill(world)
          const next = pass(isRight ? Effect.succeed(additions) : Effect.fail(wrong))
          yield* finished(yield* Effect.fork(Effect.provide(next, layer())))
          assert.strictEqual(conclusionOf(world), "success")
          assert.strictEqual(order().includes("after.bash"), isRight)
          if (!isRight) assert.include(log.join("\n"), "WARN /p/after.bash is no text. It is left out for this job")
          assert.deepStrictEqual(World.left(world), World.NOTHING)
        })
      },
      { discard: true }
    )
  )
})
