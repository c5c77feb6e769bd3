import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Config from "../../src/config/Config.ts"
import * as Plugins from "../../src/plugins/Plugins.ts"

const CANARY = "ghp_CANARY0123456789"

const SAMPLE = `work_dir: /tmp/
pid_file_dir: /tmp/
state_dir: /tmp/state
log:
  file_dir: /tmp
services:
  - name: RUNNER1
    plugin: github
    token: ${CANARY}
    registration: repo
    owner: veertuinc
    repo: anklet
    registry_url: http://anka.registry:8089
    sleep_interval: 10
    api_url: https://api.github.com
    runner_group: 1
    registration_timeout: 300
    runner_version: 2.338.0
    runner_url: https://example.com/{version}.tar.gz
    database:
      enabled: false
      url: localhost
      port: 6379
      user: ""
      password: "${CANARY}"
      database: 0
  - name: RUNNER2
    plugin: github
    token: ${CANARY}
    registration: repo
    owner: veertuinc
    repo: anklet
metrics:
  port: 9464
  host: 127.0.0.1
`

const folder = mkdtempSync(join(tmpdir(), "anklet-config-"))
let files = 0
const written = (text: string | Uint8Array) => {
  const file = join(folder, `${files++}.yml`)
  writeFileSync(file, text)
  return file
}

const env = (given: Record<string, string> = {}) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries({ HOME: folder, ...given }))))

const load = (text: string | Uint8Array, given: Record<string, string> = {}) =>
  Effect.gen(function* () {
    const raw = yield* Config.read(written(text))
    return { raw, services: yield* Plugins.resolve(raw) }
  }).pipe(env(given), Effect.provide(NodeContext.layer))

/** All messages about a config that cannot be used. */
const complaint = (text: string | Uint8Array, given: Record<string, string> = {}) =>
  Effect.map(Effect.flip(load(text, given)), (error) => {
    assert.strictEqual(error._tag, "ConfigError")
    const { message } = error
    assert.notInclude(message, CANARY)
    return message
  })

const lineOf = (text: string, part: string) => text.split("\n").findIndex((line) => line.includes(part)) + 1

describe("the sample config", () => {
  it.effect("is read whole", () =>
    Effect.gen(function* () {
      const { raw, services } = yield* load(SAMPLE)
      assert.deepStrictEqual(
        services.map(({ name }) => name),
        ["RUNNER1", "RUNNER2"]
      )
      assert.strictEqual(raw.daemon.stateDir, "/tmp/state")
    })
  )

  const keys = [...new Set([...SAMPLE.matchAll(/^\s*(?:- )?(\w+):/gm)].map(([, key]) => key ?? ""))]
  const slips: ReadonlyArray<readonly [string, (key: string) => string]> = [
    ["with a letter missing", (key) => key.slice(0, -2) + key.slice(-1)],
    ["with a letter doubled", (key) => key.slice(0, 2) + key.slice(1)],
    ["with two letters swapped", (key) => key.slice(0, 1) + (key[2] ?? "") + (key[1] ?? "") + key.slice(3)]
  ]
  for (const [slip, misspell] of slips) {
    it.effect(`${slip} in any one key names the key, its line and the right one`, () =>
      Effect.forEach(keys, (key) =>
        Effect.gen(function* () {
          const wrong = misspell(key)
          if (wrong === key) return
          const text = SAMPLE.replace(new RegExp(`(^|\\s)${key}:`), `$1${wrong}:`)
          const message = yield* complaint(text)
          assert.include(message, `\`${wrong}\`: did you mean \`${key}\`?`)
          assert.include(message, `line ${lineOf(text, `${wrong}:`)}`)
        })
      )
    )
  }

  it.effect("indented two columns too deep after `- name:` gets its own hint", () =>
    Effect.gen(function* () {
      const text = "services:\n  - name: RUNNER1\n      plugin: github\n      token: x\n"
      const message = yield* complaint(text)
      assert.include(message, "line 3")
      assert.include(message, "aligned with its `name`")
      assert.include(message, "column 5")
    })
  )
})

