import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { build } from "esbuild"
import { Exec } from "../../src/services/Exec.ts"
import { HostLock } from "../../src/services/HostLock.ts"
import { NodeContext } from "../fakes/platform.ts"

const fresh = () => mkdtempSync(join(tmpdir(), "anklet-lock-"))
const layer = (folder: string) => HostLock.layer(folder).pipe(Layer.provide(Exec.layer), Layer.provide(NodeContext))

const tryOnce = Effect.flatMap(HostLock, (locks) =>
  Effect.scoped(Effect.map(locks.tryAcquire("x", "me"), Option.isSome))
)

describe("a lock between daemons", () => {
  it.live("is held by one process at a time, among many that want it and some that are killed", () =>
    Effect.gen(function* () {
      const folder = fresh()
      const program = join(folder, "racer.mjs")
      yield* Effect.promise(() =>
        build({
          stdin: {
            resolveDir: resolve(import.meta.dirname),
            loader: "ts",
            contents: `
              import * as Effect from "effect/Effect"
              import * as Layer from "effect/Layer"
              import { appendFileSync } from "node:fs"
              import * as NodeContext from "@effect/platform-node/NodeContext"
              import { Exec } from "../../src/services/Exec.ts"
              import { HostLock } from "../../src/services/HostLock.ts"
              const [folder, file] = process.argv.slice(2)
              const say = (word) => Effect.sync(() => appendFileSync(file, word + " " + process.pid + "\\n"))
              const turn = Effect.scoped(Effect.gen(function* () {
                yield* (yield* HostLock).acquire("x", "racing")
                yield* say("in")
                yield* Effect.sleep(Math.random() * 20)
                if (Math.random() < 0.1) process.kill(process.pid, "SIGKILL")
                yield* say("out")
              }))
              Effect.runPromise(Effect.repeatN(turn, 4).pipe(Effect.provide(HostLock.layer(folder).pipe(Layer.provide(Exec.layer), Layer.provideMerge(NodeContext.layer)))))
            `
          },
          outfile: program,
          bundle: true,
          format: "esm",
          platform: "node",
          banner: {
            js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);'
          },
          logLevel: "error"
        })
      )
      const file = join(folder, "history")
      const locks = join(folder, "locks")
      yield* Effect.forEach(
        Array.from({ length: 8 }),
        () =>
          Effect.async<void>(
            (resume) =>
              void spawn(process.execPath, [program, locks, file], { stdio: "inherit" }).on("exit", () =>
                resume(Effect.void)
              )
          ),
        { concurrency: "unbounded" }
      )
      const history = readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split(" "))
      assert.isAbove(history.length, 20)
      let holder: string | undefined
      for (const [word, pid] of history) {
        // one that was killed inside never says "out": the next one to come in shows that it was found dead
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

  it.live("that cannot be read holds nothing; a folder that cannot be used is told", () =>
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
