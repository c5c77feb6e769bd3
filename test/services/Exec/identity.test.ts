import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as identity from "../../../src/services/Exec/identity.ts"
import { Exec } from "../../../src/services/Exec.ts"
import { NodeContext } from "../../fakes/platform.ts"

const said = (code: number, stdout: string) => identity.byPs(7, Effect.succeed({ code, stdout }))

describe("a process's identity", () => {
  it.effect("is its number and start, as ps tells them", () =>
    Effect.gen(function* () {
      const startedAt = "Tue Nov 24 08:30:00 2026"
      assert.deepStrictEqual(yield* said(0, `Ss+  ${startedAt}    \n`), Option.some({ pid: 7, startedAt }))
      assert.deepStrictEqual(yield* said(0, `Z    ${startedAt}\n`), Option.none())
      assert.deepStrictEqual(yield* said(1, ""), Option.none())
    })
  )

  it.effect("that ps cannot tell is not the same as none", () =>
    Effect.gen(function* () {
      for (const answer of [said(0, ""), said(71, ""), said(0, "?\n"), identity.byPs(7, Effect.fail("no ps"))]) {
        assert.strictEqual((yield* Effect.flip(answer))._tag, "Unanswered")
      }
    })
  )

  it.live("that cannot be had now leaves the number alone to decide: a living process is not called dead", () =>
    Effect.gen(function* () {
      const real = yield* FileSystem.FileSystem
      const exhausted = FileSystem.FileSystem.of({
        ...real,
        readFileString: () =>
          new SystemError({
            reason: "Unknown",
            module: "FileSystem",
            method: "readFile",
            description: "EMFILE: too many open files"
          })
      })
      vi.stubEnv("PATH", "/nowhere")
      const [living, gone] = yield* Effect.flatMap(Exec, (exec) =>
        Effect.all([
          exec.isAlive({ pid: process.pid, startedAt: "some time" }),
          exec.isAlive({ pid: 2 ** 22 + 1, startedAt: "some time" })
        ])
      ).pipe(
        Effect.provide(Exec.layer.pipe(Layer.provide(Layer.succeed(FileSystem.FileSystem, exhausted)))),
        Effect.ensuring(Effect.sync(() => vi.unstubAllEnvs()))
      )
      assert.deepStrictEqual([living, gone], [true, false])
    }).pipe(Effect.provide(NodeContext))
  )

  it.live("whose start was never known is that of any process with the number", () =>
    Effect.gen(function* () {
      const exec = yield* Exec
      assert.isTrue(yield* exec.isAlive({ pid: process.pid, startedAt: "" }))
      assert.isFalse(yield* exec.isAlive({ pid: 2 ** 22 + 1, startedAt: "" }))
    }).pipe(Effect.provide(Exec.layer.pipe(Layer.provide(NodeContext))))
  )
})
