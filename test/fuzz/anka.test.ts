import { assert, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { Template, VmName } from "../../src/domain/Job.ts"
import * as AnkaLayer from "../../src/services/Anka/command.ts"
import { Anka, type AnkaError } from "../../src/services/Anka.ts"
import { Exec } from "../../src/services/Exec.ts"
import { NodeContext } from "../fakes/platform.ts"
import { anything } from "./text.ts"

const VM = VmName.make("anklet-vm-00000000-0000-4000-8000-000000000000")
const ok = (body: unknown) => JSON.stringify({ status: "OK", body, message: "" })
const output = anything(
  ok([{ uuid: "u", name: VM, status: "running" }]),
  ok({ uuid: "u", name: "t", status: "stopped", version: "v1" }),
  ok({ size: 10, cached: "3", available: 20 }),
  ok({ product: "Anka", version: "3.9.1" }),
  JSON.stringify({ status: "ERROR", code: 3, message: "t: not found" }),
  `10%\n20%\n${ok({})}\n\n`
)
const answer = FastCheck.record({
  code: FastCheck.constantFrom(0, 0, 1, 3, 124, 125, 137),
  stdout: output,
  stderr: output
})
const template = Template.make({ id: "t", tag: Option.some("v1") })

const CALLS: ReadonlyArray<(anka: Anka["Type"]) => Effect.Effect<unknown, AnkaError>> = [
  ({ version }) => version,
  ({ license }) => license,
  ({ list }) => list,
  ({ show }) => show(VM),
  ({ localTags }) => localTags("t"),
  ({ registry }) => registry(Option.none()),
  ({ imageDirectory }) => imageDirectory,
  ({ pullSize }) => pullSize(template, Option.none()),
  ({ pull }) => pull(template, Option.none(), () => Effect.void),
  ({ clone }) => clone(template, VM, () => Effect.void),
  ({ start }) => start(VM),
  ({ run }) => run(VM, ["true"], { timeout: "1 second" }),
  ({ copyIn }) => copyIn(VM, "/a", ""),
  ({ stop }) => stop(VM, { force: true }),
  (anka) => anka.delete(VM)
]

it("whatever `anka` prints, it is understood, or it is an error that names the command", async () => {
  const counts = { understood: 0, refused: 0 }
  await FastCheck.assert(
    FastCheck.asyncProperty(FastCheck.array(answer, { minLength: 1, maxLength: 4 }), async (answers) => {
      let n = 0
      const exec = Layer.succeed(
        Exec,
        Exec.of({
          run: () => Effect.sync(() => answers[n++ % answers.length] ?? { code: 0, stdout: "", stderr: "" }),
          identify: () => Effect.succeedNone,
          isAlive: () => Effect.succeed(false)
        })
      )
      const exits = await Effect.runPromise(
        Effect.gen(function* () {
          const anka = yield* Anka
          const fiber = yield* Effect.fork(Effect.forEach(CALLS, (call) => Effect.exit(call(anka))))
          yield* Effect.repeatN(TestClock.adjust("1 second"), CALLS.length)
          return yield* fiber
        }).pipe(
          Effect.provide(
            Layer.merge(AnkaLayer.layer.pipe(Layer.provide(exec), Layer.provide(NodeContext)), TestContext.TestContext)
          )
        )
      )
      for (const exit of exits) {
        counts[Exit.isSuccess(exit) ? "understood" : "refused"]++
        if (Exit.isSuccess(exit)) continue
        const failure = Cause.failureOption(exit.cause)
        assert.isTrue(Option.isSome(failure), Cause.pretty(exit.cause))
        if (Option.isSome(failure)) assert.match(failure.value.message, /anka/)
      }
    }),
    { numRuns: 300 }
  )
  assert.isAbove(counts.understood, 100)
  assert.isAbove(counts.refused, 100)
})
