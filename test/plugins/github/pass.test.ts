import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Service from "../../../src/daemon/Service.ts"
import { JobKey } from "../../../src/domain/Job.ts"
import { nameOf } from "../../../src/plugins/github/runner.ts"
import { AnkaError } from "../../../src/services/Anka.ts"
import * as Capacity from "../../../src/services/Capacity.ts"
import { ends, LABELS, queued, refused, takes } from "../../fakes/GitHub.ts"
import * as FakeLedger from "../../fakes/Ledger.ts"
import * as World from "../../fakes/world.ts"

/** Let a pass run through a span of time, one second after the other. */
const through = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

const finished = <A, E>(fiber: Fiber.RuntimeFiber<A, E>, within = 200) =>
  Effect.gen(function* () {
    for (let second = 0; second < within; second++) {
      if (Option.isSome(yield* Fiber.poll(fiber))) return yield* Fiber.join(fiber)
      yield* TestClock.adjust("1 second")
    }
    return yield* Effect.dieMessage(`the fiber did not end within ${within} s`)
  })

/** Runners start in this world, and nothing is heard of them. */
const neverOnline = (world: World.World) => {
  const guest = world.anka.guest
  world.anka.guest = (vm, command, stdin) =>
    command.join(" ").includes("start-runner")
      ? Effect.succeed({ code: 0, stdout: "", stderr: "" })
      : command.join(" ").includes("runner.exit")
        ? Effect.never
        : guest(vm, command, stdin)
}

