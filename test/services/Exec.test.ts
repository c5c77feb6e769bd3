import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Exec, type ExecOptions } from "../../src/services/Exec.ts"
import { NodeContext } from "../fakes/platform.ts"
import { isAlive } from "../whole/lab.ts"

const folder = mkdtempSync(join(tmpdir(), "anklet-exec-"))
const layer = Exec.layer.pipe(Layer.provide(NodeContext))

const bash = (script: string, options: Partial<ExecOptions> = {}) =>
  Effect.flatMap(Exec, (exec) => exec.run("bash", ["-c", script], { timeout: "20 seconds", ...options }))

const until = (holds: () => boolean) =>
  Effect.repeat(Effect.sleep("10 millis"), { while: () => !holds() }).pipe(Effect.timeout("10 seconds"))

const pidsIn = (file: string) => () => {
  try {
    return readFileSync(file, "utf8").trim().split("\n").map(Number)
  } catch {
    return []
  }
}

describe("a process", () => {
  it.live("may write 3 MB to both pipes and exit with 7", () =>
    Effect.gen(function* () {
      const { code, stdout, stderr } = yield* bash(
        "head -c 3000000 /dev/zero | tr '\\0' a; head -c 3000000 /dev/zero | tr '\\0' b >&2; exit 7"
      )
      assert.strictEqual(code, 7)
      assert.strictEqual(stdout.length, 1 << 20)
      assert.match(stderr.slice(-10), /^b+$/)
    }).pipe(Effect.provide(layer))
  )

  it.live("gets its input whole, and may also not want it", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* bash("wc -c", { stdin: "x".repeat(1_000_000) })).stdout.trim(), "1000000")
      assert.strictEqual((yield* bash("exec <&-; sleep 0.05; exit 3", { stdin: "x".repeat(1_000_000) })).code, 3)
      assert.strictEqual((yield* bash("cat")).stdout, "")
    }).pipe(Effect.provide(layer))
  )

  it.live("that is missing or may not be executed is told apart, with its name", () =>
    Effect.gen(function* () {
      const exec = yield* Exec
      const missing = yield* Effect.flip(exec.run("no-such-program", [], { timeout: "5 seconds" }))
      assert.strictEqual(missing.reason, "NotFound")
      assert.include(missing.message, "no-such-program")
      const file = join(folder, "plain")
      writeFileSync(file, "")
      assert.strictEqual((yield* Effect.flip(exec.run(file, [], { timeout: "5 seconds" }))).reason, "NotExecutable")
    }).pipe(Effect.provide(layer))
  )

  it.live("over its time is killed with all its children, also deaf ones, and named without its input", () =>
    Effect.gen(function* () {
      const file = join(folder, "deaf")
      const error = yield* Effect.flip(
        bash(
          `trap '' TERM; echo $$ > ${file}; (trap '' TERM; echo $BASHPID >> ${file}; while :; do sleep 0.1; done) & while :; do sleep 0.1; done`,
          {
            timeout: "300 millis",
            stdin: "CANARY"
          }
        )
      )
      assert.strictEqual(error.reason, "Timeout")
      assert.include(error.message, "bash -c")
      assert.notInclude(error.message, "CANARY")
      const pids = pidsIn(file)()
      assert.strictEqual(pids.length, 2)
      yield* until(() => !pids.some(isAlive))
    }).pipe(Effect.provide(layer))
  )

  it.live("does not keep us waiting when only a grandchild holds its pipes", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* bash("sleep 30 & echo done", { timeout: "10 seconds" })
      assert.strictEqual(code, 0)
      assert.strictEqual(stdout, "done\n")
    }).pipe(Effect.provide(layer))
  )

  it.live("is gone when whoever asked for it is interrupted, whenever that is", () =>
    Effect.forEach(
      Array.from({ length: 20 }, (_, i) => i * 3),
      (delay, index) =>
        Effect.gen(function* () {
          const file = join(folder, `interrupted-${index}`)
          const fiber = yield* Effect.fork(bash(`echo $$ > ${file}; sleep 30`))
          yield* Effect.sleep(delay)
          yield* Fiber.interrupt(fiber)
          assert.isFalse(pidsIn(file)().some(isAlive))
        }),
      { discard: true }
    ).pipe(Effect.provide(layer))
  )

  it.live("is known by its number and start; another start is another process, and a dead one is none", () =>
    Effect.gen(function* () {
      const exec = yield* Exec
      const self = Option.getOrThrow(yield* exec.identify(process.pid))
      assert.isTrue(yield* exec.isAlive(self))
      assert.isFalse(yield* exec.isAlive({ ...self, startedAt: `${self.startedAt}0` }))
      const { stdout } = yield* bash("echo $$")
      assert.isTrue(Option.isNone(yield* exec.identify(Number(stdout))))
    }).pipe(Effect.provide(layer))
  )
})
