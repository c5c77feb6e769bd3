import { generateKeyPairSync } from "node:crypto"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import {
  credentialOf,
  GitHubConfig,
  levelOf,
  partsOf,
  termsOf,
  termsOfAll
} from "../../../src/plugins/github/config.ts"
import { rule } from "../../../src/plugins/github/rule.ts"
import { Level } from "../../../src/services/GitHub.ts"

const { privateKey: PEM } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" }
})

const written = (keys: Readonly<Record<string, unknown>>) => ({ token: "ghp_x", owner: "acme", ...keys })

const tried = (keys: Readonly<Record<string, unknown>>) =>
  Effect.runSync(Effect.either(Effect.provide(Schema.decodeUnknown(GitHubConfig)(written(keys)), NodeContext.layer)))

const read = (keys: Readonly<Record<string, unknown>>) => partsOf(Either.getOrThrow(tried(keys)))[0]

const problems = (keys: Readonly<Record<string, unknown>>) => rule(written(keys)).map(({ message }) => message)

describe("where runners are registered", () => {
  it("follows from the keys", () => {
    assert.deepStrictEqual(levelOf(read({ repo: "app" })), Level.Repository({ owner: "acme", repo: "app" }))
    assert.deepStrictEqual(levelOf(read({})), Level.Organisation({ owner: "acme" }))
    assert.deepStrictEqual(levelOf(read({ registration: "org", repo: "app" })), Level.Organisation({ owner: "acme" }))
    assert.deepStrictEqual(levelOf(read({ enterprise: "big", repo: "app" })), Level.Enterprise({ enterprise: "big" }))
    for (const keys of [{}, { repo: "app" }, { enterprise: "big" }, { registration: "enterprise", enterprise: "big" }])
      assert.isEmpty(problems(keys))
  })

  it("is refused in words where the keys disagree", () => {
    assert.match(problems({ registration: "repo" }).join(), /needs the repository's name/)
    assert.match(problems({ registration: "enterprise" }).join(), /needs the enterprise's name/)
    assert.match(problems({ registration: "org", enterprise: "big" }).join(), /leave `registration` out/)
    assert.match(
      problems({ enterprise: "big", token: undefined, app_id: 1, private_key: "x" }).join(),
      /no App .* classic token with `repo` and `manage_runners:enterprise`/
    )
    for (const enterprise of ["", "a b", "a/b", "https://github.com/enterprises/big"])
      assert.isTrue(Either.isLeft(tried({ enterprise })), JSON.stringify(enterprise))
  })

  it("is what all hosts of a queue agree on, with the group", () => {
    assert.deepStrictEqual(
      [
        { repo: "app" },
        {},
        { runner_group: "macs" },
        { enterprise: "big" },
        { enterprise: "big", runner_group: 7 }
      ].map((keys) => termsOf(read(keys))),
      [
        "registration: repo",
        "registration: org",
        "registration: org in runner_group macs",
        "registration: enterprise big",
        "registration: enterprise big in runner_group 7"
      ]
    )
  })
})

describe("several scopes in one service", () => {
  const several = (watch: unknown, keys: Readonly<Record<string, unknown>> = {}) => ({
    owner: undefined,
    watch,
    ...keys
  })
  const told = (watch: unknown, keys: Readonly<Record<string, unknown>> = {}) =>
    rule(written(several(watch, keys))).map(({ path, message }) => `${path.join(".")}: ${message}`)
  const partsIn = (watch: unknown, keys: Readonly<Record<string, unknown>> = {}) => {
    const rest = Object.fromEntries(
      Object.entries(written(several(watch, keys))).filter(([, value]) => value !== undefined)
    )
    const decoded = Effect.either(Effect.provide(Schema.decodeUnknown(GitHubConfig)(rest), NodeContext.layer))
    return partsOf(Either.getOrThrow(Effect.runSync(decoded)))
  }
  const TWO = [{ owner: "a" }, { owner: "b", repo: "c" }]

  it("have their places each by its own keys", () => {
    const parts = partsIn([...TWO, { owner: "d", enterprise: "big" }, { owner: "e", repo: "f", registration: "org" }])
    assert.deepStrictEqual(parts.map(levelOf), [
      Level.Organisation({ owner: "a" }),
      Level.Repository({ owner: "b", repo: "c" }),
      Level.Enterprise({ enterprise: "big" }),
      Level.Organisation({ owner: "e" })
    ])
    assert.isEmpty(told(TWO))
  })

  it("share the service's group where a runner can have one, unless they have one of their own", () => {
    const groups = (watch: unknown) => partsIn(watch, { runner_group: "macs" }).map(({ runner_group }) => runner_group)
    assert.deepStrictEqual(groups([...TWO, { owner: "d", runner_group: 7 }]), ["macs", 1, 7])
  })

  it("agree with other hosts in whatever order they are written", () => {
    assert.strictEqual(termsOfAll(partsIn(TWO)), "a with registration: org, b/c with registration: repo")
    assert.strictEqual(termsOfAll(partsIn([...TWO].reverse())), termsOfAll(partsIn(TWO)))
    assert.strictEqual(termsOfAll(partsIn([{ owner: "a" }, { owner: "b" }])), "registration: org")
  })

  it("are refused in words where they overlap, or stand beside keys of one scope", () => {
    assert.match(told([{ owner: "a" }, { owner: "A" }]).join(), /^watch\.1: its jobs are those of entry 1 as well/)
    assert.match(told([{ owner: "a", repo: "x" }, { owner: "b" }, { owner: "a" }]).join(), /^watch\.2: .* entry 1/)
    assert.isEmpty(
      told([
        { owner: "a", repo: "x" },
        { owner: "a", repo: "y" }
      ])
    )
    for (const key of ["owner", "repo", "enterprise"])
      assert.match(told(TWO, { [key]: "x" }).join(), new RegExp(`${key}: goes into an entry of \`watch\``))
    assert.match(told([{ owner: "a", registration: "repo" }]).join(), /^watch\.0\.repo: .*needs the repository's name/)
    assert.match(told(undefined).join(), /^owner: is missing/)
    assert.match(
      told(TWO, { token: undefined, app_id: 1, private_key: "x", installation_id: 5 }).join(),
      /^installation_id: an App has an installation for each owner/
    )
    assert.match(
      told([{ owner: "a", enterprise: "e" }], { token: undefined, app_id: 1, private_key: "x" }).join(),
      /^watch\.0\.enterprise: GitHub lets no App/
    )
    for (const watch of [[], [{ repo: "x" }], [{ owner: "a/b" }], { owner: "a" }])
      assert.throws(() => partsIn(watch), undefined, undefined, JSON.stringify(watch))
  })

  it("sign in as one App, whose installation is looked up for each owner", () => {
    const parts = [{ owner: "a" }, { owner: "b", repo: "c" }].map((it) => ({ ...it }))
    const credentials = partsIn(parts, { token: undefined, app_id: 7, private_key: PEM }).map(credentialOf)
    assert.deepInclude(credentials[0], { _tag: "InstalledApp", owner: "a", repo: Option.none() })
    assert.deepInclude(credentials[1], { _tag: "InstalledApp", owner: "b", repo: Option.some("c") })
  })
})

describe("a runner group", () => {
  it("is a number or a name; the default group has both everywhere", () => {
    assert.deepStrictEqual(
      [7, "7", " 7 ", "Default", "default", "mac builders", " macs "].map(
        (group) => read({ runner_group: group }).runner_group
      ),
      [7, 7, 7, 1, 1, "mac builders", "macs"]
    )
    assert.strictEqual(read({}).runner_group, 1)
    assert.isTrue(Option.isNone(read({}).enterprise))
  })

  it("is nothing else", () => {
    for (const group of [0, -1, 1.5, "", "  ", true, [], {}])
      assert.isTrue(Either.isLeft(tried({ runner_group: group })), JSON.stringify(group))
  })
})
