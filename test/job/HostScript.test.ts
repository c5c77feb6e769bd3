/** The host's scripts as real bash runs them, in a folder that stands for a VM. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { afterEach, beforeEach, describe } from "vitest"
import * as HostScript from "../../src/job/HostScript.ts"
import { guestIn } from "./guest.ts"

let home = ""

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "anklet-guest-"))
})
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))

const guest = (cut?: number) => guestIn(home, cut)

const run = (text: string, given: Partial<HostScript.HostScript> = {}, vm = guest()) =>
  HostScript.run(vm, { name: "prepare", text, variables: [], timeout: Duration.seconds(30), ...given })

const log = () => join(home, HostScript.FOLDER, "prepare.log")

describe("a script of the host in a VM", () => {
  it.live("runs in the home folder without input, with its variables and both its streams kept", () =>
    Effect.gen(function* () {
      const { failure, output } = yield* run('pwd; cat; echo "$A|$PROGRAM" >&2; umask', {
        variables: [["A", "it's $HOME `x` \\"]]
      })
      assert.isTrue(Option.isNone(failure))
      assert.strictEqual(output, `${home}\nit's $HOME \`x\` \\|\n0022\n`)
      assert.strictEqual(statSync(join(home, HostScript.FOLDER)).mode & 0o777, 0o700)
    })
  )

  it.live("tells its exit code, whatever that is: none of them is taken for a broken link", () =>
    Effect.forEach([1, 124, 125, 255], (code) =>
      Effect.gen(function* () {
        const { failure, output } = yield* run(`echo bye; exit ${code}`, { name: `script${code}` })
        assert.deepStrictEqual(failure, Option.some(`exited with ${code}`))
        assert.strictEqual(output, "bye\n")
      })
    )
  )

  it.live("is ended with all that it has started when its time is up, and its last lines are told", () =>
    Effect.gen(function* () {
      const { failure, output } = yield* run("trap 'echo bye; exit' TERM; echo hello; sleep 100 & wait", {
        timeout: Duration.seconds(1)
      })
      assert.deepStrictEqual(failure, Option.some("did not end within 1 s and was killed"))
      assert.strictEqual(output, "hello\nbye\n")
    })
  )

  it.live("that ignores the signal is killed", () =>
    Effect.gen(function* () {
      const { failure } = yield* run("trap '' TERM; for ((;;)); do sleep 0.1; done", { timeout: Duration.seconds(1) })
      assert.match(Option.getOrThrow(failure), /was killed/)
      assert.strictEqual(readFileSync(join(home, HostScript.FOLDER, "prepare.exit"), "utf8"), "137\n")
    })
  )

  it.live("that leaves something running in the background has ended all the same", () =>
    Effect.gen(function* () {
      const { failure } = yield* run("sleep 5 & echo done")
      assert.isTrue(Option.isNone(failure))
    })
  )

  it.live("that prints 100 MB fills neither the disk nor what is told of it", () =>
    Effect.gen(function* () {
      const { failure, output } = yield* run(
        "head -c 100000000 /dev/zero | tr '\\0' x | fold -w 100; echo; echo end; sleep 2"
      )
      assert.isTrue(Option.isNone(failure))
      assert.isAtMost(output.length, 65536)
      assert.match(output, /\nend\n$/)
      assert.isBelow(statSync(log()).size, 2 << 20)
    })
  )

  it.live("whose link breaks is waited for, and not begun again", () =>
    Effect.gen(function* () {
      const vm = guest(1500)
      const script = "echo begun >>count; sleep 4; echo ended"
      const broken = yield* run(script, {}, vm)
      assert.isTrue(Option.isSome(broken.failure))
      const { failure, output } = yield* run(script, {}, vm)
      assert.isTrue(Option.isNone(failure))
      assert.strictEqual(output, "ended\n")
      assert.strictEqual(readFileSync(join(home, "count"), "utf8"), "begun\n")
      // and once more when it is over
      assert.isTrue(Option.isNone((yield* run(script, {}, vm)).failure))
      assert.strictEqual(readFileSync(join(home, "count"), "utf8"), "begun\n")
    })
  )

  it.live("that cannot be written says so", () =>
    Effect.gen(function* () {
      rmSync(home, { recursive: true })
      const vm = { ...guest(), run: () => Effect.succeed({ code: 1, stdout: "", stderr: "No space left on device" }) }
      const { failure, output } = yield* run("true", {}, vm)
      assert.deepStrictEqual(failure, Option.some("could not be written into the VM"))
      assert.include(output, "No space")
    })
  )

  it.live("leaves its files in a folder of its own", () =>
    Effect.gen(function* () {
      yield* run("true")
      assert.deepStrictEqual(readdirSync(home), [HostScript.FOLDER])
      assert.isTrue(existsSync(log()))
    })
  )
})
