import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { JobKey, JobRequest, Scope, Template } from "../../../src/domain/Job.ts"
import { classOf } from "../../../src/services/Coordinator/order.ts"
import {
  type Claim,
  type Command,
  initial,
  type Reply,
  type Request,
  RULES,
  type State
} from "../../../src/services/Coordinator/protocol.ts"
import { heldBy, reduce } from "../../../src/services/Coordinator/rules.ts"
import * as Survey from "../../../src/services/Coordinator/survey.ts"
import { make } from "./random.ts"

const scope = Scope.make("github:o/r")
const job = (n: number, template = "t", priority?: number) =>
  JobRequest.make({
    key: JobKey.make(`github:o/r/${n}`),
    scope,
    name: `job ${n}`,
    template: Template.make({ id: template, tag: Option.none() }),
    createdAt: n,
    ...(priority === undefined ? {} : { priority }),
    fields: {},
    detail: null
  })
const ALL = [classOf(job(0)), classOf(job(0, "other"))]
const LEASE = 60_000
const START = 1_790_000_000_000

/** A fleet of hosts that said hello, and a clock that a test moves. */
const fleet = (...hosts: ReadonlyArray<string>) => {
  let state = initial
  let now = START
  const send = (command: Command) => {
    const outcome = reduce(state, command, now)
    state = outcome.state
    return outcome
  }
  const hello = (host: string, given: Partial<Extract<Command, { readonly _tag: "Hello" }>> = {}) =>
    send({
      _tag: "Hello",
      host,
      life: "first",
      info: host,
      terms: "repo",
      lease: LEASE,
      generation: "generation",
      knewGeneration: false,
      replaces: "",
      ...given
    }).reply
  const ask = (host: string, request: Request) => send({ ...request, host, life: "first", generation: "generation" })
  const claimed = (reply: Reply) => (reply._tag === "Claimed" ? Option.getOrUndefined(reply.claim) : undefined)
  for (const host of hosts) hello(host)
  return {
    hello,
    ask,
    state: () => state,
    later: (ms: number) => {
      now += ms
    },
    /** A look of this host, at the end of which everything was named. */
    look: (host: string, ...jobs: ReadonlyArray<JobRequest>) => {
      const { reply } = ask(host, { _tag: "Poll", every: 0 })
      const fence = reply._tag === "Turn" ? reply.fence : -1
      const sightings = jobs.map((job) => ({ key: job.key, request: Option.some(job) }))
      return ask(host, { _tag: "Ingest", fence, jobs: sightings, last: true })
    },
    claim: (host: string, service = "A", classes = ALL): Claim | undefined =>
      claimed(ask(host, { _tag: "Claim", service, classes, lease: LEASE }).reply),
    release: (host: string, claim: Claim | undefined, after = 0, charged = false, inVain = false) =>
      claim === undefined
        ? assert.fail("nothing to release")
        : ask(host, { _tag: "Release", claim, handBack: { reason: "test", after, charged, inVain } }),
    finish: (host: string, claim: Claim | undefined) =>
      claim === undefined ? assert.fail("nothing to finish") : ask(host, { _tag: "Finish", claim }),
    beat: (host: string, ...claims: ReadonlyArray<Claim>) => {
      const { reply } = ask(host, {
        _tag: "Beat",
        lease: LEASE,
        status: "",
        claims: claims.map(({ job, service, epoch }) => ({ job: job.key, service, epoch })),
        services: []
      })
      return reply._tag === "Heard" ? reply.verdicts : reply
    },
    unlisted: (host: string, services: ReadonlyArray<string>, ...claims: ReadonlyArray<Claim>) => {
      const { reply } = ask(host, {
        _tag: "Beat",
        lease: LEASE,
        status: "",
        claims: claims.map(({ job, service, epoch }) => ({ job: job.key, service, epoch })),
        services
      })
      return reply._tag === "Heard" ? reply.unlisted : reply
    },
    restore: (host: string, ...claims: ReadonlyArray<Claim>) => {
      const { reply } = ask(host, { _tag: "Restore", lease: LEASE, claims })
      return reply._tag === "Verdicts" ? reply.verdicts : reply
    },
    heads: (host: string) => {
      const { reply } = ask(host, { _tag: "Waiting" })
      return reply._tag === "Heads" ? reply.jobs.map(({ createdAt }) => createdAt) : []
    },
    idle: (host: string, service = "A", hot: ReadonlyArray<string> = []) =>
      ask(host, { _tag: "Idle", service, hot, ready: state.ready }).reply
  }
}

