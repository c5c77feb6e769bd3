import * as Option from "effect/Option"
import { assert, describe, it } from "vitest"
import { RUNNER } from "../../../src/plugins/github/program.ts"
import { judged } from "../../../src/plugins/github/versions.ts"
import type { Past } from "../../../src/services/History.ts"
import { config } from "../../fakes/world.ts"

const githubCom = { ...config, api_url: "https://api.github.com" }

/** A job that has ended; the later ones are given first. */
const past = (template: string, version: string, { isRefused = false, service = "A" } = {}): Past => ({
  at: 0,
  service,
  job: { key: "k", name: "n", template, attempt: 1, adopted: false, stages: [], fields: {} } as unknown as Past["job"],
  outcome: "finished",
  program: { version, isRefused }
})

const idsOf = (given: Partial<typeof config>, ...jobs: ReadonlyArray<Past>) =>
  judged("A", { ...githubCom, ...given }, jobs).map(({ id }) => id)

describe("the version of a runner", () => {
  it("is well from the oldest one on that GitHub takes", () => {
    assert.deepStrictEqual(idsOf({}, past("t", "2.329.0"), past("u", "2.1000.0")), [])
    assert.deepStrictEqual(idsOf({ runner_version: "2.329.0" }), [])
  })

  it("is too old before that, in the config and in a template, at GitHub's own servers alone", () => {
    assert.deepStrictEqual(idsOf({ runner_version: "2.328.9" }), ["runner-version-old"])
    const [found] = judged("A", githubCom, [past("t", "2.99.0")])
    assert.strictEqual(found?.what, "the runner 2.99.0 in template t is too old for GitHub")
    assert.match(found?.remedy ?? "", /into the template/)
    assert.deepStrictEqual(idsOf({ api_url: "https://api.acme.ghe.com" }, past("t", "2.99.0")), ["runner-version-old"])
    for (const api_url of ["https://ghe.corp/api/v3", "https://notgithub.com"])
      assert.deepStrictEqual(idsOf({ api_url, runner_version: "2.99.0" }, past("t", "2.99.0")), [])
  })

  it("is refused where the last job of a template says so, wherever it is registered", () => {
    const refused = past("t", "2.335.0", { isRefused: true })
    assert.deepStrictEqual(idsOf({ api_url: "https://ghe.corp/api/v3" }, refused), ["runner-version-refused"])
    assert.deepStrictEqual(idsOf({}, past("t", "2.338.0"), refused), [])
    assert.deepStrictEqual(idsOf({}, past("u", "2.338.0"), refused), ["runner-version-refused"])
    assert.deepStrictEqual(idsOf({}, { ...refused, service: "B" }), [])
  })
})

describe("what a runner's log tells of its version", () => {
  const { pattern = "", of } = RUNNER.version ?? {}
  /** As `grep -o` finds it in a log. */
  const told = (...log: ReadonlyArray<string>) =>
    of?.(`0\n${log.flatMap((line) => new RegExp(pattern).exec(line)?.[0] ?? []).join("\n")}\n`)

  const current = "Current runner version: '2.320.0'"

  it("is found as the runner says it", () => {
    assert.deepStrictEqual(
      told("√ Connected to GitHub", "", current, "2026-01-01 00:00:00Z: Listening for Jobs"),
      Option.some({ version: "2.320.0", isRefused: false })
    )
    assert.deepStrictEqual(told("√ Connected to GitHub"), Option.none())
  })

  for (const words of [
    "An error occured: Runner version v2.320.0 is deprecated and cannot receive messages.",
    "An error occurred: Runner version v2.320.0 is deprecated and cannot receive messages.",
    "An error occurred: Error: Forbidden Runner version v2.320.0 is deprecated and cannot receive messages."
  ])
    it(`is refused: ${words}`, () => {
      const refused = Option.some({ version: "2.320.0", isRefused: true })
      assert.deepStrictEqual(told(current, words), refused)
      assert.deepStrictEqual(told(words), refused)
    })

  it("is not taken from the name of a job", () => {
    const job = (name: string) => `2026-01-01 00:00:00Z: Running job: ${name}`
    assert.deepStrictEqual(
      told(current, job("Current runner version: '9.9.9'"), job("Runner version v9.9.9 is deprecated")),
      Option.some({ version: "2.320.0", isRefused: false })
    )
  })
})
