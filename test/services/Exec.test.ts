import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { Exec, type ExecOptions } from "../../src/services/Exec.ts"
import { NodeContext } from "../fakes/platform.ts"
import { isAlive } from "../whole/lab.ts"

afterEach(() => {
  vi.unstubAllEnvs()
})

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
      assert.include(missing.message, 'no program "no-such-program" in PATH; install it')
      const nowhere = yield* Effect.flip(exec.run(join(folder, "nowhere"), [], { timeout: "5 seconds" }))
      assert.strictEqual(nowhere.reason, "NotFound")
      const file = join(folder, "plain")
      writeFileSync(file, "")
      assert.strictEqual((yield* Effect.flip(exec.run(file, [], { timeout: "5 seconds" }))).reason, "NotExecutable")
    }).pipe(Effect.provide(layer))
  )

  it.live("with arguments that no process can have is refused, and kills nobody", () =>
    Effect.gen(function* () {
      const exec = yield* Exec
      for (const argument of ["a\0b", "a".repeat(3_000_000)]) {
        const error = yield* Effect.flip(exec.run("true", [argument], { timeout: "5 seconds" }))
        assert.strictEqual(error.reason, "Failed")
        assert.include(error.detail, "could not be started")
      }
    }).pipe(Effect.provide(layer))
  )

  it.live("is told of while it runs; a fault of whoever is told ends it", () =>
    Effect.gen(function* () {
      const exec = yield* Exec
      let pid = 0
      const started = (id: number) =>
        Effect.map(exec.identify(id), (found) => {
          pid = Option.isSome(found) ? id : -1
        })
      const { stdout } = yield* bash("echo $$; sleep 0.2", { started })
      assert.strictEqual(`${pid}\n`, stdout)
      const exit = yield* Effect.exit(
        bash("sleep 30", { started: (id) => Effect.zipRight(started(id), Effect.dieMessage("a fault")) })
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.isAbove(pid, 0)
      assert.isFalse(isAlive(pid))
    }).pipe(Effect.provide(layer))
  )

  it.effect("over its time is killed with all its children, also deaf ones, and named without its input", () =>
    Effect.gen(function* () {
      const file = join(folder, "deaf")
      const dying = yield* Effect.fork(
        Effect.flip(
          bash(
            `trap '' TERM; echo $$ > ${file}; (trap '' TERM; echo $BASHPID >> ${file}; while :; do sleep 0.1; done) & while :; do sleep 0.1; done`,
            { timeout: "1 second", stdin: "CANARY" }
          )
        )
      )
      // its timeout counts from its start, however long a busy machine takes to start it
      const pids = yield* Effect.promise(() =>
        vi.waitUntil(() => [pidsIn(file)()].find(({ length }) => length === 2), { timeout: 120_000, interval: 5 })
      )
      while (Option.isNone(yield* Fiber.poll(dying))) {
        yield* TestClock.adjust("1 second")
        yield* Effect.promise(() => new Promise(setImmediate))
      }
      const error = yield* Fiber.join(dying)
      assert.strictEqual(error.reason, "Timeout")
      assert.include(error.message, "bash -c")
      assert.notInclude(error.message, "CANARY")
      yield* Effect.promise(() => vi.waitUntil(() => !pids.some(isAlive), { timeout: 120_000 }))
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
      // it ends only when its parent has become a program that does not collect its children
      const file = join(folder, "zombie")
      const parent = yield* Effect.fork(
        bash(`(until ps -o comm= -p $$ | grep -q sleep; do :; done; echo $BASHPID > ${file}) & exec sleep 30`)
      )
      yield* until(() => pidsIn(file)().some((pid) => pid > 0 && !isAlive(pid)))
      const [zombie = 0] = pidsIn(file)()
      assert.isTrue(process.kill(zombie, 0), "its number is still taken")
      assert.isTrue(Option.isNone(yield* exec.identify(zombie)))
      yield* Fiber.interrupt(parent)
    }).pipe(Effect.provide(layer))
  )
})