const number = (claim: Claim | undefined) => claim?.job.createdAt

describe("the order of jobs", () => {
  it("is oldest first, and each job goes to one service of one host", () => {
    const { look, claim } = fleet("m1", "m2")
    look("m1", job(2), job(1), job(3))
    assert.deepStrictEqual([claim("m1"), claim("m2"), claim("m2", "B"), claim("m1", "B")].map(number), [
      1,
      2,
      3,
      undefined
    ])
  })

  it("puts priority before age", () => {
    const { look, claim } = fleet("m1")
    look("m1", job(1), job(2, "t", 9), job(3, "t", 1))
    assert.deepStrictEqual([claim("m1", "A"), claim("m1", "B"), claim("m1", "C")].map(number), [3, 1, 2])
  })

  it("gives a service that asks again the job it has", () => {
    const { look, claim } = fleet("m1")
    look("m1", job(1), job(2))
    assert.deepStrictEqual(claim("m1"), claim("m1"))
  })

  it("gives only what the host offered to run, the oldest of any class", () => {
    const { look, claim } = fleet("m1")
    look("m1", job(1), job(2, "other"), job(3))
    assert.strictEqual(number(claim("m1", "A", [classOf(job(0, "other"))])), 2)
    assert.strictEqual(number(claim("m1", "B")), 1)
  })

  it("shows a host one job of each class", () => {
    const { look, heads } = fleet("m1")
    look("m1", job(1), job(2, "other"), job(3), job(4, "other"))
    assert.sameMembers(heads("m1"), [1, 2])
  })
})

