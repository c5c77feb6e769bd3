import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import { JobKey, JobRequest, Template } from "../../src/domain/Job.ts"
import { bodyOf, summaryOf } from "../../src/notify/channels.ts"
import * as Told from "../../src/notify/Told.ts"
import { type Facts, find, type Trouble } from "../../src/notify/Trouble.ts"
import type { ServiceActivity } from "../../src/services/Activity.ts"
import type { Listed } from "../../src/services/Coordinator/protocol.ts"
import { raw } from "../fuzz/hostile.ts"
import { SCOPE } from "../services/Coordinator/random.ts"

const NOW = 1_790_000_000_000
const MINUTE = 60_000

const service = (doing: ServiceActivity["doing"]): ServiceActivity => ({
  name: "RUNNER1",
  plugin: "github",
  since: NOW,
  doing
})
const failing = (failures: number) =>
  service({ _tag: "Failing", why: "the token is refused", failures, until: NOW + MINUTE })

const queued = (
  n: number,
  age: number,
  excluded: ReadonlyArray<{ readonly host: string; readonly until: number; readonly soft?: boolean }> = [],
  late = 0
): Listed => ({
  job: JobRequest.make({
    key: JobKey.make(`github:${n}`),
    scope: SCOPE,
    name: `job ${n}`,
    template: Template.make({ id: "sequoia", tag: Option.some("v1") }),
    createdAt: NOW - age,
    fields: { jobURL: `https://github.test/${n}` },
    detail: null
  }),
  record: {
    state: "queued",
    attempt: 1,
    ahead: 0,
    owner: "",
    service: "",
    late,
    reserver: "",
    excluded: excluded.map((it) => ({ soft: false, reason: "no such template", ...it }))
  }
})
const host = (id: string, until = NOW + MINUTE) => ({ id, name: `mac-${id}`, until })
const facts = (given: Partial<Facts>): Facts => ({ now: NOW, waiting: 30 * MINUTE, services: [], scopes: [], ...given })
const scope = (hosts: ReadonlyArray<ReturnType<typeof host>>, ...queue: ReadonlyArray<Listed>) => ({
  scopes: [{ scope: SCOPE, hosts, queue }]
})
const kinds = (given: Partial<Facts>) => find(facts(given)).troubles.map(({ kind, subject }) => [kind, subject])

describe("what people hear of", () => {
  it("is a service that failed three times in a row, and not a lost answer", () => {
    assert.deepStrictEqual(kinds({ services: [failing(2)] }), [])
    assert.deepStrictEqual(kinds({ services: [failing(3)] }), [["service-failing", "RUNNER1"]])
  })

  it("is a Mac that has been silent for two minutes, and not one that restarts", () => {
    assert.deepStrictEqual(kinds(scope([host("a"), host("b", NOW - MINUTE)])), [])
    assert.deepStrictEqual(kinds(scope([host("a"), host("b", NOW - 3 * MINUTE)])), [["host-silent", "mac-b"]])
  })

  it("is a job that every living Mac has given up, and not one that another may take or that is tried again soon", () => {
    const given = (id: string) => ({ host: id, until: NOW + 30 * MINUTE })
    const both = [host("a"), host("b"), host("dead", NOW - MINUTE)]
    const silent = (it: ReturnType<typeof kinds>) => it.filter(([kind]) => kind !== "host-silent")
    assert.deepStrictEqual(silent(kinds(scope(both, queued(1, 0, [given("a")], NOW)))), [])
    assert.deepStrictEqual(silent(kinds(scope(both, queued(1, 0, [given("a"), given("b")])))), [])
    assert.deepStrictEqual(
      silent(kinds(scope(both, queued(1, 0, [given("a"), { ...given("b"), soft: true }], NOW)))),
      []
    )
    assert.deepStrictEqual(silent(kinds(scope(both, queued(1, 0, [given("a"), given("b")], NOW)))), [
      ["job-cannot-run", "job 1"]
    ])
    const forGood = { host: "a", until: NOW + 24 * 60 * MINUTE }
    assert.deepStrictEqual(silent(kinds(scope([host("a")], queued(1, 0, [forGood])))), [["job-cannot-run", "job 1"]])
  })

  it("is one message for all jobs of a template that wait for too long", () => {
    const late = [queued(1, 31 * MINUTE), queued(2, 40 * MINUTE), queued(3, 29 * MINUTE)]
    const { troubles } = find(facts(scope([host("a")], ...late)))
    assert.deepStrictEqual(
      troubles.map(({ kind, message }) => [kind, message]),
      [["jobs-waiting", 'the job "job 1" and 1 others of template sequoia:v1 have been waiting for more than 30 min']]
    )
  })
})

