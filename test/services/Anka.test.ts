import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Template, VmName } from "../../src/domain/Job.ts"
import * as AnkaLayer from "../../src/services/Anka/command.ts"
import { classify, judge } from "../../src/services/Anka/envelope.ts"
import { Anka } from "../../src/services/Anka.ts"
import { Exec } from "../../src/services/Exec.ts"
import { NodeContext } from "../fakes/platform.ts"

const VM = VmName.make("anklet-vm-00000000-0000-4000-8000-000000000000")
const layer = AnkaLayer.layer.pipe(Layer.provide(Exec.layer), Layer.provide(NodeContext))

/** Puts a script in place of the hypervisor, at the front of PATH. */
const anka = (script: string) => {
  const folder = mkdtempSync(join(tmpdir(), "anklet-anka-"))
  mkdirSync(join(folder, "bin"))
  const file = join(folder, "bin", "anka")
  writeFileSync(file, `#!/usr/bin/env bash\necho "$*" >> ${folder}/calls\n${script}\n`)
  chmodSync(file, 0o755)
  process.env.PATH = `${join(folder, "bin")}:${process.env.PATH}`
  return { calls: () => readFileSync(join(folder, "calls"), "utf8") }
}
const use = <A, E>(f: (anka: typeof Anka.Service) => Effect.Effect<A, E>) =>
  Effect.provide(Effect.flatMap(Anka, f), layer)

describe("anka's answers", () => {
  for (const [what, script] of [
    [
      "without a trailing newline",
      `printf '{"status":"OK","body":[{"name":"a","uuid":"u","status":"stopped","version":"v1"}]}'`
    ],
    [
      "behind progress lines",
      `echo '{"p":0.5}'; echo; echo '{"status":"OK","code":0,"message":"x","body":[{"name":"a","uuid":"u","status":"stopped","version":"v1"}]}'; echo`
    ],
    [
      "after an empty one",
      `[ -e "$0.once" ] || { touch "$0.once"; exit 0; }; echo '{"status":"OK","body":[{"name":"a","uuid":"u","status":"stopped","version":"v1"}]}'`
    ]
  ] as const) {
    it.live(`${what} are read`, () => {
      anka(script)
      return Effect.map(
        use(({ list }) => list),
        (vms) =>
          assert.deepStrictEqual(vms, [
            { name: "a", uuid: "u", status: "stopped", tag: Option.some("v1"), ip: Option.none() }
          ])
      )
    })
  }

  it.live("with an empty or missing body are no VMs; an empty version is no tag", () =>
    Effect.gen(function* () {
      anka(`echo '{"status":"OK","body":null}'`)
      assert.deepStrictEqual(yield* use(({ list }) => list), [])
      anka(`echo '{"status":"OK"}'`)
      assert.deepStrictEqual(yield* use(({ list }) => list), [])
      anka(`echo '{"status":"OK","body":{"name":"a","version":""}}'`)
      assert.deepStrictEqual((yield* use(({ show }) => show("a"))).tag, Option.none())
    })
  )

  for (const [what, script, reason] of [
    ["that stay empty", "exit 0", "Protocol"],
    ["that are cut off", `printf '{"status":"OK","bo'`, "Protocol"],
    ["that are garbage", "echo 'no JSON {{{'", "Protocol"],
    ["that say OK with exit 1", `echo '{"status":"OK","body":[]}'; exit 1`, "Failed"],
    ["that say ERROR with exit 0", `echo '{"status":"ERROR","message":"Bad address"}'`, "Failed"],
    ["of another shape", `echo '{"status":"OK","body":{"a":1}}'`, "Protocol"]
  ] as const) {
    it.live(`${what} are a failure that says which command`, () => {
      anka(script)
      return Effect.map(Effect.flip(use(({ list }) => list)), (error) => {
        assert.strictEqual(error.reason, reason)
        assert.include(error.message, "anka list")
      })
    })
  }

  it.live("that would keep a parser or a pattern busy for ever are judged at once, by their end", () =>
    Effect.gen(function* () {
      anka(`head -c 900000 /dev/zero | tr '\\0' '['; echo; echo '{"status":"OK","body":[]}'`)
      assert.deepStrictEqual(yield* use(({ list }) => list), [])
      anka(`head -c 900000 /dev/zero | tr '\\0' '['`)
      assert.strictEqual((yield* Effect.flip(use(({ list }) => list))).reason, "Protocol")
      anka(`for n in 1 2 3 4 5 6 7 8 9; do printf 'registry anka: %.0s' {1..9000}; done >&2; exit 7`)
      const said = yield* use(({ run }) => run(VM, ["x"], { timeout: "30 seconds" }))
      assert.strictEqual(said.code, 7)
      assert.strictEqual(classify("registry ".repeat(100), 7), "Failed")
      anka(`printf '{"status":"ERROR","message":"'; printf 'registry %.0s' {1..90000}; echo '"}'; exit 7`)
      const error = yield* Effect.flip(use(({ list }) => list))
      assert.isBelow(error.message.length, 1000)
    })
  )

  it.live("are not asked for about what can be no template and no tag, whoever asks", () =>
    Effect.gen(function* () {
      const { calls } = anka(`echo '{"status":"OK","body":{}}'`)
      for (const [id, tag] of [
        ["../../x", "v1"],
        ["$(id)", "v1"],
        [VM, "v1"],
        ["t", "--force"],
        ["t", "../x"]
      ] as const) {
        const template = Template.make({ id, tag: Option.some(tag) })
        for (const ask of [
          use(({ clone }) => clone(template, VM, () => Effect.void)),
          use(({ pull }) => pull(template, Option.none(), () => Effect.void))
        ]) {
          assert.include((yield* Effect.flip(ask)).message, "cannot be the name of")
        }
      }
      assert.throws(calls)
    })
  )

  it("tell what kind of failure they are", () => {
    for (const [message, code, reason] of [
      ["x: not found", 3, "NotFound"],
      ["whatever", 18, "NameExists"],
      ["u: maximum number of running instances exceeded", 1, "CapacityExceeded"],
      ["400 Did not find any versions with tag v9", 22, "TagUnknown"],
      ["Failed to connect to http://r: Connection refused", 7, "RegistryUnavailable"],
      ["No registry configured", 30, "RegistryUnavailable"],
      ["No space left on device", 28, "NoSpace"],
      ["Wrong host for license (-4)", 1, "LicenseInvalid"],
      ["u: failed to start: No child processes", 1, "VmFailed"],
      ["communication timeout", 1, "GuestUnreachable"],
      ["Bad address", 14, "Failed"]
    ] as const) {
      assert.strictEqual(classify(message, code), reason, message)
    }
    assert.isTrue(judge({ code: 0, stdout: "", stderr: "" })._tag === "Left")
  })
})

