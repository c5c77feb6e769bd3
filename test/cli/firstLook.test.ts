import * as Option from "effect/Option"
import { assert, describe, it } from "vitest"
import { said } from "../../src/cli/firstLook.ts"
import type { Fleet } from "../../src/control/Fleet.ts"
import type { Status } from "../../src/control/Status.ts"

const status = (doing: ReadonlyArray<Status["services"][number]["doing"]>, pauses: Status["pauses"] = []): Status => ({
  version: "3.0.0",
  pid: 1,
  config: "/config.yml",
  startedAt: 0,
  now: 0,
  mode: pauses.length === 0 ? "open" : "paused",
  pauses,
  services: doing.map((doing, n) => ({ name: `RUNNER${n + 1}`, plugin: "github", since: 0, doing })),
  vms: [],
  problem: "",
  vmLimit: 2,
  templates: [],
  pulls: [],
  limits: [],
  stores: [],
  ended: [],
  queues: []
})
const fleet = (...queues: ReadonlyArray<readonly [scope: string, jobs: number]>): Option.Option<Fleet> =>
  Option.some({
    now: 0,
    scopes: queues.map(([scope, jobs]) => ({
      scope,
      store: "this host",
      problem: "",
      hosts: [],
      classes: jobs === 0 ? [] : [{ template: "t", jobs, late: 0, reasons: [] }],
      claimed: 0,
      looker: "",
      lookedAt: 0,
      seenAt: 0,
      lateAt: 0
    }))
  })
const look = (...[status, fleet]: [Status, Option.Option<Fleet>]) => said(Option.some({ status, fleet }))

const WAITING = { _tag: "Waiting", why: "no job waits for this host", until: 0 } as const
const failing = (why: string) => ({ _tag: "Failing", why, failures: 1, until: 0 }) as const

describe("what a start says of its first look", () => {
  it("is what each scope has waiting, one or many, without the name of the usual CI", () => {
    assert.deepStrictEqual(
      look(status([WAITING]), fleet(["github:github.com/acme/app", 1], ["github:github.acme.com/acme/lib", 3])),
      { watching: ["acme/app: 1 job waiting", "github.acme.com/acme/lib: 3 jobs waiting"], trouble: [] }
    )
    assert.deepStrictEqual(look(status([WAITING]), fleet(["github:github.com/acme/app", 0])).watching, [
      "acme/app: no jobs waiting"
    ])
  })

  it("is one trouble for all services that have it, with the command that knows more", () => {
    const { watching, trouble } = look(
      status([failing("the token is refused; check it"), failing("the token is refused; check it"), failing("x")]),
      fleet(["github:github.com/acme/app", 0])
    )
    assert.deepStrictEqual(trouble, [
      "RUNNER1 and RUNNER2 are failing: the token is refused; check it",
      "RUNNER3 is failing: x",
      'the daemon stays up and tries again; "anklet doctor" checks everything'
    ])
    // nobody knows what waits
    assert.deepStrictEqual(watching, ["acme/app"])
  })

  it("is that a service has no answer yet, that the host is paused, or that the daemon does not answer", () => {
    assert.deepStrictEqual(look(status([{ _tag: "Looking" }]), Option.none()), {
      watching: [],
      trouble: ['RUNNER1 has no answer yet; "anklet status" shows what comes of it']
    })
    assert.deepStrictEqual(look(status([WAITING], [{ by: "anklet drain", ends: "anklet resume" }]), fleet()).trouble, [
      'paused by anklet drain: no new jobs are accepted until "anklet resume"'
    ])
    assert.match(said(Option.none()).trouble.join(), /does not answer yet/)
  })
})
