/** Whatever is written in place of a key, the message is for people: no type of the program's, no value, and nothing is hidden by something else. */
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { stringify } from "yaml"
import * as Config from "../../src/config/Config.ts"
import * as Plugins from "../../src/plugins/Plugins.ts"
import * as github from "../../src/services/GitHub/schemas.ts"
import { inOneLine } from "../../src/text/Expected.ts"
import { NodeContext } from "../fakes/platform.ts"

const folder = mkdtempSync(join(tmpdir(), "anklet-problems-"))
const CANARY = "ghp_CANARY0123456789"

const good = () => ({
  work_dir: "/tmp",
  pid_file_dir: "/tmp",
  state_dir: "/tmp",
  log: { file_dir: "/tmp" },
  metrics: { port: 9464, host: "127.0.0.1" },
  services: [
    {
      name: "A",
      plugin: "github",
      token: CANARY,
      registration: "repo",
      owner: "o",
      repo: "r",
      registry_url: "http://r",
      api_url: "https://api.github.com",
      runner_group: 1,
      registration_timeout: 300,
      runner_version: "2.338.0",
      runner_sha256: "a".repeat(64),
      runner_url: "https://example.com/{version}.tar.gz",
      sleep_interval: 10,
      database: {
        enabled: true,
        url: "localhost",
        port: 6379,
        user: "u",
        password: CANARY,
        database: 0,
        tls: true,
        insecure: true
      }
    },
    {
      name: "B",
      plugin: "github",
      app_id: 1,
      installation_id: 2,
      registration: "org",
      owner: "o",
      database: { enabled: true, sentinel: { name: "m", nodes: ["a:1"], user: "u", password: CANARY } }
    }
  ]
})

type Path = ReadonlyArray<string | number>

const pathsIn = (value: unknown, at: Path = []): ReadonlyArray<Path> =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => {
        const path = [...at, Array.isArray(value) ? Number(key) : key]
        return [path, ...pathsIn(inner, path)]
      })
    : []

/** A config with other values in these places. */
const changed = (...changes: ReadonlyArray<readonly [Path, unknown]>): unknown => {
  const config = structuredClone(good())
  for (const [path, value] of changes) {
    const parent = path.slice(0, -1).reduce<unknown>((node, key) => Reflect.get(Object(node), key), config)
    Reflect.set(Object(parent), path.at(-1) ?? "", value)
  }
  return config
}

/** All messages; none for a valid config. */
const said = (config: unknown) => {
  const file = join(folder, "config.yml")
  writeFileSync(file, stringify(config))
  return Effect.flatMap(Config.read(file), Plugins.resolve).pipe(
    Effect.match({ onFailure: ({ problems }) => problems, onSuccess: () => [] }),
    Effect.provide(NodeContext)
  )
}