describe("a pass", () => {
  it.effect("sees one queued job through and leaves a clean host", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.deepStrictEqual(World.left(world), World.NOTHING)
      assert.strictEqual(Option.getOrNull(world.github.jobs.get(1)?.conclusion ?? Option.none()), "success")
      assert.isTrue(world.anka.calls.some((call) => call.startsWith("clone template:v1 anklet-vm-")))
      assert.isFalse(world.anka.calls.some((call) => call.startsWith("pull")))
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("registers the runner for exactly the job's labels, verbatim", () => {
    const world = World.make()
    const labels = [...LABELS, "it's", '"q" $(id) `id` ; && \n 🍏', "run-id:101"]
    world.github.jobs.set(1, queued(1, { labels }))
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.deepStrictEqual([...world.github.labels.values()], [labels])
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("interrupted at every second of a job, leaves no VM, no runner, no claim", () =>
    Effect.forEach(
      Array.from({ length: 32 }, (_, second) => second),
      (second) => {
        const world = World.make()
        world.github.jobs.set(
          1,
          queued(1, { labels: [...LABELS.filter((label) => !label.includes("tag")), "run-id:101"] })
        )
        return Effect.gen(function* () {
          const fiber = yield* Effect.fork(World.pass())
          yield* through(second)
          const stop = yield* Effect.fork(Fiber.interrupt(fiber))
          yield* finished(stop)
          assert.deepStrictEqual(World.left(world), World.NOTHING, `interrupted after ${second} s`)
        }).pipe(Effect.provide(World.layer(world)))
      },
      { discard: true }
    )
  )

  it.effect("two services and one job make one VM; two services and two jobs make two", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    return Effect.gen(function* () {
      const both = yield* Effect.fork(Effect.all([World.pass("A"), World.pass("B")], { concurrency: 2 }))
      yield* finished(both)
      assert.strictEqual(world.anka.calls.filter((call) => call.startsWith("clone")).length, 1)
      assert.strictEqual(world.github.calls.filter((call) => call.startsWith("look")).length, 1)
      world.github.jobs.set(2, queued(2))
      world.github.jobs.set(3, queued(3))
      yield* TestClock.adjust("10 seconds")
      yield* finished(yield* Effect.fork(Effect.all([World.pass("A"), World.pass("B")], { concurrency: 2 })))
      assert.strictEqual(world.anka.calls.filter((call) => call.startsWith("clone")).length, 3)
      assert.strictEqual(world.anka.peak, 2)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("takes nothing on a full host, and nothing when `anka list` fails", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    for (const name of ["one", "two"]) {
      world.anka.vms.set(name, { uuid: name, name, status: "running", tag: Option.none(), ip: Option.none() })
    }
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.isFalse(world.anka.calls.some((call) => call.startsWith("clone")))
      world.anka.instead.list = Effect.fail(ankaFailed)
      const exit = yield* finished(yield* Effect.fork(Effect.exit(World.pass())))
      assert.isTrue(Exit.isFailure(exit))
      assert.isFalse(world.anka.calls.some((call) => call.startsWith("clone")))
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("claims no job whose VM does not fit, and reserves for its own no more than that one needs", () => {
    const world = World.make()
    const ofTemplate = (id: string) => ({ labels: [...LABELS.slice(0, 2), `anka-template:${id}`, LABELS[3] ?? ""] })
    for (const [name, memory] of [
      ["small", 4],
      ["large", 12]
    ] as const) {
      world.anka.tags.set(name, ["v1"])
      world.anka.memory.set(name, memory)
    }
    // runners take the job that is listed first, hosts the one that is older
    const large = queued(1, { ...ofTemplate("large"), createdAt: 1 })
    world.github.jobs.set(2, queued(2, { ...ofTemplate("small"), createdAt: 2 }))
    world.github.jobs.set(1, large)
    world.anka.vms.set("theirs", {
      ...{ uuid: "theirs", name: "theirs", status: "running", tag: Option.none(), ip: Option.none() },
      memory: 8
    })
    const cloned = () =>
      world.anka.calls.filter((call) => call.startsWith("clone")).map((call) => call.split(/[ :]/)[1])
    return Effect.gen(function* () {
      const mac = { vms: 2, memory: 16, cores: 8 }
      const capacity = yield* Capacity.make(mac, mac)
      const both = Effect.all([World.pass("A"), World.pass("B")], { concurrency: 2 }).pipe(
        Effect.provideService(Capacity.Capacity, capacity)
      )
      yield* finished(yield* Effect.fork(both))
      assert.deepStrictEqual(cloned(), ["small"])
      world.anka.vms.delete("theirs")
      world.github.jobs.delete(1)
      world.github.jobs.set(3, queued(3, { ...ofTemplate("small"), createdAt: 0 }))
      world.github.jobs.set(1, large)
      yield* TestClock.adjust("10 seconds")
      yield* finished(yield* Effect.fork(both))
      assert.deepStrictEqual(cloned(), ["small", "small", "large"])
      assert.strictEqual(world.anka.peak, 2)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("does not keep itself awake while there is no room", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    for (const name of ["one", "two"]) {
      world.anka.vms.set(name, { uuid: name, name, status: "running", tag: Option.none(), ip: Option.none() })
    }
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(Service.run(World.service("RUNNER1"), { once: false }))
      yield* through(100)
      yield* finished(yield* Effect.fork(Fiber.interrupt(fiber)))
      // a pass every ten seconds, and one more for the hint of each look
      assert.isAtMost(world.anka.calls.filter((call) => call === "list").length, 21)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("keeps a host for a job that fits only when others have gone, once it waited a minute", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    world.anka.vms.set("small", {
      uuid: "small",
      name: "small",
      status: "running",
      tag: Option.none(),
      ip: Option.none()
    })
    // the hypervisor has no memory for this one beside the other
    world.anka.instead.start = Effect.suspend(() =>
      world.anka.vms.has("small")
        ? new AnkaError({ reason: "CapacityExceeded", command: "anka start", detail: "not enough memory" })
        : Effect.void
    )
    const clonesOf = (tag: string) => world.anka.calls.filter((call) => call.startsWith(`clone template:${tag}`)).length
    return Effect.gen(function* () {
      yield* TestClock.adjust("2 minutes")
      yield* finished(yield* Effect.fork(World.pass()))
      assert.strictEqual(clonesOf("v1"), 1)
      // a younger job would fit, and would keep the older one out for ever
      world.github.jobs.set(2, queued(2, { createdAt: 100_000 }))
      yield* TestClock.adjust("11 seconds")
      yield* finished(yield* Effect.fork(World.pass()))
      assert.strictEqual(world.github.jobs.get(2)?.status, "queued")
      world.anka.vms.delete("small")
      yield* TestClock.adjust("11 seconds")
      yield* finished(yield* Effect.fork(World.pass()))
      assert.strictEqual(Option.getOrNull(world.github.jobs.get(1)?.conclusion ?? Option.none()), "success")
      yield* TestClock.adjust("11 seconds")
      yield* finished(yield* Effect.fork(World.pass()))
      assert.strictEqual(Option.getOrNull(world.github.jobs.get(2)?.conclusion ?? Option.none()), "success")
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("ends the VM at once when the job is cancelled while it boots", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    world.anka.takes.run = "1 hour"
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(World.pass())
      yield* through(8)
      assert.strictEqual(world.anka.vms.size, 1)
      ends(world.github, 1, "cancelled")
      yield* finished(fiber, 12)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("replaces a runner that never comes online once, then gives the job up", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    neverOnline(world)
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.strictEqual(world.anka.calls.filter((call) => call.startsWith("clone")).length, 2)
      // under one name: with another one, a host that has the job by now could register beside it
      const created = world.github.calls.filter((call) => call.startsWith("createRunner"))
      assert.strictEqual(created.length, 2)
      assert.strictEqual(new Set(created).size, 1)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
      // given up: not taken again at once
      yield* TestClock.adjust("11 seconds")
      yield* finished(yield* Effect.fork(World.pass()))
      assert.strictEqual(world.anka.calls.filter((call) => call.startsWith("clone")).length, 2)
      // and taken again later, under the same name: a host that still holds the first runner keeps the second one out
      yield* TestClock.adjust("31 minutes")
      yield* finished(yield* Effect.fork(World.pass()))
      const all = world.github.calls.filter((call) => call.startsWith("createRunner"))
      assert.isAbove(all.length, created.length)
      assert.strictEqual(new Set(all).size, 1)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("does not interrupt a job that its runner gets in the moment in which it is given up", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    const guest = world.anka.guest
    world.anka.guest = (vm, command, stdin) => {
      const line = command.join(" ")
      if (line.includes("start-runner")) return Effect.succeed({ code: 0, stdout: "", stderr: "" })
      // the runner's process lives until its job has ended
      return line.includes("runner.exit")
        ? Effect.repeat(Effect.sleep("1 second"), {
            until: () => world.github.jobs.get(1)?.status === "completed"
          }).pipe(Effect.as({ code: 0, stdout: "0", stderr: "" }))
        : guest(vm, command, stdin)
    }
    world.github.before.removeRunner = Effect.sync(() => {
      if (world.github.jobs.get(1)?.status !== "queued") return
      takes(world.github, [...world.github.runners.values()][0]?.name ?? "", 1)
    })
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(World.pass())
      yield* through(150)
      assert.strictEqual(world.github.jobs.get(1)?.status, "in_progress")
      ends(world.github, 1, "success")
      yield* finished(fiber)
      assert.isFalse(world.anka.calls.some((call) => call.includes("kill -INT")))
      assert.strictEqual(world.anka.calls.filter((call) => call.startsWith("clone")).length, 1)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect(
    "leaves no runner behind that was registered although the answer was lost, when its job is over by then",
    () => {
      const world = World.make()
      world.owns = "yes"
      world.github.jobs.set(1, queued(1))
      world.github.after.createRunner = Effect.suspend(() => {
        ends(world.github, 1, "cancelled")
        return refused("Conflict", "POST jit")
      })
      return Effect.gen(function* () {
        yield* finished(yield* Effect.fork(World.pass()))
        assert.deepStrictEqual(World.left(world), World.NOTHING)
      }).pipe(Effect.provide(World.layer(world)))
    }
  )

  for (const [what, busy] of [
    ["waits for a job", false],
    ["has the job", true]
  ] as const) {
    it.effect(`leaves no runner behind that is registered after another host's of its name, which ${what}`, () => {
      const world = World.make()
      world.owns = "no"
      world.github.jobs.set(1, queued(1))
      const { runners } = world.github
      world.github.before.createRunner = Effect.gen(function* () {
        const name = world.github.calls.at(-1)?.replace("createRunner ", "") ?? ""
        runners.set(98, { name, id: 98, online: busy, busy })
        const job = world.github.jobs.get(1)
        if (job !== undefined) {
          world.github.jobs.set(1, { ...job, status: "in_progress", runnerName: Option.some(name) })
        }
        if (!busy) ends(world.github, 1, "success")
        // the other host's is gone, and our request, whose answer nobody waits for any more, comes after it
        const late = Effect.sync(() => {
          ends(world.github, 1, "success")
          runners.delete(98)
          runners.set(99, { name, id: 99, online: false, busy: false })
        })
        yield* Effect.forkDaemon(Effect.delay(late, "2 seconds"))
        return yield* refused("Unavailable", "POST jit")
      })
      return Effect.gen(function* () {
        yield* finished(yield* Effect.fork(World.pass()))
        assert.include(world.github.calls, "removeRunner 99")
        if (busy) assert.notInclude(world.github.calls, "removeRunner 98")
        assert.isFalse(world.anka.calls.some((call) => call.includes("kill -INT")))
        assert.deepStrictEqual(World.left(world), World.NOTHING)
      }).pipe(Effect.provide(World.layer(world)))
    })
  }

  it.effect("plans no VM for a job that is over by the time that it is claimed", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    // the answer takes as long as a VM would take to be planned
    world.github.before.job = Effect.suspend(() => {
      ends(world.github, 1, "cancelled")
      return Effect.sleep("5 seconds")
    })
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.deepStrictEqual(
        world.ledger.entries.map(({ _tag }) => _tag),
        ["Claimed", "Closed"]
      )
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("makes no second runner when another host has the job by now", () => {
    const world = World.make()
    world.owns = "no"
    world.github.jobs.set(1, queued(1))
    neverOnline(world)
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.strictEqual(world.anka.calls.filter((call) => call.startsWith("clone")).length, 1)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("takes the place of a runner that an earlier owner of the job left, and of no other one", () =>
    Effect.forEach(
      ["yes", "unknown", "no"] as const,
      (owns) => {
        const world = World.make()
        world.owns = owns
        world.github.jobs.set(1, queued(1))
        const name = nameOf(JobKey.make("github:1"), 0)
        world.github.runners.set(99, { id: 99, name, online: false, busy: false })
        return Effect.gen(function* () {
          yield* finished(yield* Effect.fork(World.pass()))
          assert.strictEqual(world.github.jobs.get(1)?.status, owns === "yes" ? "completed" : "queued", owns)
          assert.strictEqual(world.github.runners.has(99), owns !== "yes", owns)
          assert.deepStrictEqual(World.left(world).vms, [])
        }).pipe(Effect.provide(World.layer(world)))
      },
      { discard: true }
    )
  )

  it.effect("takes no other host's runner for its own because an answer of GitHub never came", () => {
    const world = World.make()
    world.owns = "no"
    world.github.jobs.set(1, queued(1))
    // asleep between writing the name down and asking GitHub, until another host has the job and made the runner
    let asked = 0
    world.github.before.createRunner = Effect.suspend(() => {
      if (++asked > 1) return Effect.void
      const name = nameOf(JobKey.make("github:1"), 0)
      world.github.runners.set(99, { id: 99, name, online: true, busy: false })
      return Effect.never
    })
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.isTrue(world.github.runners.has(99))
      assert.deepStrictEqual(World.left(world).vms, [])
      assert.deepStrictEqual(World.left(world).ledger, [])
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("does not take its own runner for another one, when that has the job before its start is reported", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    const guest = world.anka.guest
    world.anka.guest = (vm, command, stdin) =>
      command.join(" ").includes("start-runner")
        ? Effect.zipLeft(guest(vm, command, stdin), Effect.sleep("20 seconds"))
        : guest(vm, command, stdin)
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.strictEqual(Option.getOrNull(world.github.jobs.get(1)?.conclusion ?? Option.none()), "success")
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("leaves the planned job to others, when its runner took one that another service gives up", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    world.github.jobs.set(2, queued(2))
    const vmOf = (service: string) =>
      [...HashMap.values(FakeLedger.stateOf(world.ledger).vms)].find((vm) => vm.service === service)?.vm
    const guest = world.anka.guest
    // the runner for the second job starts first, and gets the first job, which runs for long
    world.anka.guest = (vm, command, stdin) => {
      const answer = guest(vm, command, stdin)
      if (vm === vmOf("RUNNER1") && command.includes("true")) return Effect.zipRight(Effect.sleep("60 seconds"), answer)
      return vm === vmOf("RUNNER2") && command.join(" ").includes("runner.exit")
        ? Effect.zipRight(Effect.sleep("1 hour"), answer)
        : answer
    }
    const isOver = (job: number) => Option.isSome(world.github.jobs.get(job)?.conclusion ?? Option.none())
    return Effect.gen(function* () {
      const first = yield* Effect.fork(World.pass("RUNNER1"))
      yield* through(3)
      const second = yield* Effect.fork(World.pass("RUNNER2"))
      yield* finished(first)
      const before = [isOver(1), isOver(2)]
      // within a look of the other service the job that it had planned is free
      yield* through(30)
      yield* finished(yield* Effect.fork(World.pass("RUNNER1")))
      const meanwhile = [isOver(1), isOver(2)]
      const runner = HashMap.get(FakeLedger.stateOf(world.ledger).runners, nameOf(JobKey.make("github:2"), 0))
      yield* finished(second, 4000)
      assert.deepStrictEqual(before, [false, false])
      // a VM slot was free
      assert.deepStrictEqual(meanwhile, [false, true])
      // after a crash the ledger tells whose VM it is in
      assert.strictEqual(Option.getOrThrow(runner).named.service, "RUNNER2")
      assert.isTrue(isOver(1))
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })

  it.effect("follows its runner when that takes another job, and kills nothing", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    const guest = world.anka.guest
    world.anka.guest = (vm, command, stdin) => {
      if (!command.join(" ").includes("start-runner")) return guest(vm, command, stdin)
      // job 2 comes up and gets our runner; job 1 stays queued
      world.github.jobs.set(2, queued(2))
      takes(world.github, [...world.github.runners.values()][0]?.name ?? "", 2)
      return Effect.succeed({ code: 0, stdout: "", stderr: "" })
    }
    return Effect.gen(function* () {
      yield* finished(yield* Effect.fork(World.pass()))
      assert.strictEqual(Option.getOrNull(world.github.jobs.get(2)?.conclusion ?? Option.none()), "success")
      assert.strictEqual(world.github.jobs.get(1)?.status, "queued")
      assert.deepStrictEqual(World.left(world), World.NOTHING)
      world.anka.guest = guest
      yield* TestClock.adjust("11 seconds")
      yield* finished(yield* Effect.fork(World.pass()))
      assert.strictEqual(Option.getOrNull(world.github.jobs.get(1)?.conclusion ?? Option.none()), "success")
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })
})

describe("a job of a repository that GitHub does not answer for", () => {
  for (const reason of ["Unavailable", "Protocol"] as const) {
    it.effect(`is left in the queue for a minute when that is ${reason}, without a VM or an ERROR`, () => {
      const world = World.make()
      world.github.jobs.set(1, queued(1))
      world.github.before.job = refused(reason, "GET job 1")
      const errors: Array<unknown> = []
      const logger = Logger.make(({ logLevel, message }) => {
        if (logLevel.label === "ERROR") errors.push(message)
      })
      return Effect.gen(function* () {
        yield* finished(yield* Effect.fork(World.pass()))
        assert.deepStrictEqual(World.left(world), World.NOTHING)
        assert.isFalse(world.anka.calls.some((call) => call.startsWith("clone")))
        assert.deepStrictEqual(errors, [])
        delete world.github.before.job
        yield* TestClock.adjust("61 seconds")
        yield* finished(yield* Effect.fork(World.pass()))
        assert.strictEqual(Option.getOrNull(world.github.jobs.get(1)?.conclusion ?? Option.none()), "success")
      }).pipe(Effect.provide(Layer.merge(World.layer(world), Logger.replace(Logger.defaultLogger, logger))))
    })
  }
})

describe("a job whose repository is renamed", () => {
  it.effect("is the same job, seen under its new name while it runs under its former one", () => {
    const world = World.make()
    world.github.jobs.set(1, queued(1))
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(World.pass())
      yield* through(3)
      const { repo: _, ...job } = queued(1)
      world.github.jobs.set(1, { ...job, repo: "renamed" })
      // another service looks while the first one prepares
      yield* World.pass("RUNNER2")
      yield* finished(fiber)
      assert.strictEqual(world.anka.calls.filter((call) => call.startsWith("clone")).length, 1)
      assert.deepStrictEqual(World.left(world), World.NOTHING)
    }).pipe(Effect.provide(World.layer(world)))
  })
})

const ankaFailed = new AnkaError({ reason: "Failed", command: "anka list", code: 1, detail: "Bad address" })
