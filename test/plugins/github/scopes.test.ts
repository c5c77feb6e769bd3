import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { GitHubConfig, levelOf, rule, termsOf } from "../../../src/plugins/github/config.ts"
import { Level } from "../../../src/services/GitHub.ts"

const written = (keys: Readonly<Record<string, unknown>>) => ({ token: "ghp_x", owner: "acme", ...keys })

const tried = (keys: Readonly<Record<string, unknown>>) =>
  Effect.runSync(Effect.either(Effect.provide(Schema.decodeUnknown(GitHubConfig)(written(keys)), NodeContext.layer)))

const read = (keys: Readonly<Record<string, unknown>>) => Either.getOrThrow(tried(keys))

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