/** The program's own words. */
const JARGON =
  /ReadonlyArray|readonly |\bundefined\b|\bnull\b|Expected|actual|NonEmpty|Option|Redacted|Schema|Transformation|Refinement|filter|predicate|Union|parseNumber|Unable|\bstring\b|minItems|\[object|=>|\bInt\b|Positive|<->|\bNaN\b/

const VALUES: ReadonlyArray<unknown> = [
  null,
  "",
  " ",
  CANARY,
  0,
  -1,
  77.5,
  1e300,
  Number.POSITIVE_INFINITY,
  Number.NaN,
  true,
  false,
  [],
  [null],
  [CANARY],
  [[CANARY]],
  {},
  { CANARY: 1 },
  { a: { b: [CANARY] } },
  new Date(0),
  "line\nbreak",
  "\u0000\u001b[2J"
]

const paths = pathsIn(good())
const nameOf = (path: Path) =>
  path.reduce<string>((text, key) => (typeof key === "number" ? `${text}[${key}]` : `${text}${text && "."}${key}`), "")

describe("what is said of a config", () => {
  for (const value of VALUES) {
    it.effect(`is for people, and holds no value: ${JSON.stringify(value)} in the place of any key`, () =>
      Effect.forEach(paths, (path) =>
        Effect.map(said(changed([path, value])), (problems) => {
          for (const { message } of problems) {
            assert.notMatch(message, JARGON, nameOf(path))
            assert.notInclude(message, CANARY)
            assert.notInclude(message, "\u001b")
            assert.isAbove(message.length, 5)
          }
        })
      )
    )
  }

  it.effect("has both of two problems, whichever two keys are wrong", () =>
    Effect.gen(function* () {
      const wrong = { CANARY: 1 }
      const leaves = paths.filter((path) => {
        const value = path.reduce<unknown>((node, key) => Reflect.get(Object(node), key), good())
        return typeof value !== "object"
      })
      // the keys of an unknown plugin cannot be judged
      const some = leaves.filter((path) => path.at(-1) !== "plugin")
      for (const [index, first] of some.entries()) {
        for (const second of some.slice(index + 1)) {
          const problems = (yield* said(changed([first, wrong], [second, wrong]))).map(({ path }) => path)
          for (const path of [first, second]) {
            assert.isTrue(
              problems.some((problem) => problem.startsWith(nameOf(path))),
              `${nameOf(path)} in ${problems.join(" ")}`
            )
          }
        }
      }
    })
  )

  it.effect("has what is wrong between keys beside what is wrong in one of them", () =>
    Effect.gen(function* () {
      const [first] = good().services
      const messages = (yield* said({
        work_dir: 5,
        wrk_dir: "/tmp",
        services: [
          { ...first, owner: 5, token: undefined, database: { enabled: true, port: "x", url: "redis://h/?db=2" } },
          { plugin: "githib" },
          { name: "C", plugin: "github", registration: "repo", owner: "o" },
          5,
          { name: "C", plugin: "github", registration: "rep", token: "ghp_a", owner: "o" }
        ]
      })).map(String)
      for (const words of [
        "work_dir: expected text in quotes",
        "`wrk_dir`: did you mean `work_dir`?",
        "services[0].owner: expected text in quotes",
        "services[0].token: a token, or a GitHub App",
        "services[0].database.port: expected a whole number from 1 to 65535",
        "services[0].database.url: parameters",
        "services[1].name: is missing",
        'services[1].plugin: there is no plugin "githib"',
        "services[2].token: a token, or a GitHub App",
        "services[2].repo: registration: repo needs",
        "services[3]: expected the keys and values of a service",
        'services[4].name: service "C" already exists',
        'services[4].registration: expected "repo", "org" or "enterprise"'
      ]) {
        assert.isTrue(
          messages.some((message) => message.includes(words)),
          `${words} in\n${messages.join("\n")}`
        )
      }
    })
  )

  it.effect("without services, or with a blank list of them, is that they are missing", () =>
    Effect.gen(function* () {
      for (const [text, words] of [
        ["services:\n", "line 1, services: has no value: expected at least one service"],
        ["services: []\n", "expected at least one service"],
        ["services: {}\n", "expected a list of services"],
        ["services: A\n", "expected a list of services"],
        ["services:\n  -\n", "line 2, services[0]: expected the keys and values of a service"]
      ] as const) {
        const file = join(folder, "blank.yml")
        writeFileSync(file, text)
        const error = yield* Effect.flatMap(Config.read(file), Plugins.resolve).pipe(
          Effect.provide(NodeContext),
          Effect.flip
        )
        assert.include(error.message, words)
      }
    })
  )
})

describe("a blank value", () => {
  it.effect("is as if the key were left out, where it may be", () =>
    Effect.gen(function* () {
      const optional = paths.filter(
        (path) =>
          !/(^|\.)(services(\[\d\])?|name|plugin|registration|owner|nodes(\[\d\])?|metrics\.port)$/.test(nameOf(path))
      )
      for (const path of optional.filter((path) => !/token|repo$|app_id|sha256|tls$|private_key/.test(nameOf(path)))) {
        const problems = (yield* said(changed([path, null])))
          .map(String)
          .filter((text) => !text.includes("services[1]"))
        assert.deepStrictEqual(
          problems,
          (yield* said(good())).map(String).filter((text) => !text.includes("services[1]")),
          nameOf(path)
        )
      }
    })
  )
})

describe("an answer that is not what it should be", () => {
  it("is told by its places, without the program's own words and without its values", () => {
    const run = { id: CANARY, status: 5 }
    for (const [schema, value] of [
      [github.Run, run],
      [github.Runs, { workflow_runs: null }],
      [github.Jobs, `<html>${CANARY}`],
      [github.Runners, { runners: { id: 1, name: CANARY } }],
      [github.Repositories, { message: CANARY }],
      [github.JitConfig, { encoded_jit_config: "" }]
    ] as const) {
      const result = Schema.decodeUnknownEither(schema as Schema.Schema<unknown>, { errors: "all" })(value)
      assert.strictEqual(result._tag, "Left")
      if (result._tag !== "Left") continue
      assert.notMatch(inOneLine(result.left), JARGON)
      assert.notInclude(inOneLine(result.left), CANARY)
    }
    const error = Schema.decodeUnknownEither(github.Run)(run)
    assert.strictEqual(error._tag === "Left" ? inOneLine(error.left) : "", "id: expected a number")
  })
})
