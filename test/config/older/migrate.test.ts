import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import { parse } from "yaml"
import * as Config from "../../../src/config/Config.ts"
import * as Daemon from "../../../src/config/older/daemon.ts"
import { withoutSecrets } from "../../../src/config/older/hidden.ts"
import { type Environment, type Migration, migrate } from "../../../src/config/older/migrate.ts"
import { type Entry, needsPerson } from "../../../src/config/older/Report.ts"
import * as Service from "../../../src/config/older/service.ts"
import { COUNT } from "../../../src/config/Shorthand.ts"
import { GitHubConfig } from "../../../src/plugins/github/config.ts"
import * as Plugins from "../../../src/plugins/Plugins.ts"
import { NodeContext } from "../../fakes/platform.ts"
import { anything, damaged } from "../../fuzz/text.ts"
import { FLEET, ONE, OPEN, TODAY } from "./samples.ts"

const NONE: Environment = new Map()

const migrated = (text: string, environment: Record<string, string> = {}): Migration =>
  Option.getOrThrow(migrate(text, new Map(Object.entries(environment))))

const folder = mkdtempSync(join(tmpdir(), "anklet-older-"))
let files = 0

/** What the daemon makes of a config. */
const read = (text: string, environment: Record<string, string> = {}) => {
  const file = join(folder, `${files++}.yml`)
  writeFileSync(file, text)
  return Effect.flatMap(Config.read(file), (raw) => Effect.map(Plugins.resolve(raw), () => raw)).pipe(
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries({ HOME: folder, ...environment })))),
    Effect.provide(NodeContext)
  )
}

/** `kind line service key -> to: message` of the entries of a key. */
const told = ({ entries }: Migration, key: string) =>
  entries
    .filter((entry) => entry.key === key)
    .map(({ kind, line, service, to, message }: Entry) =>
      [kind, line, service, to === undefined ? undefined : `-> ${to}`, message].filter(Boolean).join(" ")
    )