describe("a config that cannot be used", () => {
  const service = (extra: string) =>
    `services:\n  - name: A\n    plugin: github\n    token: ${CANARY}\n    registration: repo\n    owner: o\n    repo: r\n${extra}`

  for (const [what, text, ...parts] of [
    ["is empty", "", "it is empty"],
    ["is a list", "- a\n", "expected keys and values"],
    ["has no services", "work_dir: /tmp\n", "services: is missing"],
    ["has an empty list of services", "services: []\n", "at least one service"],
    ["is indented with tabs", "services:\n\t- name: A\n", "line 2", "spaces, not with tabs"],
    ["has a key twice", "work_dir: a\nwork_dir: b\n", "line 2", "this key appears twice"],
    [
      "has a service name twice",
      `${service("")}  - name: A\n    plugin: github\n    token: x\n    registration: repo\n    owner: o\n    repo: r\n`,
      "line 8",
      'service "A" already exists (line 2)'
    ],
    ["has metrics without a port", `${service("")}metrics: {}\n`, "line 8", "metrics.port: is missing"],
    ["has a port that is none", `${service("")}metrics:\n  port: 65536\n`, "line 9", "65535"],
    ["misspells the metrics' port", `${service("")}metrics:\n  prot: 9464\n`, "line 9", "`prot`: did you mean `port`?"],
    ["names an unknown plugin", "services:\n  - name: A\n    plugin: githib\n", "line 3", 'did you mean "github"?'],
    ["has database.disabled", service("    database:\n      disabled: true\n"), "line 9", "write `enabled: false`"],
    [
      "wants another database of a cluster",
      service("    database:\n      enabled: true\n      cluster: true\n      database: 3\n"),
      "line 11",
      "a Redis cluster has database 0 only"
    ],
    [
      "wants sentinels and a cluster",
      service(
        "    database:\n      enabled: true\n      cluster: true\n      sentinel:\n        name: m\n        nodes: [a]\n"
      ),
      "line 10",
      "not both"
    ],
    [
      "has a store's address that is none",
      service(`    database:\n      enabled: true\n      url: http://${CANARY}@host\n`),
      "line 10",
      "redis://host:6379"
    ],
    [
      "trusts anybody, but without TLS",
      service("    database:\n      enabled: true\n      insecure: true\n"),
      "line 10",
      "write `tls: true`"
    ],
    [
      "names a certificate that is not there",
      service("    database:\n      enabled: true\n      tls: true\n      ca: /nowhere/ca.pem\n"),
      "line 11",
      "cannot be read"
    ],
    [
      "misspells a sentinel's key",
      service("    database:\n      enabled: true\n      sentinel:\n        nam: m\n        nodes: [a]\n"),
      "line 11",
      "did you mean `name`?"
    ],
    ["has no token", service("").replace(/ {4}token.*\n/, ""), "a token, or a GitHub App"],
    ["has no repo", service("").replace(/ {4}repo.*\n/, ""), "registration: repo needs the repository's name"],
    [
      "has a wrong registration",
      service("").replace("registration: repo", "registration: rep"),
      "line 5",
      'expected "repo", "org" or "enterprise"'
    ],
    [
      "has a token where a key belongs",
      service(`    ${CANARY}: true\n`),
      "line 8, services[0]: this is not a key here"
    ],
    [
      "has lost the beginning of a line with a secret",
      service(`    d "rediss://:${CANARY}@redis.test:6379", tls: true }\n`),
      "line 8, services[0]: this is not a key here"
    ],
    ["has a number for a token", service("").replace(CANARY, "12345"), "line 4", "expected text in quotes"],
    ["has a list for a token", service("").replace(CANARY, `[${CANARY}]`), "line 4", "expected text in quotes"],
    [
      "has an interval that is no number",
      service("    sleep_interval: soon\n"),
      "line 8",
      "expected a number from 0.1 to 86400"
    ],
    ["has services as a map", `services:\n  token: ${CANARY}\n`, "line 1"],
    [
      "names an environment variable that is not set",
      service("").replace(CANARY, '"${NO_SUCH}"'),
      "line 4",
      "the environment variable NO_SUCH is not set"
    ],
    [
      "names a secret's file that is not there",
      service("").replace(CANARY, "file:/no/such"),
      "line 4",
      "/no/such cannot be read"
    ],
    ["has a runner version without its sum", service("    runner_version: 2.0.0\n"), "needs the SHA-256"]
  ] as const) {
    it.effect(`because it ${what} is explained`, () =>
      Effect.map(complaint(text), (message) => {
        for (const part of parts) assert.include(message, part)
      })
    )
  }

  it.effect("because it is huge, a directory, not there, or not text is explained", () =>
    Effect.gen(function* () {
      assert.include(yield* complaint("a".repeat(2 << 20)), "larger than")
      assert.include(yield* complaint(new Uint8Array([0xff, 0xfe, 0x00])), "UTF-8")
      const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\n${"bcdefghi"
        .split("")
        .map((key, index) => `${key}: &${key} [${Array(10).fill(`*${"abcdefgh"[index]}`).join(", ")}]`)
        .join("\n")}\n`
      assert.include(yield* complaint(bomb), "aliases")
      const at = (path: string) => Config.read(path).pipe(env(), Effect.provide(NodeContext.layer), Effect.flip)
      assert.include((yield* at(folder)).message, "directory")
      assert.include((yield* at(join(folder, "none.yml"))).message, "there is no such file")
    })
  )

  it.effect("tells all its problems at once", () =>
    Effect.map(
      complaint(
        `wrk_dir: /tmp\nservices:\n  - name: A\n    plugin: github\n    tokenn: ${CANARY}\n    registration: repo\n    owner: 5\n`
      ),
      (message) => {
        assert.include(message, "line 1, wrk_dir: `wrk_dir`: did you mean `work_dir`?")
        assert.include(message, "line 5, services[0].tokenn: `tokenn`: did you mean `token`?")
        assert.include(message, "services[0].owner: expected")
      }
    )
  )

  it.effect("tells all problems of all services at once", () =>
    Effect.map(
      complaint(
        `services:\n  - name: A\n    plugin: github\n    tokenn: ${CANARY}\n    registration: repo\n    owner: 5\n    repo: r\n  - name: B\n    plugin: nothing\n`
      ),
      (message) => {
        assert.include(message, "line 4, services[0].tokenn: `tokenn`: did you mean `token`?")
        assert.include(message, "line 6, services[0].owner: expected")
        assert.include(message, "line 9, services[1].plugin: there is no plugin")
      }
    )
  )
})

describe("a secret", () => {
  const service = (token: string) =>
    `services:\n  - name: A\n    plugin: github\n    token: ${token}\n    registration: repo\n    owner: o\n    repo: r\n`

  it.effect("may come from the environment or from a file", () =>
    Effect.gen(function* () {
      writeFileSync(join(folder, "token"), `${CANARY}\n`)
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(load(service('"${MY_TOKEN}"'), { MY_TOKEN: CANARY }))))
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(load(service("file:~/token")))))
      writeFileSync(join(folder, "empty"), "\n")
      assert.include(yield* complaint(service("file:~/empty")), "is empty")
    })
  )
})
