import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Config from "../../src/config/Config.ts"
import * as Plugins from "../../src/plugins/Plugins.ts"
import { NodeContext } from "../fakes/platform.ts"

const folder = mkdtempSync(join(tmpdir(), "anklet-yaml-"))

const read = (text: string) => {
  const file = join(folder, "config.yml")
  writeFileSync(file, text)
  return Effect.flatMap(Config.read(file), (raw) =>
    Effect.map(Plugins.resolve(raw), (services) => ({ raw, names: services.map(({ name }) => name) }))
  ).pipe(Effect.provide(NodeContext))
}

const complaint = (text: string) => Effect.map(Effect.flip(read(text)), ({ message }) => message)

const lines = (...all: ReadonlyArray<string>) => `${all.join("\n")}\n`

const HEAD = lines(
  "x-one: &one",
  "  plugin: github",
  "  token: ghp_a",
  "  registration: repo",
  "  owner: o",
  "  repo: r",
  "x-two: &two",
  "  repo: other",
  "  sleep_interval: 5",
  "services:"
)

describe("merge keys", () => {
  it.effect("give a service the keys of an anchor, and its own keys win, wherever they stand", () =>
    Effect.gen(function* () {
      for (const service of [
        lines("  - <<: *one", "    name: A", "    owner: mine"),
        lines("  - name: A", "    owner: mine", "    <<: *one"),
        lines("  - { owner: mine, <<: *one, name: A }"),
        lines("  - <<: [*one, *two]", "    name: A", "    owner: mine"),
        lines("  - <<:", "      - *one", "      - { owner: theirs }", "    name: A", "    owner: mine")
      ]) {
        const { raw, names } = yield* read(HEAD + service)
        assert.deepStrictEqual(names, ["A"])
        const [{ own } = { own: {} }] = raw.services
        assert.deepStrictEqual(own, { token: "ghp_a", registration: "repo", owner: "mine", repo: "r" }, service)
      }
    })
  )

  it.effect("take the first of several anchors that has a key, and follow anchors into anchors", () =>
    Effect.gen(function* () {
      const { raw } = yield* read(`${HEAD}  - <<: [*two, *one]\n    name: A\n`)
      assert.strictEqual(raw.services[0]?.own.repo, "other")
      const nested = HEAD.replace("  repo: other", "  <<: *one\n  repo: other")
      const { names } = yield* read(`${nested}  - <<: *two\n    name: A\n`)
      assert.deepStrictEqual(names, ["A"])
    })
  )

  it.effect("may name a service above, and as many services as there are", () =>
    Effect.gen(function* () {
      const first = HEAD.replace("services:", "services:\n  - &first\n    <<: *one\n    name: A")
      const { names } = yield* read(`${first}  - <<: *first\n    name: B\n`)
      assert.deepStrictEqual(names, ["A", "B"])
      const many = Array.from({ length: 300 }, (_, n) => `  - <<: *one\n    name: S${n}\n`).join("")
      assert.strictEqual((yield* read(HEAD + many)).names.length, 300)
      const shared = `x-db: &db { enabled: true }\n${HEAD}`
      const stores = Array.from({ length: 300 }, (_, n) => `  - { <<: *one, name: S${n}, database: *db }\n`).join("")
      assert.strictEqual((yield* read(shared + stores)).names.length, 300)
    })
  )

  it.effect("leave the lines of problems as they are: where the key is written", () =>
    Effect.gen(function* () {
      const wrong = HEAD.replace("  owner: o", "  ownr: o").replace("sleep_interval: 5", "sleep_interval: soon")
      const message = yield* complaint(`${wrong}  - <<: [*one, *two]\n    name: A\n  - name: B\n    plugin: githib\n`)
      assert.include(message, "line 5, services[0].ownr: `ownr`: did you mean `owner`?")
      assert.include(message, "line 9, services[0].sleep_interval: expected a number from 0.1 to 86400")
      assert.include(message, 'line 14, services[1].plugin: there is no plugin "githib"')
      const aliased = yield* complaint(
        `x-db: &db\n  enabled: true\n  prot: 5\n${HEAD}  - <<: *one\n    name: A\n    database: *db\n`
      )
      assert.include(aliased, "line 3, services[0].database.prot: `prot`: did you mean `port`?")
    })
  )

  it.effect("that name no map, nothing at all or themselves are refused at their line, without the text", () =>
    Effect.gen(function* () {
      const at = (text: string) => complaint(HEAD + text)
      assert.include(yield* at("  - <<: 5\n    name: A\n"), "line 11: `<<` merges keys")
      assert.include(yield* at("  - name: A\n    <<: [*one, x]\n"), "line 12: `<<` merges keys")
      assert.include(yield* at("  - <<: *three\n    name: A\n"), "line 11: `*` begins an alias")
      assert.notInclude(yield* at("  - name: A\n    token: *CANARY\n"), "CANARY")
      assert.include(yield* at("  - &a\n    name: A\n    <<: *a\n"), "line 13: this alias refers to")
      assert.include(yield* at("  - name: A\n    x: &b [*b]\n"), "line 12: this alias refers to")
    })
  )

  it.effect("in quotes are keys like others, and not known", () =>
    Effect.map(complaint(`${HEAD}  - "<<": *one\n    name: A\n    plugin: github\n`), (message) =>
      assert.include(message, "is not a key here")
    )
  )
})

describe("a key at the top that begins with x-", () => {
  it.effect("holds anchors and nothing else; another one that is not known is told so", () =>
    Effect.gen(function* () {
      const message = yield* complaint(HEAD.replace("x-one:", "templates:") + lines("  - <<: *one", "    name: A"))
      assert.include(message, "line 1, templates: `templates` is not a key here")
      assert.include(message, "one that only holds anchors begins with `x-`")
      assert.include(yield* complaint(`${HEAD}  - <<: *one\n    name: A\n    x-mine: 1\n`), "is not a key here")
    })
  )
})