describe("migrating a config of Anklet 2", () => {
  const fleet = migrated(FLEET)

  it("gives what the older one meant, in the keys of today", () => {
    const database = {
      enabled: true,
      url: "10.0.0.1",
      port: 6379,
      password: "12345",
      tls: true,
      insecure: true
    }
    assert.strictEqual(fleet.era, 2)
    assert.deepStrictEqual(parse(fleet.text), {
      work_dir: "/tmp/",
      pid_file_dir: "/tmp/",
      log: { file_dir: "/tmp" },
      metrics: { port: 8081, host: "0.0.0.0" },
      services: [
        {
          name: "RUNNER1",
          plugin: "github",
          owner: "veertuinc",
          registry_url: "http://anka.registry:8089",
          runner_group: "Default",
          registration_timeout: 80,
          token: "CANARYtoken0123456789",
          database
        },
        {
          name: "RUNNER2",
          plugin: "github",
          owner: "veertuinc",
          repo: "2048",
          runner_group: 7,
          token: "CANARYtoken0123456789",
          database
        }
      ]
    })
    assert.deepStrictEqual(fleet.content, parse(fleet.text))
  })

  it("keeps the comments of all keys that stay, and those above keys that do not", () => {
    for (const comment of [
      "# our fleet",
      "  # where the logs go\n",
      "file_dir: /tmp # rotated",
      "# the shared Redis",
      "# the first",
      "# unless it is another",
      "# five is enough",
      "registration_timeout: 80 # seconds",
      "# the end"
    ])
      assert.include(fleet.text, comment)
  })

  it("says of each key what became of it, with its line", () => {
    assert.isEmpty(fleet.entries.filter(needsPerson))
    assert.deepStrictEqual(told(fleet, "plugins"), ["became 32 -> services"])
    assert.deepStrictEqual(told(fleet, "registration_timeout_seconds"), [
      "became 44 RUNNER1 -> registration_timeout 80 seconds, counted from the runner's start"
    ])
    assert.deepStrictEqual(told(fleet, "global_database_url"), ["became 10 -> database.url of each service"])
    assert.deepStrictEqual(told(fleet, "global_token"), ["became 24 -> token of RUNNER1, RUNNER2"])
    assert.deepStrictEqual(told(fleet, "database.url"), ["left out 59 RUNNER2 `global_database_url` wins, as before"])
    assert.match(told(fleet, "job_retry_attempts").join(), /^left out 43 RUNNER1 5: .* never cancels a run$/)
    assert.match(
      told(fleet, "registry_ulr").join(),
      /^left out 50 RUNNER1 Anklet 2 did not know it either: `registry_url`/
    )
    assert.deepStrictEqual(told(fleet, "metrics.host"), ["added 0.0.0.0 (as Anklet 2 did)"])
    assert.match(told(fleet, "plugin").join("; "), /left out 63 GITHUB_RECEIVER github_receiver: Anklet 3 asks GitHub/)
    // every key that is written, but those of the receiver
    const keys = [...(FLEET.split("- name: GITHUB_RECEIVER")[0]?.matchAll(/^[ -]*(\w+):/gm) ?? [])].map(
      ([, key]) => key
    )
    const said = fleet.entries.map(({ key }) => key.split(".").at(-1))
    assert.deepStrictEqual(
      keys.filter((key) => !said.includes(key) && key !== "log" && key !== "metrics" && key !== "database"),
      []
    )
  })

  it("names no secret in the report, nor in the config as it is shown", () => {
    for (const text of [FLEET, OPEN, ONE]) {
      const { entries, text: result } = migrated(text)
      assert.notInclude(JSON.stringify(entries), "CANARY")
      assert.notInclude(withoutSecrets(result), "CANARY")
    }
    const shown =
      withoutSecrets(`# token: CANARY\nplugins:\n  - token: \${RUNNER1_TOKEN}\n    private_key: ~/k.pem # CANARY is no secret
    database: { url: "redis://me:CANARY@h" }\n    other: ghp_CANARY0123456789012\n`)
    assert.strictEqual(shown.match(/CANARY/g)?.length, 1)
    assert.include(shown, "${RUNNER1_TOKEN}")
    assert.include(shown, "~/k.pem")
  })

  it("leaves to a person what it cannot know, and says why", () => {
    const open = migrated(OPEN)
    const said = open.entries.filter(needsPerson).map(({ kind, line, key }) => `${kind} ${line} ${key}`)
    assert.deepStrictEqual(said, [
      "no counterpart 3 global_skip_cpu_and_memory_resource_checks",
      "no counterpart 4 global_host_to_guest_folder_mounts",
      "no counterpart 5 metrics.aggregator",
      "no counterpart 13 skip_pull",
      "no counterpart 14 skip_cpu_and_memory_resource_checks",
      "no counterpart 15 host_to_guest_folder_mounts",
      "look at 18 database.tls_enabled",
      "look at 18 database.tls_insecure",
      "look at 21 enterprise",
      "look at 22 token",
      "look at 29 database.enabled"
    ])
    const [a] = (parse(open.text) as { services: ReadonlyArray<Record<string, unknown>> }).services
    assert.strictEqual(a?.private_key, "/keys/app.pem")
    assert.deepStrictEqual(a?.database, { url: "localhost", tls: true, insecure: true, cluster: true, enabled: true })
    assert.match(told(open, "queue_name").join(), /^left out 17 A each owner's jobs/)
  })

  it("with aliases and merge keys rewrites each service by itself", () => {
    const { text } = migrated(`x-mine: &x
  plugin: github
  registration_timeout_seconds: 90
common: &db { url: h }
plugins:
  - &first
    <<: *x
    name: A
    token: t
    owner: o
    database: *db
  - <<: *first
    name: B
    repo: r
`)
    const { services } = parse(text) as { services: ReadonlyArray<Record<string, unknown>> }
    const both = {
      plugin: "github",
      registration_timeout: 90,
      token: "t",
      owner: "o",
      database: { url: "h", enabled: true }
    }
    assert.deepStrictEqual(services, [
      { ...both, name: "A" },
      { ...both, name: "B", repo: "r" }
    ])
    assert.notInclude(text, "common")
  })
})

describe("the environment of an older config", () => {
  const environment = {
    ANKLET_GLOBAL_DATABASE_URL: "10.8.100.100",
    ANKLET_GLOBAL_PRIVATE_KEY: "~/app.pem",
    ANKLET_GLOBAL_TOKEN: "CANARY",
    ANKLET_METRICS_PORT: "9100",
    ANKLET_WORK_DIR: "/work",
    ANKLET_JOB_RETRY_ATTEMPTS: "3",
    ANKLET_PLUGINS_PATH: "/x",
    MAC_1_OWNER: "other",
    MAC_1_DATABASE_PASSWORD: "CANARY",
    MAC_1_REGISTRATION_TIMEOUT_SECONDS: "99",
    MAC_1_SKIP_PULL: "true",
    MAC_2_APP_ID: "12"
  }
  const TWO = `plugins:
  - { name: mac 1, plugin: github, owner: o }
  - { name: mac-2, plugin: github, owner: o }
`
  const moved = migrated(TWO, environment)

  it("is in the new config, by the names of variables where it is secret", () => {
    assert.deepStrictEqual(parse(moved.text), {
      metrics: { port: 9100, host: "0.0.0.0" },
      services: [
        {
          name: "mac 1",
          plugin: "github",
          owner: "other",
          registration_timeout: 99,
          database: { url: "${ANKLET_GLOBAL_DATABASE_URL}", password: "${MAC_1_DATABASE_PASSWORD}", enabled: true },
          token: "${ANKLET_GLOBAL_TOKEN}"
        },
        {
          name: "mac-2",
          plugin: "github",
          owner: "o",
          app_id: "12",
          private_key: "~/app.pem",
          database: { url: "${ANKLET_GLOBAL_DATABASE_URL}", enabled: true }
        }
      ],
      work_dir: "/work"
    })
    assert.notInclude(moved.text + JSON.stringify(moved.entries), "CANARY")
  })

  it("is reported, and is where its values come from", () => {
    assert.deepStrictEqual(told(moved, "environment MAC_1_OWNER"), ["became mac 1 -> owner"])
    assert.match(told(moved, "environment MAC_1_SKIP_PULL").join(), /^no counterpart mac 1 /)
    assert.match(told(moved, "environment ANKLET_PLUGINS_PATH").join(), /^left out no version/)
    assert.strictEqual(moved.variableOf(["services", 0, "owner"]), "MAC_1_OWNER")
    assert.strictEqual(moved.variableOf(["services", 1, "database", "url"]), "ANKLET_GLOBAL_DATABASE_URL")
    assert.strictEqual(moved.variableOf(["metrics", "port"]), "ANKLET_METRICS_PORT")
    assert.isUndefined(moved.variableOf(["services", 1, "owner"]))
  })
})

describe("migrating a config of Anklet 1", () => {
  it("keeps its services, and drops what was for webhooks", () => {
    const one = migrated(ONE)
    assert.strictEqual(one.era, 1)
    assert.isEmpty(one.entries.filter(needsPerson))
    const { services } = parse(one.text) as { services: ReadonlyArray<Record<string, unknown>> }
    assert.deepStrictEqual(Object.keys(services[0] ?? {}), [
      ...["name", "plugin", "token", "registration", "owner", "repo", "registry_url", "sleep_interval", "database"]
    ])
    assert.strictEqual(services.length, 1)
    assert.include(one.text, "repo: anklet # ours")
  })

  it("asks a person about a filter of workflows, which had an effect then", () => {
    const { entries } = migrated(ONE.replace("workflows: {}", "workflows: { include: [build] }"))
    assert.deepStrictEqual(
      entries.filter(needsPerson).map(({ line }) => line),
      [17]
    )
  })

  it("leaves keys that nobody knows where they are, to be reported as in any config", () => {
    const { text } = migrated(ONE.replace("    owner:", "    port: 1\n    owner:"))
    assert.include(text, "port: 1")
  })
})

describe("a migrated config", () => {
  it.effect("is one that a daemon starts with, if nobody must decide anything", () =>
    Effect.forEach([FLEET, ONE], (text) =>
      Effect.gen(function* () {
        const fromOld = yield* read(text)
        const fromNew = yield* read(migrated(text).text)
        assert.deepStrictEqual(fromOld.content, fromNew.content)
        assert.deepStrictEqual(
          [fromOld.services, fromNew.services].map((all) => all.map(({ name, database }) => [name, `${database}`]))[0],
          fromNew.services.map(({ name, database }) => [name, `${database}`])
        )
        assert.isTrue(Option.isSome(fromOld.older))
        assert.isTrue(Option.isNone(fromNew.older))
        assert.isTrue(Option.isNone(migrate(migrated(text).text, NONE)), "it is one of today")
      })
    )
  )

  it.effect("is refused with what must be decided, and nothing else, until it is", () =>
    Effect.gen(function* () {
      const { problems, message } = yield* Effect.flip(read(OPEN))
      assert.strictEqual(problems.length, 12, message)
      assert.include(message, "config of Anklet 2")
      assert.include(message, "line 21, B, enterprise: no App may register runners at an enterprise")
      assert.notInclude(message, "CANARY")
    })
  )

  it("of today stays as it is", () => {
    assert.isTrue(Option.isNone(migrate(TODAY, new Map([["RUNNER1_OWNER", "x"]]))))
  })

  it.effect("means the same for any mixture of older keys", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(mixture, async (text) => {
          const { entries, text: result, content } = migrated(text)
          assert.deepStrictEqual(parse(result), content)
          const outcome = await Effect.runPromise(Effect.either(read(result)))
          if (entries.some(needsPerson)) return
          assert.strictEqual(outcome._tag, "Right", `${outcome._tag === "Left" ? outcome.left.message : ""}\n${text}`)
        }),
        { numRuns: 100 }
      )
    )
  )

  it("never fails, whatever the text is", () => {
    let rewritten = 0
    FastCheck.assert(
      FastCheck.property(FastCheck.oneof(damaged(FLEET), damaged(OPEN), damaged(ONE), anything(FLEET)), (text) => {
        const result = migrate(
          text,
          new Map([
            ["RUNNER1_DATABASE_URL", "h"],
            ["A_TOKEN", "x"]
          ])
        )
        if (Option.isNone(result)) return
        rewritten++
        parse(result.value.text, { merge: true })
        withoutSecrets(result.value.text)
      }),
      { numRuns: 600 }
    )
    assert.isAbove(rewritten, 100)
  })

  it("knows the keys of today that the schemas know", () => {
    const keys = [...Object.keys(Config.Common.fields), ...Object.keys(GitHubConfig.fields), COUNT]
    assert.deepStrictEqual([...Service.KEPT].sort(), keys.sort())
    assert.deepStrictEqual([...Daemon.KEPT].sort(), [...Config.TOP_LEVEL].sort())
  })
})

