import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Config from "../../src/config/Config.ts"
import * as Plugins from "../../src/plugins/Plugins.ts"

const folder = mkdtempSync(join(tmpdir(), "anklet-older-"))
let files = 0
const read = (text: string) => {
  const file = join(folder, `${files++}.yml`)
  writeFileSync(file, text)
  return Config.read(file).pipe(
    Effect.tap(Plugins.resolve),
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["HOME", folder]]))),
    Effect.provide(NodeContext.layer)
  )
}

const problemOf = (text: string) =>
  Effect.map(Effect.flip(read(text)), ({ problems }) => {
    assert.strictEqual(problems.length, 1, problems.join("\n"))
    return problems[0] ?? assert.fail("no problem")
  })

const NOW = `services:
  - name: MAC 1
    plugin: github
    token: \${MAC_1_TOKEN}
    registration: repo
    owner: o
    repo: r
`

describe("a config of an older Anklet", () => {
  it.effect("of 2 is one problem that says what it is and what to do, with its line", () =>
    Effect.gen(function* () {
      const problem = yield* problemOf(`---
work_dir: /tmp/
global_database_url: localhost
global_private_key: /k.pem
plugins_path: /p
plugins:
  - name: RUNNER1
    plugin: github
    owner: o
    registration_timeout_seconds: 80
    unknown_key: 3
  - plugin: github_receiver
    secret: CANARY
`)
      assert.strictEqual(problem.line, 3)
      assert.match(problem.message, /config of Anklet 2 \(`global_database_url`, `global_private_key`, `plugins`\)/)
      assert.match(problem.message, /services:.*docs\/moving-in\.md/)
      assert.notInclude(String(problem), "CANARY")
    })
  )

  it.effect("is known by `plugins` alone, by any global key alone, also beside services of ours", () =>
    Effect.forEach(
      ["plugins: []\n", "plugins:\n", "global_token: x\n", `global_anything: 1\n${NOW}`, `${NOW}plugins: [x]\n`],
      (text) =>
        Effect.map(problemOf(text), ({ message }) => {
          assert.include(message, "config of Anklet 2")
          assert.notInclude(message, "undefined")
        })
    )
  )

  it.effect("of 1 is known by its receiver of webhooks", () =>
    Effect.gen(function* () {
      const problem = yield* problemOf(`services:
  - name: C
    plugin: github_controller
    hook_id: 3
    port: 8080
  - name: RUNNER1
    plugin: github
    workflows: { include: [x] }
`)
      assert.strictEqual(problem.line, 3)
      assert.include(problem.message, "config of Anklet 1")
    })
  )

  it.effect("is none where it only names a plugin that is not there, or is empty", () =>
    Effect.gen(function* () {
      assert.notInclude((yield* problemOf(NOW.replace("plugin: github", "plugin: gitlab"))).message, "Anklet")
      assert.notInclude((yield* problemOf("services: []\n")).message, "Anklet")
    })
  )
})

describe("an environment for an older Anklet", () => {
  const warned = (environment: Record<string, string>, name = "MAC 1") =>
    Config.olderEnvironment({
      services: [{ name }] as unknown as Config.Raw["services"],
      content: { services: [{ token: `\${MAC_1_TOKEN}` }] }
    }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(environment)))))

  it.effect("is named, without its values; each variable that is set, and no other", () =>
    Effect.gen(function* () {
      const warning = Option.getOrThrow(
        yield* warned({
          ANKLET_GLOBAL_TOKEN: "CANARY",
          MAC_1_DATABASE_PASSWORD: "CANARY",
          ANKLET_WORK_DIR: "",
          ANKLET_BIN_DIR: "/x",
          OTHER_OWNER: "o"
        })
      )
      assert.match(warning, /^ANKLET_GLOBAL_TOKEN, MAC_1_DATABASE_PASSWORD are set as for Anklet 1 or 2/)
      assert.notInclude(warning, "CANARY")
    })
  )

  it.effect("is not named where nothing is set, or where the config reads the variable", () =>
    Effect.gen(function* () {
      assert.isTrue(Option.isNone(yield* warned({})))
      assert.isTrue(Option.isNone(yield* warned({ MAC_1_TOKEN: "CANARY" })))
      assert.isTrue(Option.isSome(yield* warned({ MAC_1_OWNER: "o" })))
    })
  )
})
