import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Exec } from "../../src/services/Exec.ts"
import { HOST_FILE, Host } from "../../src/services/Host.ts"
import { NodeContext } from "../fakes/platform.ts"

const stateDir = () => mkdtempSync(join(tmpdir(), "anklet-host-"))
const hostIn = (state: string) =>
  Effect.provide(Host, Host.layer(state).pipe(Layer.provide(Exec.layer), Layer.provide(NodeContext)))

describe("a host's identity", () => {
  it.live("outlives its daemon, each life of which has a name of its own", () =>
    Effect.gen(function* () {
      const state = stateDir()
      const first = yield* hostIn(state)
      const second = yield* hostIn(state)
      assert.strictEqual(first.id, second.id)
      assert.notStrictEqual(first.boot, second.boot)
      assert.notMatch(first.id, /[ /]/)
      assert.notStrictEqual((yield* hostIn(stateDir())).id, first.id)
    })
  )

  it.live(
    "does not go along with a disk that is copied to another machine, nor does a broken file keep a host from starting",
    () =>
      Effect.gen(function* () {
        const state = stateDir()
        const { id } = yield* hostIn(state)
        const file = join(state, HOST_FILE)
        writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), machine: "another one" }))
        const copied = yield* hostIn(state)
        assert.notStrictEqual(copied.id, id)
        assert.strictEqual((yield* hostIn(state)).id, copied.id)
        writeFileSync(file, "{half")
        assert.notStrictEqual((yield* hostIn(state)).id, copied.id)
      })
  )

  it.live("is judged to be an earlier life's only when that process is dead, here", () =>
    Effect.gen(function* () {
      const host = yield* hostIn(stateDir())
      const said = JSON.parse(host.info)
      const rival = (given: object) => host.judge(JSON.stringify({ ...said, ...given }))
      const parent = { pid: process.ppid, startedAt: "" }
      assert.strictEqual((yield* rival({ process: { pid: 2 ** 22 + 1, startedAt: "1" } }))._tag, "Dead")
      assert.strictEqual((yield* rival({ process: { ...said.process, startedAt: "earlier" } }))._tag, "Dead")
      const alive = yield* rival({ process: parent, hostname: "mac-7", state: "/copied" })
      assert.strictEqual(alive._tag, "Alive")
      if (alive._tag !== "Alive") return
      assert.include(alive.who, `mac-7 (pid ${parent.pid}, state_dir /copied)`)
      assert.include(alive.remedy, HOST_FILE)
      assert.strictEqual((yield* rival({ machine: "another one" }))._tag, "Alive")
      assert.strictEqual(host.nameOf("nonsense"), "another host")
      assert.strictEqual((yield* host.judge("nonsense"))._tag, "Alive")
    })
  )
})