/** A config of Anklet 2 with some of its keys. */
const mixture = FastCheck.record(
  {
    work_dir: FastCheck.constant("/tmp"),
    log: FastCheck.constantFrom({ file_dir: "/tmp" }, { split_by_plugin: true }, null),
    metrics: FastCheck.constantFrom({ port: "8080" }, { port: 1 }, { aggregator: false }, {}, null),
    global_token: FastCheck.constantFrom("t0", "", null),
    global_database_url: FastCheck.constantFrom("h", "", null),
    global_database_port: FastCheck.constantFrom(0, 6380),
    global_database_password: FastCheck.constantFrom("", "p", 77),
    global_database_tls_enabled: FastCheck.boolean(),
    global_database_tls_insecure: FastCheck.boolean(),
    global_database_cluster_mode: FastCheck.boolean(),
    global_host_to_guest_folder_mounts: FastCheck.constantFrom([], ["/a"]),
    services: FastCheck.constantFrom(undefined),
    plugins: FastCheck.uniqueArray(
      FastCheck.record(
        {
          name: FastCheck.constantFrom("A", "B", 3),
          plugin: FastCheck.constant("github"),
          owner: FastCheck.constantFrom("o", 7),
          token: FastCheck.constantFrom("t1", "t2"),
          repo: FastCheck.constantFrom("r", "", 2048),
          installation_id: FastCheck.constantFrom(0, 5),
          runner_group: FastCheck.constantFrom("Default", "3", 4, "", "mac"),
          sleep_interval: FastCheck.constantFrom(0, 1, 30),
          registration_timeout_seconds: FastCheck.constantFrom(0, 80),
          enterprise: FastCheck.constantFrom("", "e"),
          queue_name: FastCheck.constantFrom("o", "q", ""),
          skip_pull: FastCheck.constantFrom(true, false, "yes"),
          job_retry_attempts: FastCheck.nat(),
          workflows: FastCheck.constantFrom({}, { include: ["x"] }),
          database: FastCheck.constantFrom(
            null,
            {},
            { url: "" },
            { url: "h2", database: 3, tls_insecure: true },
            { url: "h2", port: 0, cluster_mode: true, database: 1 },
            { enabled: true, url: "h2", retry_delay: 3 }
          ),
          whatever: FastCheck.anything({ maxDepth: 1, withNullPrototype: false })
        },
        { requiredKeys: ["name", "plugin", "owner", "token"] }
      ),
      { minLength: 1, maxLength: 3, selector: ({ name }) => name }
    )
  },
  { requiredKeys: ["plugins"] }
).map((config) => JSON.stringify(config))
