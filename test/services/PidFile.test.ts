import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { Exec } from "../../src/services/Exec.ts"
import { HostLock } from "../../src/services/HostLock.ts"
import * as PidFile from "../../src/services/PidFile.ts"
import { NodeContext } from "../fakes/platform.ts"

const layer = Exec.layer.pipe(Layer.provideMerge(NodeContext))
const fresh = () => join(mkdtempSync(join(tmpdir(), "anklet-pid-")), "anklet.pid")
/** No process has this number, which is above the system's maximum. */
const DEAD = 4194301

/** A living process that is not ours to end: the parent of this one. */
const other = Effect.map(
  Effect.flatMap(Exec, ({ identify }) => identify(process.ppid)),
  (found) => {
    const { pid, startedAt } = Option.getOrThrow(found)
    return `${pid}\n${startedAt}\n`
  }
)

/** Files beside the PID file, by the lock's number. */
const locksOf = (file: string) => readdirSync(dirname(file)).filter((name) => name.startsWith(".anklet.pid.lock."))

describe("a PID file", () => {
  it.live("of this very number, without a start, is that of an earlier process", () =>
    Effect.gen(function* () {
      const file = fresh()
      writeFileSync(file, `${process.pid}\n\n`, { mode: 0o600 })
      assert.isTrue(Option.isNone(yield* PidFile.find(file)))
      yield* Effect.scoped(PidFile.hold(file))
    }).pipe(Effect.provide(layer))
  )

  it.live("that a crash left is taken over, and is gone when its daemon ends", () =>
    Effect.gen(function* () {
      const file = fresh()
      writeFileSync(file, `${DEAD}\n1\n`, { mode: 0o600 })
      writeFileSync(
        join(dirname(file), ".anklet.pid.lock.7"),
        JSON.stringify({ holder: { pid: DEAD, startedAt: "1" }, child: null, about: `${DEAD}` }),
        { mode: 0o600 }
      )
      const self = yield* Effect.scoped(
        Effect.tap(PidFile.hold(file), ({ pid }) =>
          Effect.sync(() => assert.strictEqual(readFileSync(file, "utf8").split("\n")[0], `${pid}`))
        )
      )
      assert.strictEqual(self.pid, process.pid)
      assert.isFalse(existsSync(file))
      assert.deepStrictEqual(locksOf(file), [".anklet.pid.lock.8"])
    }).pipe(Effect.provide(layer))
  )

  it.live("of a living daemon that holds no lock, as older versions did, is left to it", () =>
    Effect.gen(function* () {
      const file = fresh()
      const text = yield* other
      writeFileSync(file, text, { mode: 0o600 })
      const held = yield* Effect.either(Effect.scoped(PidFile.hold(file)))
      assert.isTrue(Either.isLeft(held) && held.left._tag === "AlreadyRunning" && held.left.pid === process.ppid)
      assert.strictEqual(readFileSync(file, "utf8"), text)
    }).pipe(Effect.provide(layer))
  )

  it.live("is not taken from a daemon that holds the lock and has not written it yet", () =>
    Effect.gen(function* () {
      const file = fresh()
      const { startedAt } = Option.getOrThrow(yield* Effect.flatMap(Exec, ({ identify }) => identify(process.ppid)))
      const lock = join(dirname(file), ".anklet.pid.lock.3")
      const text = JSON.stringify({ holder: { pid: process.ppid, startedAt }, child: null, about: `${process.ppid}` })
      writeFileSync(lock, text, { mode: 0o600 })
      const held = yield* Effect.either(Effect.scoped(PidFile.hold(file)))
      assert.isTrue(Either.isLeft(held) && held.left._tag === "AlreadyRunning" && held.left.pid === process.ppid)
      assert.isFalse(existsSync(file))
      assert.strictEqual(readFileSync(lock, "utf8"), text)
    }).pipe(Effect.provide(layer))
  )

  it.live("is waited for while the daemon that had it ends", () =>
    Effect.gen(function* () {
      const file = fresh()
      const locks = yield* HostLock.make(dirname(file))
      const before = yield* Scope.make()
      yield* Scope.extend(locks.acquire(".anklet.pid.lock", "1"), before)
      const next = yield* Effect.fork(PidFile.hold(file))
      yield* Effect.yieldNow()
      yield* Scope.close(before, Exit.void)
      assert.strictEqual((yield* Fiber.join(next)).pid, process.pid)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live("is held once in a process, too", () =>
    Effect.gen(function* () {
      const file = fresh()
      yield* PidFile.hold(file)
      const again = yield* Effect.either(PidFile.hold(file))
      assert.isTrue(Either.isLeft(again) && again.left._tag === "AlreadyRunning")
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})