describe("what comes last", () => {
  const HOUR = 3_600_000
  const fresh = (n: number, template = "t", priority?: number) =>
    JobRequest.make({ ...job(n, template, priority), createdAt: START + n })
  const stale = (n: number, priority?: number) =>
    JobRequest.make({ ...job(n, "t", priority), createdAt: START - 25 * HOUR + n })
  const key = (claim: Claim | undefined) => Number(claim?.job.key.split("/").at(-1))

  it("is older than GitHub keeps a queued job: after all that is new, of whatever priority and template, and still tried", () => {
    const { look, claim } = fleet("m1")
    look("m1", stale(1, 0), fresh(2, "other", 9), fresh(3), stale(4, 9))
    assert.deepStrictEqual(
      ["A", "B", "C", "D"].map((service) => key(claim("m1", service))),
      [3, 2, 1, 4]
    )
  })

  it("is what became so old while it was queued", () => {
    const { look, claim, later } = fleet("m1")
    look("m1", fresh(1, "t", 0), fresh(2))
    later(24 * HOUR + 10)
    const newer = JobRequest.make({ ...job(3), createdAt: START + 24 * HOUR })
    look("m1", fresh(1, "t", 0), fresh(2), newer)
    assert.deepStrictEqual(
      ["A", "B", "C"].map((service) => key(claim("m1", service))),
      [3, 1, 2]
    )
  })

  it("was tried in vain, also for other hosts, and the one that was tried longest ago goes first", () => {
    const { look, claim, release, later } = fleet("m1", "m2")
    look("m1", fresh(1, "t", 0), fresh(2, "t", 0), fresh(3, "t", 9))
    release("m1", claim("m1"), 1000, true, true)
    later(1000)
    release("m1", claim("m1"), 1000, true, true)
    assert.deepStrictEqual(
      ["A", "B", "C"].map((service) => key(claim("m2", service))),
      [3, 1, 2]
    )
  })

  it("is not what only a host failed at, or was too busy for; what fails everywhere is", () => {
    const { look, claim, release } = fleet("m1")
    look("m1", fresh(1), fresh(2))
    release("m1", claim("m1"), 0, false)
    for (let tried = 1; tried <= 3; tried++) {
      const again = claim("m1")
      assert.deepStrictEqual([key(again), again?.attempt], [1, tried])
      release("m1", again, 0, true)
    }
    assert.strictEqual(key(claim("m1")), 2)
  })

  it("keeps its place there when a host hands it back without a fault", () => {
    const { look, claim, release } = fleet("m1")
    look("m1", fresh(1))
    release("m1", claim("m1"), 0, true, true)
    release("m1", claim("m1"), 0, false)
    look("m1", fresh(1), fresh(2))
    assert.strictEqual(key(claim("m1")), 2)
  })

  it("has its turn after an hour even if there is always something new, and but for a small share", () => {
    const { look, claim, release, finish, later } = fleet("m1")
    const ghosts = [stale(1), stale(2)]
    const turns: Array<number> = []
    for (let n = 10; n < 70; n++) {
      look("m1", ...ghosts, fresh(n), fresh(n + 1))
      const next = claim("m1")
      if (key(next) < 10) {
        turns.push(n)
        release("m1", next, 1000, true, true)
      } else finish("m1", next)
      later(HOUR / 10)
    }
    const [first = 0] = turns
    assert.isAtLeast(first, 20)
    assert.isAtMost(first, 22)
    for (const [index, turn] of turns.entries()) if (index > 0) assert.strictEqual(turn - (turns[index - 1] ?? 0), 11)
    assert.isAtLeast(turns.length, 3)
  })

  it("that is kept for a host until it has room does not keep that host from what is new", () => {
    const { look, claim, ask, later } = fleet("m1", "m2")
    look("m1", stale(1), stale(2))
    assert.strictEqual(ask("m1", { _tag: "Reserve", job: stale(2).key, lasting: 600_000 }).reply._tag, "Done")
    later(1)
    look("m1", stale(1), stale(2), fresh(3))
    assert.deepStrictEqual(
      ["A", "B", "C"].map((service) => key(claim("m1", service))),
      [3, 2, 1]
    )
  })

  it("is answered to every host that asks", () => {
    const { look, ask } = fleet("m1")
    look("m1", stale(1), fresh(2))
    const of = (job: JobRequest) => {
      const { reply } = ask("m1", { _tag: "Inspect", job: job.key })
      return reply._tag === "Record" ? [reply.late, reply.ahead] : reply
    }
    assert.deepStrictEqual(
      [of(stale(1)), of(fresh(2))],
      [
        [START + HOUR, 1],
        [0, 0]
      ]
    )
    const { reply } = ask("m1", { _tag: "Survey", from: 0 })
    assert.deepStrictEqual(reply._tag === "Survey" ? reply.classes : reply, [
      { name: classOf(job(0)), jobs: 2, late: 1 }
    ])
  })
})

describe("what people ask", () => {
  it("is told when the queue was seen, which a look that failed does not change", () => {
    const { ask, later, look } = fleet("m1")
    const seenAt = () => {
      const { reply } = ask("m1", { _tag: "Survey", from: 0 })
      return reply._tag === "Survey" ? [reply.seenAt, reply.lookedAt] : reply
    }
    assert.deepStrictEqual(seenAt(), [0, 0])
    look("m1", job(1))
    assert.deepStrictEqual(seenAt(), [START, START])
    later(10_000)
    ask("m1", { _tag: "Poll", every: 0 })
    assert.deepStrictEqual(seenAt(), [START, START + 10_000])
    later(10_000)
    look("m1", job(1))
    assert.deepStrictEqual(seenAt(), [START + 20_000, START + 20_000])
  })

  it("lists what waits in its order over all templates, with who handed it back, and no more than was asked for", () => {
    const { ask, claim, look, release } = fleet("m1", "m2")
    const listed = (most: number) =>
      Effect.runSync(Survey.queue((from) => Effect.sync(() => ask("m2", { _tag: "List", from }).reply), most))
    const recent = (n: number, template?: string, priority?: number) =>
      JobRequest.make({ ...job(n, template, priority), createdAt: START - 1000 + n })
    look("m1", recent(3), recent(2, "other"), recent(1), recent(4, undefined, 0))
    release("m1", claim("m1"), 60_000, true)
    assert.deepStrictEqual(
      listed(100).map(({ job, record: { attempt, excluded } }) => [
        job.name,
        attempt,
        excluded.map(({ host }) => host)
      ]),
      [
        ["job 4", 1, ["m1"]],
        ["job 1", 0, []],
        ["job 2", 0, []],
        ["job 3", 0, []]
      ]
    )
    look("m1", ...Array.from({ length: 150 }, (_, n) => job(n, n % 2 === 0 ? undefined : "other")))
    assert.lengthOf(listed(120), 120)
    assert.lengthOf(new Set(listed(1000).map(({ job }) => job.key)), 150)
  })
})

