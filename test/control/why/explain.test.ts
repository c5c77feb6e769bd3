import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { assert, describe, it } from "vitest"
import { explain } from "../../../src/control/why/explain.ts"
import type { Facts, Known } from "../../../src/control/why/facts.ts"
import { JobKey, JobRequest, Scope, Template } from "../../../src/domain/Job.ts"
import type { CiWords } from "../../../src/plugins/Plugin.ts"

const CI: CiWords = {
  name: "Forge",
  naming: { what: "a job is a number", remedy: "type a number" },
  definition: { where: "the forge file", remedy: "edit the forge file" },
  rateLimited: "ask the forge for more"
}

const key = JobKey.make("forge:1")
const scope = Scope.make("forge:scope")
const request = JobRequest.make({
  key,
  scope,
  name: "job",
  template: Template.make({ id: "template", tag: Option.none() }),
  createdAt: 0,
  fields: {},
  detail: {}
})

const FACTS: Facts = {
  ci: CI,
  found: { key, scope, name: "job", url: "", state: "queued", detail: "", request: Either.right(request) },
  record: { state: "queued", ahead: 0, attempt: 0, late: 0, excluded: [], owner: "", service: "", reserver: "" },
  hosts: [],
  looker: "",
  lookedAt: 0,
  claimsFrozenUntil: 0,
  nameOf: (info) => info,
  self: "this",
  note: undefined,
  isAvailable: true,
  lack: Option.none(),
  limits: [],
  status: {
    version: "",
    pid: 1,
    config: "",
    startedAt: 0,
    now: 0,
    mode: "open",
    pauses: [],
    services: [],
    vms: [],
    problem: "",
    vmLimit: 2,
    templates: [],
    pulls: [],
    limits: [],
    stores: [],
    ended: [],
    queues: []
  },
  interval: 10,
  now: 1_000_000
}

const facts = (changed: Partial<Facts>): Known => ({ _tag: "Facts", facts: { ...FACTS, ...changed } })
const limit = { credential: "a key", remaining: 0, limit: 100, resetAt: null, waitsUntil: 1_060_000 }

/** What is known, and what is said of it, in the words of the CI. */
const CASES: ReadonlyArray<readonly [known: Known, said: ReadonlyArray<RegExp>]> = [
  [
    { _tag: "NotFound", text: "1", cis: [CI], missing: [], problems: [] },
    [/or Forge does not know it/, /a job is a number/]
  ],
  [
    { _tag: "NotFound", text: "1", cis: [CI], missing: [], problems: ["no line"] },
    [/^Forge could not be asked/m, /no line/]
  ],
  [facts({ limits: [limit] }), [/rate limit of Forge is reached with a key.* 1 min/, /ask the forge for more/]],
  [facts({ found: { ...FACTS.found, request: Either.left("no template") } }), [/no template/, /edit the forge file/]],
  [
    facts({ found: { ...FACTS.found, detail: "held", waitsFor: { what: "a word", remedy: "say it" } } }),
    [/^Forge does not offer it to runners yet: it is held/m, /Forge: a word/, /say it/]
  ],
  [facts({ found: { ...FACTS.found, doubts: ["a typo"] } }), [/the forge file: a typo/]],
  [
    facts({ record: { ...FACTS.record, late: 1 } }),
    [/Forge has called it queued for longer/, /cancel its run at Forge/]
  ],
  [facts({ record: { ...FACTS.record, state: "done" } }), [/if Forge still calls it queued/]],
  [facts({ record: { ...FACTS.record, state: "unknown" } }), [/nobody has polled Forge yet/]]
]

describe("a text that leads to no job", () => {
  const told = (kind: "unreadable" | "elsewhere" | "unknown", what: string) => ({ kind, what, remedy: `see ${what}` })
  const of = (...missing: ReadonlyArray<ReturnType<typeof told>>) =>
    explain({ _tag: "NotFound", text: "1", cis: [CI], missing, problems: [] })

  it("is explained by the service that came nearest to a job, each reason once", () => {
    const { answer, outcome, reasons } = of(
      told("unreadable", "no number"),
      told("elsewhere", "a"),
      told("elsewhere", "a"),
      told("elsewhere", "b")
    )
    assert.deepStrictEqual([answer, outcome], ["a", "missing"])
    assert.deepStrictEqual(
      reasons.map(({ what, remedy }) => [what, remedy]),
      [
        ["a", "see a"],
        ["b", "see b"]
      ]
    )
    assert.strictEqual(of(told("elsewhere", "a"), told("unknown", "gone")).answer, "gone")
    assert.strictEqual(of(told("unreadable", "no number")).outcome, "unreadable")
    assert.strictEqual(of().outcome, "missing")
  })

  it("may be one that could not be asked for, whatever else is known", () => {
    const missing = [told("unreadable", "no number")]
    const known = { _tag: "NotFound", text: "1", cis: [CI], missing, problems: ["no line"] } as const
    assert.strictEqual(explain(known).outcome, "unasked")
  })
})

describe("why a job waits", () => {
  it("is said in the words of its CI, and of no other", () => {
    for (const [known, said] of CASES) {
      const { answer, reasons } = explain(known)
      const text = [answer, ...reasons.map(({ where, what, remedy }) => `${where}: ${what}: ${remedy}`)].join("\n")
      for (const word of said) assert.match(text, word)
      assert.notMatch(text, /github/i)
    }
  })
})
