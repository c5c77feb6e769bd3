import { spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { build } from "esbuild"
import { Exec } from "../../src/services/Exec.ts"
import { HostLock } from "../../src/services/HostLock.ts"
import { NodeContext } from "../fakes/platform.ts"

const fresh = () => mkdtempSync(join(tmpdir(), "anklet-lock-"))
const layer = (folder: string) => HostLock.layer(folder).pipe(Layer.provide(Exec.layer), Layer.provide(NodeContext))

const tryOnce = Effect.flatMap(HostLock, (locks) =>
  Effect.scoped(Effect.map(locks.tryAcquire("x", "me"), Option.isSome))
)

/** A process of its own that uses the lock: `race` takes it five times, `hold` lets a child hold it too and stays. */
const PROGRAM = `
  import { spawn } from "node:child_process"
  import { appendFileSync } from "node:fs"
  import * as NodeContext from "@effect/platform-node/NodeContext"
  import * as Effect from "effect/Effect"
  import * as Layer from "effect/Layer"
  import { Exec } from "../../src/services/Exec.ts"
  import { HostLock } from "../../src/services/HostLock.ts"
  const [mode, folder, file] = process.argv.slice(2)
  const say = (word) => Effect.sync(() => appendFileSync(file, word + " " + process.pid + "\\n"))
  const turn = Effect.scoped(Effect.gen(function* () {
    yield* (yield* HostLock).acquire("x", "racing")
    yield* say("in")
    yield* Effect.sleep(Math.random() * 20)
    if (Math.random() < 0.1) process.kill(process.pid, "SIGKILL")
    yield* say("out")
  }))
  const hold = Effect.scoped(Effect.gen(function* () {
    const held = yield* (yield* HostLock).acquire("x", "holding")
    const child = spawn("sleep", ["60"], { detached: true, stdio: "ignore" })
    yield* held.setChild(child.pid)
    appendFileSync(file, child.pid + "\\n")
    yield* Effect.never
  }))
  const layer = HostLock.layer(folder).pipe(Layer.provide(Exec.layer), Layer.provideMerge(NodeContext.layer))
  Effect.runPromise(Effect.provide(mode === "hold" ? hold : Effect.repeatN(turn, 4), layer))
`
const program = join(fresh(), "user.mjs")
beforeAll(() =>
  build({
    stdin: { resolveDir: resolve(import.meta.dirname), loader: "ts", contents: PROGRAM },
    outfile: program,
    bundle: true,
    format: "esm",
    platform: "node",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "error"
  })
)

const run = (...args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [program, ...args], { stdio: "inherit" })
  const ended = Effect.async<void>((resume) => void child.on("exit", () => resume(Effect.void)))
  return { child, ended }
}

const until = (holds: Effect.Effect<boolean, unknown>) =>
  Effect.repeat(holds, { until: (yes) => yes, schedule: Schedule.spaced("20 millis") }).pipe(
    Effect.timeout("20 seconds")
  )

/** The real disk, on which chosen operations fail like on a full one. */
const faulty = Effect.map(FileSystem.FileSystem, (real) => {
  let failing = (_: string) => false
  const unless = <A, E>(what: string, effect: Effect.Effect<A, E>) =>
    Effect.suspend(
      (): Effect.Effect<A, E | SystemError> =>
        failing(what)
          ? new SystemError({
              reason: "Unknown",
              module: "FileSystem",
              method: what,
              description: "ENOSPC: no space left"
            })
          : effect
    )
  const disk = FileSystem.FileSystem.of({
    ...real,
    writeFile: (...args) => unless("write", real.writeFile(...args)),
    readDirectory: (...args) => unless("list", real.readDirectory(...args)),
    readFile: (...args) => unless("read", real.readFile(...args))
  })
  const fail = (when: (what: string) => boolean) => {
    failing = when
  }
  return { disk, fail }
})
const layerOn = (disk: FileSystem.FileSystem, folder: string) =>
  HostLock.layer(folder).pipe(
    Layer.provide(Layer.succeed(FileSystem.FileSystem, disk)),
    Layer.provide(Exec.layer),
    Layer.provide(NodeContext)
  )