describe("a job that is handed back", () => {
  it("without a fault goes at once to the only host there is, and to others first where there are any, as long as it is young", () => {
    const young = JobRequest.make({ ...job(1), createdAt: START })
    for (const [hosts, again] of [
      [["mac-1"], true],
      [["mac-1", "mac-2"], false]
    ] as const) {
      const { look, claim, release } = fleet(...hosts)
      look("mac-1", young)
      release("mac-1", claim("mac-1"), 30_000)
      assert.strictEqual(claim("mac-1") !== undefined, again, hosts.join())
    }
  })

  it("keeps its place, and goes to another host at once", () => {
    const { look, claim, release } = fleet("m1", "m2")
    look("m1", job(1), job(2))
    release("m1", claim("m1"), 60_000, true)
    assert.strictEqual(number(claim("m1")), 2)
    assert.strictEqual(number(claim("m2")), 1)
  })

  it("comes again to the same host after its time", () => {
    const { look, claim, release, later } = fleet("m1")
    look("m1", job(1))
    release("m1", claim("m1"), 60_000, true)
    assert.isUndefined(claim("m1"))
    later(60_000)
    assert.strictEqual(number(claim("m1")), 1)
  })

  it("comes sooner if the job is not at fault and no other host can take it", () => {
    const { look, claim, release } = fleet("m1")
    look("m1", job(1))
    release("m1", claim("m1"), 60_000, false)
    assert.strictEqual(number(claim("m1")), 1)
  })

  it("is remembered by each host that failed, also while others try", () => {
    const { look, claim, release } = fleet("m1", "m2")
    look("m1", job(1))
    release("m1", claim("m1"), 600_000, true)
    release("m2", claim("m2"), 600_000, true)
    assert.isUndefined(claim("m1"))
    assert.isUndefined(claim("m2"))
  })

  it("counts as an attempt only if it was charged", () => {
    const { look, claim, release, later } = fleet("m1")
    look("m1", job(1))
    release("m1", claim("m1"), 1, false)
    later(1)
    const second = claim("m1")
    assert.strictEqual(second?.attempt, 1)
    release("m1", second, 1, true)
    later(1)
    assert.strictEqual(claim("m1")?.attempt, 2)
  })

  it("is not lost to a clock that was set back", () => {
    const { look, claim, release, later } = fleet("m1", "m2")
    look("m1", job(1))
    release("m1", claim("m1"), 60_000, true)
    later(-26 * 3_600_000)
    assert.strictEqual(number(claim("m1")), 1)
  })
})

describe("what the CI says", () => {
  it("does not run a finished job again when it is stale, but does when it stays so", () => {
    const { look, claim, finish, later } = fleet("m1")
    look("m1", job(1))
    finish("m1", claim("m1"))
    later(10_000)
    look("m1", job(1))
    assert.isUndefined(claim("m1"))
    later(120_000)
    look("m1", job(1))
    assert.strictEqual(number(claim("m1")), 1)
  })

  it("lets a job go that two looks did not name", () => {
    const { look, heads } = fleet("m1")
    look("m1", job(1))
    look("m1")
    assert.deepStrictEqual(heads("m1"), [1])
    look("m1")
    assert.deepStrictEqual(heads("m1"), [])
  })

  it("is taken only from the host that has the turn, in its order", () => {
    const { ask, heads } = fleet("m1", "m2")
    const jobs = [{ key: job(1).key, request: Option.some(job(1)) }]
    ask("m1", { _tag: "Poll", every: 0 })
    assert.strictEqual(ask("m2", { _tag: "Ingest", fence: 1, jobs, last: true }).reply._tag, "No")
    assert.strictEqual(ask("m1", { _tag: "Ingest", fence: 0, jobs, last: true }).reply._tag, "No")
    assert.deepStrictEqual(heads("m1"), [])
  })

  it("need not be told twice; what the store does not know is asked for", () => {
    const { ask, heads } = fleet("m1")
    ask("m1", { _tag: "Poll", every: 0 })
    const said = (request: Option.Option<JobRequest>) =>
      ask("m1", { _tag: "Ingest", fence: 1, jobs: [{ key: job(1).key, request }], last: false }).reply
    assert.deepStrictEqual(said(Option.none()), { _tag: "Unknown", keys: [job(1).key] })
    assert.deepStrictEqual(said(Option.some(job(1))), { _tag: "Unknown", keys: [] })
    assert.deepStrictEqual(said(Option.none()), { _tag: "Unknown", keys: [] })
    assert.deepStrictEqual(heads("m1"), [1])
  })
})

