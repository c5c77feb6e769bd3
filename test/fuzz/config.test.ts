import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Config from "../../src/config/Config.ts"
import * as Plugins from "../../src/plugins/Plugins.ts"
import { NodeContext } from "../fakes/platform.ts"
import { damaged } from "./text.ts"

const CANARY = "ghp_CANARY0123456789"
const GOOD = `work_dir: /tmp/
pid_file_dir: /tmp/
state_dir: /tmp/state
log:
  file_dir: /tmp
services:
  - name: RUNNER1
    plugin: github
    token: "${CANARY}"
    registration: repo
    owner: veertuinc
    repo: anklet
    sleep_interval: 10
    database: { enabled: true, url: "rediss://:${CANARY}@redis.test:6379", tls: true }
`

it("any damaged config is read, or refused with what is wrong where, and its secrets are not told", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "anklet-fuzz-")), "config.yml")
  const counts = { read: 0, refused: 0 }
  await FastCheck.assert(
    FastCheck.asyncProperty(damaged(GOOD), async (text) => {
      writeFileSync(file, text)
      const exit = await Effect.runPromiseExit(
        Effect.flatMap(Config.read(file), Plugins.resolve).pipe(Effect.provide(NodeContext))
      )
      counts[Exit.isSuccess(exit) ? "read" : "refused"]++
      if (Exit.isSuccess(exit)) return
      assert.isTrue(Cause.isFailType(exit.cause), Cause.pretty(exit.cause))
      if (!Cause.isFailType(exit.cause)) return
      const { message } = exit.cause.error
      assert.isAbove(message.length, 10)
      // except for the part of a secret that the damage itself moved elsewhere
      if (text.includes(CANARY)) assert.notInclude(message, CANARY)
    }),
    { numRuns: 3000 }
  )
  assert.isAbove(counts.read, 100)
  assert.isAbove(counts.refused, 100)
})
