import { mkdtempSync, readdirSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { levelOf } from "../../src/services/Log/level.ts"
import * as Log from "../../src/services/Log.ts"
import { NodeContext } from "../fakes/platform.ts"

const fresh = () => mkdtempSync(join(tmpdir(), "anklet-log-"))
const linesOf = (directory: string): ReadonlyArray<Record<string, unknown>> =>
  readFileSync(join(directory, Log.FILE_NAME), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))

/** Logs something, and closes the log. */
const logged = <E>(directory: string, effect: Effect.Effect<void, E>, disk = NodeContext) =>
  Effect.map(Effect.provide(effect, Log.layer({ directory, terminal: false }).pipe(Layer.provide(disk))), () =>
    linesOf(directory)
  )

describe("the log", () => {
  it.live("has errors and causes under err, secrets redacted, and the last line of a finalizer", () =>
    Effect.gen(function* () {
      const lines = yield* logged(
        fresh(),
        Effect.logError("it went wrong", new Error("because")).pipe(
          Effect.zipRight(Effect.logError("it died", Cause.die(new Error("a fault")))),
          Effect.zipRight(Effect.logInfo("with a secret", Redacted.make("CANARY"))),
          Effect.annotateLogs({ vmName: "vm", workflowRunId: 7, token: Redacted.make("CANARY"), serviceName: "A" }),
          Effect.ensuring(Effect.logInfo("the last line"))
        )
      )
      assert.deepStrictEqual(
        lines.map(({ msg }) => msg),
        ["it went wrong", "it died", "with a secret <redacted>", "the last line"]
      )
      assert.deepStrictEqual(Object.keys(lines[0] ?? {}), [
        "time",
        "level",
        "msg",
        "ankletVersion",
        "serviceName",
        "workflowRunId",
        "vmName",
        "token",
        "err"
      ])
      assert.strictEqual(lines[0]?.err, "because")
      assert.include(String(lines[1]?.err), "a fault")
      assert.strictEqual(lines[0]?.workflowRunId, 7)
      assert.notInclude(JSON.stringify(lines), "CANARY")
    })
  )

  it.live("takes its level in upper and lower case, and by the names that older versions had", () =>
    Effect.gen(function* () {
      const levels = (name: string) =>
        logged(
          fresh(),
          Effect.all([Effect.logDebug("d"), Effect.logInfo("i"), Effect.logWarning("w"), Effect.logError("e")], {
            discard: true
          })
        ).pipe(
          Effect.map((lines) => lines.map(({ msg }) => msg).join("")),
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["LOG_LEVEL", name]])))
        )
      for (const [names, heard] of [
        [["DEBUG", "debug", " Debug "], "diwe"],
        [["INFO", "info", "", " "], "iwe"],
        [["WARN", "warn", "Warning"], "we"],
        [["ERROR", "error"], "e"]
      ] as const) {
        for (const name of names) assert.strictEqual(yield* levels(name), heard, name)
      }
      for (const name of ["dev", "DEV", "DEBUG-PRETTY", "debug-pretty"]) assert.strictEqual(levelOf(name), "dev")
      for (const name of ["LOUD", "constructor", "TRACE"]) {
        const error = yield* Effect.flip(levels(name))
        assert.include(error.message, "LOG_LEVEL must be INFO, DEBUG, ERROR or dev")
        assert.notInclude(error.message, "log.file_dir")
        assert.notInclude(error.message, name)
      }
    })
  )

  it.live("on a full disk loses no line that memory can hold, and never stops the daemon", () =>
    Effect.gen(function* () {
      const directory = fresh()
      const real = yield* FileSystem.FileSystem
      let full = true
      const noSpace = Effect.fail(
        new SystemError({ reason: "Unknown", module: "FileSystem", method: "writeAll", description: "ENOSPC" })
      )
      const disk = Layer.merge(
        NodeContext,
        Layer.succeed(
          FileSystem.FileSystem,
          FileSystem.FileSystem.of({
            ...real,
            open: (name, options) =>
              Effect.map(real.open(name, options), (file) =>
                Object.create(file, {
                  writeAll: { value: (bytes: Uint8Array) => (full ? noSpace : file.writeAll(bytes)) }
                })
              )
          })
        )
      )
      const lines = yield* logged(
        directory,
        Effect.gen(function* () {
          yield* Effect.logInfo("written while the disk is full")
          yield* Effect.sleep("600 millis")
          full = false
          yield* Effect.logInfo("written when there is room again")
        }),
        disk
      )
      assert.deepStrictEqual(
        lines.map(({ msg }) => msg),
        ["written while the disk is full", "written when there is room again"]
      )
    }).pipe(Effect.provide(NodeContext))
  )

  it.live("does not grow without bound by itself", () =>
    Effect.gen(function* () {
      const directory = fresh()
      const long = "x".repeat(1 << 20)
      yield* logged(
        directory,
        Effect.forEach(Array.from({ length: 4 }), () =>
          Effect.forEach(Array.from({ length: 20 }), () => Effect.logInfo(long)).pipe(
            Effect.zipRight(Effect.sleep("400 millis"))
          )
        )
      )
      // how many lines come in one write depends on how busy the machine is
      const names = readdirSync(directory).sort()
      assert.deepStrictEqual(names, ["anklet.log", "anklet.log.1", "anklet.log.2"].slice(0, Math.max(2, names.length)))
      const lines = names.map((name) => readFileSync(join(directory, name), "utf8").split("\n").length - 1)
      assert.strictEqual(
        lines.reduce((sum, count) => sum + count, 0),
        80
      )
    })
  )

  it.live("in a folder that is not there refuses to start", () =>
    Effect.map(Effect.flip(logged("/no/such/folder", Effect.void)), (error) =>
      assert.include(String(error), "the folder does not exist; check log.file_dir")
    )
  )
})