describe("an announcement", () => {
  const announce = (all: ReturnType<typeof fleet>, host: string, ...jobs: ReadonlyArray<JobRequest>) =>
    all.ask(host, { _tag: "Announce", jobs })
  const look = { _tag: "Poll", every: 0 } as const

  it("of a host that has no turn queues a job and wakes a service; a repetition does neither", () => {
    const all = fleet("m1", "m2")
    all.ask("m1", look)
    const { state } = all
    all.ask("m1", { _tag: "Idle", service: "A", hot: [], ready: state().ready })
    all.ask("m1", { _tag: "Idle", service: "B", hot: [], ready: state().ready })
    assert.deepStrictEqual(announce(all, "m2", job(1)).wake, [{ host: "m1", service: "A" }])
    const before = state()
    assert.deepStrictEqual(announce(all, "m1", job(1), job(1)).wake, [])
    assert.strictEqual(state().ready, before.ready)
    assert.deepStrictEqual(all.heads("m2"), [1])
  })

  it("changes nothing about a job that has an owner, also if its lease has ended", () => {
    const all = fleet("m1", "m2")
    announce(all, "m1", job(1))
    all.claim("m1")
    const { owned } = all.state()
    announce(all, "m2", job(1))
    all.later(LEASE)
    announce(all, "m1", job(1))
    assert.strictEqual(all.state().owned, owned)
    assert.strictEqual(HashMap.size(all.state().queued), 0)
  })

  it("never revives a job that is over, however late it comes; a look does", () => {
    const all = fleet("m1")
    announce(all, "m1", job(1))
    all.finish("m1", all.claim("m1"))
    for (const wait of [0, RULES.resurrect, 24 * 3_600_000]) {
      all.later(wait)
      all.hello("m1")
      announce(all, "m1", job(1))
      assert.deepStrictEqual(all.heads("m1"), [])
    }
    all.look("m1", job(1))
    assert.deepStrictEqual(all.heads("m1"), [1])
  })

  it("holds until two whole looks after it have missed the job", () => {
    const all = fleet("m1", "m2")
    all.look("m1")
    // the list of this look may be older than the announcement
    all.ask("m1", look)
    announce(all, "m2", job(1))
    const { fence } = all.state().turn
    all.ask("m1", { _tag: "Ingest", fence, jobs: [], last: true })
    assert.deepStrictEqual(all.heads("m1"), [1])
    all.look("m1")
    assert.deepStrictEqual(all.heads("m1"), [1])
    all.look("m1")
    assert.deepStrictEqual(all.heads("m1"), [])
  })

  it("forgets no job, and says no more of the others than that they are queued", () => {
    const all = fleet("m1")
    all.look("m1", job(1), job(2))
    for (let n = 0; n < 5; n++) announce(all, "m1", job(2))
    assert.deepStrictEqual([...HashMap.keys(all.state().queued)].sort(), [job(1).key, job(2).key])
  })
})

