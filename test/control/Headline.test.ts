import * as Option from "effect/Option"
import { assert, describe, it } from "vitest"
import * as Blocked from "../../src/control/Blocked.ts"
import * as Headline from "../../src/control/Headline.ts"
import { JobKey } from "../../src/domain/Job.ts"
import type { ServiceActivity } from "../../src/services/Activity.ts"

const NOW = 1_000_000

const service = (name: string, doing: ServiceActivity["doing"], trouble?: string): ServiceActivity => ({
  name,
  plugin: "github",
  since: 0,
  doing,
  ...(trouble === undefined ? {} : { trouble })
})
const idle: ServiceActivity["doing"] = { _tag: "Waiting", why: "no job waits", until: NOW + 1000 }
const failing: ServiceActivity["doing"] = {
  _tag: "Failing",
  why: "GitHub refuses the credential",
  failures: 1,
  until: NOW
}
const working: ServiceActivity["doing"] = {
  _tag: "Working",
  job: {
    key: JobKey.make("github:1"),
    name: "secret name",
    template: "t",
    attempt: 1,
    adopted: false,
    stages: [],
    fields: {}
  }
}

const HOST: Blocked.HostSeen = {
  now: NOW,
  mode: "open",
  pauses: [],
  services: [service("A", idle), service("B", idle)],
  vms: [],
  problem: "",
  vmLimit: 2,
  pulls: [],
  limits: [],
  stores: []
}
const JOB: Blocked.JobSeen = { handedBack: Option.none(), reserver: "", isAvailable: true, lack: Option.none() }
const limit = { credential: "a key", remaining: 0, limit: 10, resetAt: null, waitsUntil: NOW + 60_000 }
const vm = { name: "vm", owner: "A", job: "secret name" }
const redis = (...services: ReadonlyArray<string>) => ({ name: "Redis", isAway: true, services })

describe("the headline", () => {
  const CASES: ReadonlyArray<readonly [Partial<Blocked.HostSeen>, Headline.Headline["state"], RegExp]> = [
    [{}, "accepting", /^accepting jobs$/],
    [
      { services: [service("A", failing), service("B", failing)] },
      "blocked",
      /^not accepting jobs: service A fails: GitHub refuses/
    ],
    [
      { services: [service("A", failing), service("B", idle)] },
      "partly",
      /^accepting jobs, but not with A: GitHub refuses/
    ],
    [{ services: [service("A", working), service("B", failing)] }, "blocked", /^not accepting jobs: service B fails/],
    [{ services: [service("A", working, "no token")] }, "blocked", /^not accepting jobs: service A fails: no token$/],
    [{ services: [service("A", working)] }, "full", /^accepting jobs, and full: the service has a job$/],
    [{ vms: [vm, vm] }, "full", /^accepting jobs, and full: no free VM slot: 2 of 2 are in use$/],
    [{ vms: null, problem: "anka is gone" }, "blocked", /^not accepting jobs: .*anka is gone$/],
    [{ stores: [redis("A", "B")] }, "blocked", /^not accepting jobs: Redis does not answer/],
    [{ stores: [redis("A")] }, "accepting", /^accepting jobs$/],
    [{ limits: [limit] }, "blocked", /^not accepting jobs: the rate limit is reached with a key/],
    [{ mode: "draining" }, "draining", /^not accepting jobs: draining/],
    [
      { mode: "paused", pauses: [{ by: "anklet drain", ends: "anklet resume" }] },
      "paused",
      /^not accepting jobs: paused by anklet drain, until "anklet resume"$/
    ]
  ]

  it("says whether the host accepts jobs, and what prevents it, without the name of a job", () => {
    for (const [host, state, text] of CASES) {
      const said = Headline.of({ ...HOST, ...host })
      assert.strictEqual(said.state, state, said.text)
      assert.match(said.text, text)
      assert.notInclude(said.text, "secret")
    }
  })
})

describe("why a host does not run a waiting job", () => {
  const handedBack = Option.some({ why: "no such tag v9", until: NOW + 1_800_000 })
  const big = { wanted: 64 * 2 ** 30, taken: 0, total: 16 * 2 ** 30 }
  const CASES: ReadonlyArray<
    readonly [Partial<Blocked.HostSeen>, Partial<Blocked.JobSeen>, Blocked.BlockedReason, RegExp]
  > = [
    [{}, {}, "none", /^$/],
    [{}, { handedBack }, "handed_back", /no such tag v9; tried here again in 30 min$/],
    // it will not run when a slot is free, so the slot is not the reason
    [{ vms: [vm, vm] }, { handedBack }, "handed_back", /no such tag/],
    [{ vms: [vm, vm] }, { lack: Option.some(big) }, "too_big", /64\.0 GiB of memory, of 16\.0 GiB/],
    [{}, { lack: Option.some({ ...big, wanted: 2 ** 34, taken: 1 }) }, "no_memory", /not enough memory/],
    [{ vms: [vm, vm] }, {}, "no_room", /2 of 2/],
    [{ mode: "paused", pauses: [{ by: "x", ends: "y" }] }, { handedBack }, "paused", /paused by x/],
    [{ mode: "draining" }, {}, "draining", /draining/],
    [{ pulls: [{ template: "t", part: 0.5 }] }, { isAvailable: false }, "pulling", /t \(50 %\)/],
    [{ services: [service("A", working)] }, {}, "busy", /has a job/],
    [{}, { reserver: "mac-2" }, "reserved", /mac-2/]
  ]

  it("is the true reason, also where another one holds as well", () => {
    for (const [host, job, reason, what] of CASES) {
      const [first] = Blocked.ofJob({ ...HOST, ...host }, { ...JOB, ...job })
      assert.strictEqual(first?.reason ?? "none", reason)
      assert.match(first?.what ?? "", what)
    }
  })

  it("is no hand-back that was nobody's fault, where there is no other host", () => {
    const excluded = [{ host: "me", until: NOW + 1000, soft: true, reason: "full" }]
    const of = (...others: ReadonlyArray<string>) =>
      Option.isSome(
        Blocked.handedBack({
          self: "me",
          hosts: ["me", ...others].map((id) => ({ id, until: NOW + 1 })),
          excluded,
          note: undefined,
          now: NOW
        })
      )
    assert.deepStrictEqual([of(), of("other")], [false, true])
  })
})
