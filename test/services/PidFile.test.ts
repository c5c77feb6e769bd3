import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Exec } from "../../src/services/Exec.ts"
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

describe("a PID file that was moved aside by a process which was killed then", () => {
  it.live("goes back when it is a living daemon's, so that there are not two", () =>
    Effect.gen(function* () {
      const file = fresh()
      const text = yield* other
      writeFileSync(`${file}.stale-${DEAD}`, text, { mode: 0o600 })
      const held = yield* Effect.either(Effect.scoped(PidFile.hold(file)))
      assert.isTrue(Either.isLeft(held) && held.left._tag === "AlreadyRunning")
      assert.strictEqual(readFileSync(file, "utf8"), text)
      assert.isFalse(existsSync(`${file}.stale-${DEAD}`))
    }).pipe(Effect.provide(layer))
  )

  it.live("is removed when it is a dead one's", () =>
    Effect.gen(function* () {
      const file = fresh()
      writeFileSync(`${file}.stale-${DEAD}`, `${DEAD}\n1\n`, { mode: 0o600 })
      yield* Effect.scoped(PidFile.hold(file))
      assert.isFalse(existsSync(`${file}.stale-${DEAD}`))
    }).pipe(Effect.provide(layer))
  )
})

describe("a PID file", () => {
  it.live("of this very number, without a start, is that of an earlier process", () =>
    Effect.gen(function* () {
      const file = fresh()
      writeFileSync(file, `${process.pid}\n\n`, { mode: 0o600 })
      assert.isTrue(Option.isNone(yield* PidFile.find(file)))
      yield* Effect.scoped(PidFile.hold(file))
    }).pipe(Effect.provide(layer))
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