describe("the turn to look", () => {
  const every = 10_000
  const polls = (fleetOf: ReturnType<typeof fleet>, host: string, sooner = false) =>
    fleetOf.ask(host, { _tag: "Poll", every, sooner }).reply._tag === "Turn"

  it("stays with a host, and is taken no more often than asked for", () => {
    const all = fleet("m1", "m2")
    assert.isTrue(polls(all, "m1"))
    assert.isFalse(polls(all, "m1"))
    all.later(every)
    assert.isFalse(polls(all, "m2"))
    assert.isTrue(polls(all, "m1"))
  })

  it("goes to another one when that host is silent, takes a job, or leaves", () => {
    const all = fleet("m1", "m2", "m3")
    polls(all, "m1")
    all.later(2 * every + 5000)
    assert.isTrue(polls(all, "m2"))
    all.look("m2", job(1))
    all.claim("m2")
    all.later(every)
    assert.isTrue(polls(all, "m3"))
    all.ask("m3", { _tag: "Leave", services: ["A"] })
    all.later(every)
    assert.isTrue(polls(all, "m1"))
  })

  it("comes early with a hint: a second after the last look, or sooner where that is the interval", () => {
    const all = fleet("m1")
    assert.isTrue(polls(all, "m1", true))
    all.later(RULES.sooner - 1)
    assert.isFalse(polls(all, "m1", true))
    all.later(1)
    assert.isFalse(polls(all, "m1"))
    assert.isTrue(polls(all, "m1", true))
    all.later(1)
    assert.strictEqual(all.ask("m1", { _tag: "Poll", every: 1, sooner: true }).reply._tag, "Turn")
  })

  it("goes to another host with a hint, but not while the one that has it looks", () => {
    const all = fleet("m1", "m2")
    assert.isTrue(polls(all, "m1"))
    all.later(RULES.sooner)
    // a flood of hints would otherwise let no look come to its end
    assert.isFalse(polls(all, "m2", true))
    all.ask("m1", { _tag: "Ingest", fence: 1, jobs: [], last: false })
    assert.isFalse(polls(all, "m2", true))
    all.ask("m1", { _tag: "Ingest", fence: 1, jobs: [], last: true, partial: true })
    assert.isFalse(polls(all, "m2"))
    assert.isTrue(polls(all, "m2", true))
    assert.strictEqual(all.ask("m1", { _tag: "Ingest", fence: 1, jobs: [], last: true }).reply._tag, "No")
    all.later(every)
    assert.isFalse(polls(all, "m1"))
    // a host that does not come back from its look is not waited for
    all.later(every + 5000)
    assert.isTrue(polls(all, "m1"))
  })
})

describe("a lease", () => {
  it("ends without a beat, and then the job is queued again if the CI still calls it queued", () => {
    const { look, claim, later, hello } = fleet("m1", "m2")
    look("m2", job(1))
    const first = claim("m1")
    later(LEASE)
    hello("m2")
    assert.isUndefined(claim("m2"))
    look("m2", job(1))
    const second = claim("m2")
    assert.strictEqual(number(second), 1)
    assert.isAbove(second?.epoch ?? 0, first?.epoch ?? 0)
  })

  it("goes on with beats, which tell a host what it has lost", () => {
    const { look, claim, later, beat } = fleet("m1", "m2")
    look("m1", job(1), job(2))
    const first = claim("m1")
    const second = claim("m1", "B")
    if (first === undefined || second === undefined) return assert.fail("no claims")
    later(LEASE - 1)
    assert.deepStrictEqual(beat("m1", first), ["kept"])
    later(1)
    look("m2", job(1), job(2))
    assert.strictEqual(number(claim("m2")), 2)
    assert.deepStrictEqual(beat("m1", first, second), ["kept", "lost"])
  })

  it("whose owner never heard of it is reported to that owner, and to no other host", () => {
    const { look, claim, unlisted } = fleet("m1", "m2")
    look("m1", job(1), job(2))
    const first = claim("m1")
    const second = claim("m1", "B")
    if (first === undefined || second === undefined) return assert.fail("no claims")
    assert.deepStrictEqual(unlisted("m1", ["A", "B", "C"], first), [second])
    assert.deepStrictEqual(unlisted("m1", ["A"], first), [])
    assert.deepStrictEqual(unlisted("m1", ["A", "B"], first, second), [])
    assert.deepStrictEqual(unlisted("m2", ["A", "B"]), [])
  })

  it("that the store does not know is taken up again by its owner, but not from a later owner", () => {
    const before = fleet("m1")
    before.look("m1", job(1), job(2))
    const first = before.claim("m1")
    const second = before.claim("m1", "B")
    if (first === undefined || second === undefined) return assert.fail("no claims")
    // a store that lost both claims, and one of the jobs went to another host since
    const after = fleet("m1", "m2")
    after.later(1000)
    after.look("m2", job(1), job(2))
    after.claim("m2")
    assert.deepStrictEqual(after.beat("m1", first, second), ["lost", "unknown"])
    assert.deepStrictEqual(after.restore("m1", first, second), ["lost", "kept"])
    assert.deepStrictEqual(after.heads("m2"), [])
    assert.isAbove(after.state().epoch, second.epoch - 1)
  })
})