describe("anka's commands", () => {
  it.live("never get an id that would be an option or a path", () => {
    const { calls } = anka("exit 0")
    return Effect.gen(function* () {
      for (const id of ["", "-f", "a:b"]) {
        assert.strictEqual((yield* Effect.flip(use(({ show }) => show(id)))).reason, "NotFound")
        assert.strictEqual(
          (yield* Effect.flip(
            use((anka) => anka.clone(Template.make({ id: id || "-", tag: Option.none() }), VM, () => Effect.void))
          )).reason,
          "NotFound"
        )
      }
      assert.throws(calls)
    })
  })

  it.live("run in the guest with their input and exit code; a link that breaks is told apart", () =>
    Effect.gen(function* () {
      const { calls } = anka(`[ "$1" = run ] && { cat; exit 7; }`)
      const { code, stdout } = yield* use(({ run }) => run(VM, ["cat"], { timeout: "10 seconds", stdin: "CANARY" }))
      assert.deepStrictEqual([code, stdout], [7, "CANARY"])
      assert.strictEqual(calls(), `run ${VM} cat\n`)
      anka("exit 125")
      assert.strictEqual(
        (yield* Effect.flip(use(({ run }) => run(VM, ["true"], { timeout: "10 seconds" })))).reason,
        "GuestUnreachable"
      )
    })
  )

  it.live("that delete make sure: gone counts as deleted, still listed does not", () =>
    Effect.gen(function* () {
      anka(`echo '{"status":"ERROR","code":3,"message":"${VM}: not found"}'; exit 3`)
      yield* use((anka) => anka.delete(VM))
      anka(
        `case "$*" in *list*) echo '{"status":"OK","body":[{"name":"${VM}"}]}';; *) echo '{"status":"OK","body":{"name":"${VM}","status":"running"}}';; esac`
      )
      assert.include((yield* Effect.flip(use((anka) => anka.delete(VM)))).message, "still listed")
    })
  )
})
