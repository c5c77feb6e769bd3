import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { parse } from "yaml"
import * as Config from "../../../src/config/Config.ts"
import { eraOf } from "../../../src/config/older/words.ts"

const NOW = `services:
  - name: MAC 1
    plugin: github
    token: \${MAC_1_TOKEN}
    registration: repo
    owner: o
    repo: r
`

describe("a config of an older Anklet", () => {
  it("is known by its keys, its plugins, and what only its services had", () => {
    for (const [era, text] of [
      [2, "plugins: []\n"],
      [2, "plugins:\n"],
      [2, "global_token: x\n"],
      [2, `global_anything: 1\n${NOW}`],
      [2, `${NOW}plugins: [x]\n`],
      [2, NOW.replace("owner:", "skip_pull: true\n    owner:")],
      [2, NOW.replace("owner:", "database: { tls_enabled: true }\n    owner:")],
      [1, NOW.replace("plugin: github", "plugin: github_controller")],
      [1, NOW.replace("owner:", "workflows: {}\n    owner:")],
      [1, `log_file_dir: /x\n${NOW}`],
      [1, `metrics: { port: 1, aggregator: true }\n${NOW}`]
    ] as const)
      assert.deepStrictEqual(eraOf(parse(text)), Option.some(era), text)
  })

  it("is none where the keys are those of today, or of a plugin of one's own", () => {
    for (const text of [
      NOW,
      "services: []\n",
      "",
      "[]",
      NOW.replace("plugin: github", "plugin: mine\n    workflows: 1")
    ])
      assert.isTrue(Option.isNone(eraOf(parse(text))), text)
  })
})

describe("an environment for an older Anklet", () => {
  const warned = (environment: Record<string, string>, name = "MAC 1") =>
    Config.olderEnvironment({
      services: [{ name }] as unknown as Config.Raw["services"],
      content: { services: [{ token: `\${MAC_1_TOKEN}` }] },
      variables: ["MAC_1_REPO"],
      older: Option.none()
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
      assert.isTrue(Option.isNone(yield* warned({ MAC_1_TOKEN: "CANARY", MAC_1_REPO: "r" })))
      assert.isTrue(Option.isNone(yield* warned({ ANKLET_CONFIG_FILE_NAME: "mac.yml" })))
      assert.isTrue(Option.isSome(yield* warned({ MAC_1_OWNER: "o" })))
    })
  )
})