describe("a late word", () => {
  it("of an older claim changes nothing", () => {
    const { look, claim, release, ask, state } = fleet("m1", "m2")
    look("m1", job(1))
    const old = claim("m1")
    if (old === undefined) return assert.fail("no claim")
    release("m1", old)
    claim("m2")
    const before = state()
    ask("m1", { _tag: "Finish", claim: old })
    ask("m1", { _tag: "Swap", claim: old, taken: job(2), lease: LEASE })
    release("m1", old)
    assert.strictEqual(state(), before)
  })

  it("that a job is over holds for a job that the store forgot to be ours", () => {
    const { look, finish, heads } = fleet("m1", "m2")
    look("m1", job(1))
    finish("m2", { job: job(1), service: "A", epoch: 1, attempt: 1 })
    assert.deepStrictEqual(heads("m1"), [])
  })
})

describe("a swap", () => {
  it("gives the planned job back and holds the one that our runner took", () => {
    const { look, claim, ask, heads } = fleet("m1", "m2")
    look("m1", job(1), job(2))
    const planned = claim("m1")
    if (planned === undefined) return assert.fail("no claim")
    const { reply } = ask("m1", { _tag: "Swap", claim: planned, taken: job(2), lease: LEASE })
    assert.strictEqual(number(reply._tag === "Claimed" ? Option.getOrUndefined(reply.claim) : undefined), 2)
    assert.deepStrictEqual(heads("m2"), [1])
  })

  it("leaves a job alone that another host holds", () => {
    const { look, claim, ask } = fleet("m1", "m2")
    look("m1", job(1), job(2))
    const planned = claim("m1")
    claim("m2")
    if (planned === undefined) return assert.fail("no claim")
    assert.deepStrictEqual(ask("m1", { _tag: "Swap", claim: planned, taken: job(2), lease: LEASE }).reply, {
      _tag: "Claimed",
      claim: Option.none()
    })
  })
})

describe("waking", () => {
  it("is for one service that is idle the longest, and once", () => {
    const { idle, look, later } = fleet("m1", "m2")
    idle("m2", "B")
    later(1)
    idle("m1", "A")
    assert.deepStrictEqual(look("m1", job(1)).wake, [{ host: "m2", service: "B" }])
    assert.deepStrictEqual(look("m1", job(1), job(2)).wake, [{ host: "m1", service: "A" }])
    assert.deepStrictEqual(look("m1", job(1), job(2), job(3)).wake, [])
  })

  it("prefers a host that has the template, and passes over dead ones", () => {
    const { idle, look, later, hello } = fleet("m1", "m2", "m3")
    idle("m3")
    idle("m1")
    later(1)
    idle("m2", "A", [classOf(job(1))])
    later(LEASE - 1)
    hello("m1")
    hello("m2")
    later(1)
    assert.deepStrictEqual(look("m1", job(1)).wake, [{ host: "m2", service: "A" }])
    assert.deepStrictEqual(look("m1", job(1), job(2)).wake, [{ host: "m1", service: "A" }])
  })

  it("is repeated at the end of a look for a job that still waits", () => {
    const { idle, look } = fleet("m1", "m2")
    idle("m2")
    look("m1", job(1))
    idle("m1")
    assert.deepStrictEqual(look("m1", job(1)).wake, [{ host: "m1", service: "A" }])
  })

  it("passes over the host that just gave the job back", () => {
    const { idle, look, claim, release, later } = fleet("m1", "m2")
    look("m1", job(1))
    const first = claim("m1")
    idle("m1", "B")
    later(1)
    idle("m2")
    assert.deepStrictEqual(release("m1", first, 1000).wake, [{ host: "m2", service: "A" }])
  })

  it("is not missed between looking and waiting", () => {
    const { ask, look } = fleet("m1")
    const { ready } = initial
    look("m1", job(1))
    assert.strictEqual(ask("m1", { _tag: "Idle", service: "A", hot: [], ready }).reply._tag, "No")
  })
})