describe("a lock between daemons", () => {
  it.live("is held by one process at a time, among many that want it and some that are killed", () =>
    Effect.gen(function* () {
      const folder = fresh()
      const file = join(folder, "history")
      const locks = join(folder, "locks")
      yield* Effect.forEach(Array.from({ length: 8 }), () => run("race", locks, file).ended, {
        concurrency: "unbounded"
      })
      const history = readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split(" "))
      assert.isAbove(history.length, 20)
      let holder: string | undefined
      for (const [word, pid] of history) {
        // a process killed while it holds the lock never prints "out": the next "in" shows that it was found dead
        if (word === "in") holder = pid
        else assert.strictEqual(pid, holder, "two were in at once")
      }
      assert.isTrue(yield* Effect.provide(tryOnce, layer(locks)))
    })
  )

  it.live("is not given to a second fiber of the same process, and is free again afterwards", () =>
    Effect.gen(function* () {
      const locks = yield* HostLock
      yield* Effect.scoped(
        Effect.gen(function* () {
          assert.isTrue(Option.isSome(yield* locks.tryAcquire("x", "first")))
          assert.isFalse(yield* tryOnce)
          assert.deepStrictEqual(yield* locks.holder("x"), Option.some("first"))
        })
      )
      assert.deepStrictEqual(yield* locks.holder("x"), Option.none())
      assert.isTrue(yield* tryOnce)
    }).pipe(Effect.provide(layer(fresh())))
  )

  it.live("goes on while a child of a dead holder lives, and not with another program of the same number", () =>
    Effect.gen(function* () {
      const folder = fresh()
      mkdirSync(folder, { recursive: true })
      const exec = yield* Exec
      const self = Option.getOrThrow(yield* exec.identify(process.pid))
      const dead = { pid: 2 ** 22 + 1, startedAt: "1" }
      const write = (content: unknown) => writeFileSync(join(folder, "x.7"), JSON.stringify(content))
      write({ holder: dead, child: self, about: "a pull" })
      assert.isFalse(yield* Effect.provide(tryOnce, layer(folder)))
      write({ holder: dead, child: { ...self, startedAt: "0" }, about: "a pull" })
      assert.isTrue(yield* Effect.provide(tryOnce, layer(folder)))
    }).pipe(Effect.provide(Exec.layer.pipe(Layer.provide(NodeContext))))
  )

  it.live("of a killed process is held on by the process that it started, and free when that has ended", () =>
    Effect.gen(function* () {
      const folder = fresh()
      const locks = join(folder, "locks")
      const file = join(folder, "child")
      const { child, ended } = run("hold", locks, file)
      yield* until(Effect.sync(() => existsSync(file)))
      child.kill("SIGKILL")
      yield* ended
      yield* Effect.gen(function* () {
        assert.isFalse(yield* tryOnce)
        assert.deepStrictEqual(yield* (yield* HostLock).holder("x"), Option.some("holding"))
        process.kill(Number(readFileSync(file, "utf8")))
        yield* until(Effect.provide(tryOnce, yield* Effect.context<HostLock>()))
      }).pipe(Effect.provide(layer(locks)))
    })
  )

  it.live("is waited for until it is given back; the wait can be interrupted", () =>
    Effect.gen(function* () {
      const locks = yield* HostLock
      const first = yield* Scope.make()
      yield* Scope.extend(locks.acquire("x", "first"), first)
      const impatient = yield* Effect.fork(Effect.scoped(locks.acquire("x", "impatient")))
      const patient = yield* Effect.fork(
        Effect.scoped(Effect.zipRight(locks.acquire("x", "patient"), locks.holder("x")))
      )
      yield* Effect.yieldNow()
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(impatient)))
      yield* Scope.close(first, Exit.void)
      assert.deepStrictEqual(yield* Fiber.join(patient), Option.some("patient"))
    }).pipe(Effect.provide(layer(fresh())))
  )

  it.live("is free again after its use on a disk that is full by then, and after a take that failed half-way", () =>
    Effect.gen(function* () {
      const folder = fresh()
      const { disk, fail } = yield* faulty
      yield* Effect.gen(function* () {
        const locks = yield* HostLock
        yield* Effect.scoped(
          Effect.zipRight(
            locks.tryAcquire("x", "full"),
            Effect.sync(() => fail((what) => what === "write"))
          )
        )
        const refused = yield* Effect.flip(tryOnce)
        assert.include(refused.message, "that its disk has room")
        let lists = 0
        fail((what) => what === "list" && ++lists === 2)
        yield* Effect.flip(tryOnce)
        fail(() => false)
        assert.isTrue(yield* Effect.provide(tryOnce, layer(folder)), "for another daemon")
        assert.isTrue(yield* tryOnce, "for this one")
      }).pipe(Effect.provide(layerOn(disk, folder)))
    }).pipe(Effect.provide(NodeContext))
  )

  it.live("that cannot be read now is not taken for a free one", () =>
    Effect.gen(function* () {
      const folder = fresh()
      const { disk, fail } = yield* faulty
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* (yield* HostLock).tryAcquire("x", "alive")
          yield* Effect.gen(function* () {
            fail((what) => what === "read")
            yield* Effect.flip(tryOnce)
            fail(() => false)
            assert.isFalse(yield* tryOnce)
          }).pipe(Effect.provide(layerOn(disk, folder)))
        })
      ).pipe(Effect.provide(layer(folder)))
    }).pipe(Effect.provide(NodeContext))
  )

  it.live("that says garbage holds nothing; a folder that cannot be used is told", () =>
    Effect.gen(function* () {
      const folder = fresh()
      writeFileSync(join(folder, "x.3"), "garbage")
      assert.isTrue(yield* Effect.provide(tryOnce, layer(folder)))
      const file = join(folder, "file")
      writeFileSync(file, "")
      const error = yield* Effect.flip(Effect.provide(tryOnce, layer(join(file, "locks"))))
      assert.include(error.message, "check the owner and permissions")
    })
  )
})