describe("a trouble", () => {
  const round = (told: ReadonlyArray<Told.Told>, given: Partial<Facts>) => {
    const news = Told.news(told, find(facts(given)))
    return { news: news.map(({ state, trouble }) => `${state} ${trouble.id}`), told: Told.after(told, news, NOW) }
  }

  it("is told once, and once when it is over; between two tries it is not over", () => {
    const first = round([], { services: [failing(3)] })
    assert.deepStrictEqual(first.news, ["began service RUNNER1"])
    assert.deepStrictEqual(round(first.told, { services: [failing(4)] }).news, [])
    assert.deepStrictEqual(round(first.told, { services: [service({ _tag: "Looking" })] }).news, [])
    // as a daemon starts
    assert.deepStrictEqual(round(first.told, { services: [] }).news, [])
    const last = round(first.told, { services: [service({ _tag: "Waiting", why: "", until: NOW })] })
    assert.deepStrictEqual(last.news, ["over service RUNNER1"])
    assert.deepStrictEqual(last.told, [])
    // and over again
    assert.deepStrictEqual(round(last.told, { services: [failing(3)] }).news, ["began service RUNNER1"])
  })

  it("is not over because the store does not answer, a Mac is forgotten, or a job is tried again", () => {
    const given = { host: "a", until: NOW + 30 * MINUTE }
    const all = scope([host("a"), host("b", NOW - 3 * MINUTE)], queued(1, 0, [given], NOW))
    const first = round([], all)
    assert.lengthOf(first.told, 2)
    assert.deepStrictEqual(round(first.told, {}).news, [])
    assert.deepStrictEqual(round(first.told, scope([host("a")], queued(1, 0, [], NOW))).news, [])
    assert.deepStrictEqual(round(first.told, scope([host("a"), host("b")])).news, [
      `over host ${SCOPE} b`,
      "over job github:1"
    ])
  })

  it("is remembered with as many others as fit, whatever comes", () => {
    const trouble = (n: number): Trouble => ({
      id: `${n}`,
      kind: "jobs-waiting",
      scope: SCOPE,
      subject: "",
      message: "",
      url: ""
    })
    const many = Array.from({ length: 2000 }, (_, n) => ({ state: "began" as const, trouble: trouble(n) }))
    assert.lengthOf(Told.after([], many, NOW), Told.REMEMBERED)
    assert.deepStrictEqual(Told.after([{ trouble: trouble(1), at: NOW - 8 * 24 * 60 * MINUTE }], [], NOW), [])
  })
})

it("a message wakes no channel, and is JSON on one line, whatever strangers wrote", () => {
  FastCheck.assert(
    FastCheck.property(
      FastCheck.oneof(
        FastCheck.string16bits(),
        FastCheck.constantFrom("<!channel>", "a\u001b[2J\nb", "x".repeat(5000))
      ),
      (text) => {
        const trouble: Trouble = { id: "1", kind: "job-cannot-run", scope: "", subject: text, message: text, url: text }
        const body = bodyOf({ state: "began", trouble }, "mac")
        const said = JSON.parse(body)
        assert.notMatch(said.text, /[<>]/)
        assert.isUndefined(raw(said.text))
        assert.notInclude(body, "\n")
        assert.isBelow(body.length, 20_000)
        assert.strictEqual(said.event, "job-cannot-run")
      }
    ),
    { numRuns: 300 }
  )
  assert.include(JSON.parse(summaryOf(40, "mac")).text, "40 more")
})