describe("a reservation", () => {
  it("keeps a job for one host, and that host for the job", () => {
    const { look, ask, claim, later } = fleet("m1", "m2")
    look("m1", job(1), job(2))
    assert.strictEqual(ask("m1", { _tag: "Reserve", job: job(1).key, lasting: 600_000 }).reply._tag, "Done")
    assert.strictEqual(ask("m2", { _tag: "Reserve", job: job(1).key, lasting: 600_000 }).reply._tag, "No")
    assert.strictEqual(number(claim("m2")), 2)
    assert.isUndefined(claim("m1", "A", [classOf(job(0, "other"))]))
    assert.strictEqual(number(claim("m1")), 1)
    later(1)
  })

  it("ends by itself", () => {
    const { look, ask, claim, later, hello } = fleet("m1", "m2")
    look("m1", job(1), job(2))
    ask("m1", { _tag: "Reserve", job: job(1).key, lasting: 600_000 })
    later(600_000)
    hello("m2")
    assert.strictEqual(number(claim("m2")), 1)
  })
})

describe("a host", () => {
  it("that another life of it has replaced learns so; a live one is not replaced", () => {
    const { hello, ask, later } = fleet("m1")
    assert.deepStrictEqual(hello("m1", { life: "second" }), { _tag: "Taken", life: "first", info: "m1" })
    assert.strictEqual(hello("m1", { life: "second", replaces: "first" })._tag, "Welcome")
    assert.strictEqual(ask("m1", { _tag: "Waiting" }).reply._tag, "Taken")
    later(LEASE)
    assert.strictEqual(hello("m1", { life: "third" })._tag, "Welcome")
  })

  it("that would do otherwise than the others is refused, while there are others", () => {
    const { hello, later } = fleet("m1")
    assert.deepStrictEqual(hello("m2", { terms: "org" }), { _tag: "Mixed", terms: "repo", info: "m1" })
    later(LEASE)
    assert.strictEqual(hello("m2", { terms: "org" })._tag, "Welcome")
    assert.strictEqual(hello("m1")._tag, "Mixed")
  })

  it("that the store does not know is asked for its name first", () => {
    const { ask, hello } = fleet()
    assert.strictEqual(ask("m1", { _tag: "Waiting" }).reply._tag, "Stranger")
    hello("m1")
    assert.strictEqual(ask("m1", { _tag: "Waiting" }).reply._tag, "Heads")
  })
})

describe("a store that lost its memory", () => {
  it("lets no host claim before owners could restore their claims", () => {
    const { hello, look, claim, later } = fleet()
    hello("m1", { knewGeneration: true })
    look("m1", job(1))
    assert.isUndefined(claim("m1"))
    later(20_000)
    assert.strictEqual(number(claim("m1")), 1)
  })

  it("is no matter for a fleet that starts for the first time", () => {
    const { look, claim } = fleet("m1")
    look("m1", job(1))
    assert.strictEqual(number(claim("m1")), 1)
  })
})

describe("any sequence of commands", () => {
  it("leaves one owner for each job, one job for each service, and epochs that rise", () => {
    const choose = make(7)
    let state: State = initial
    let granted = 0
    for (let n = 0; n < 20_000; n++) {
      const { command, now } = choose(state)
      const held =
        command._tag === "Claim" ? heldBy(state, { host: command.host, service: command.service }) : Option.none()
      const { epoch } = state
      const outcome = reduce(state, command, now)
      state = outcome.state
      if (command._tag === "Claim" && outcome.reply._tag === "Claimed" && Option.isNone(held)) {
        if (Option.isSome(outcome.reply.claim)) {
          granted++
          assert.isAbove(outcome.reply.claim.value.epoch, epoch)
        }
      }
      assert.isAtLeast(state.epoch, epoch)
      const owners = Array.from(HashMap.values(state.owned), ({ host, service }) => `${host}/${service}`)
      assert.strictEqual(new Set(owners).size, owners.length)
      for (const key of HashMap.keys(state.owned)) assert.isFalse(HashMap.has(state.queued, key))
    }
    assert.isAbove(granted, 100)
  })
})
