import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import { decide, type Observation } from "../../src/job/Watch.ts"
import { queued } from "../fakes/GitHub.ts"

const OURS = "anklet-vm-ours"
const idle = { id: 1, name: OURS, online: true, busy: false }
const seen = (given: Partial<Observation>): Observation => ({
  job: Option.some(queued(1)),
  runner: Option.some(idle),
  process: "running",
  idleFor: 0,
  endedFor: 0,
  ...given
})
const running = (by: string) => Option.some(queued(1, { status: "in_progress", runnerName: Option.some(by) }))
const says = (given: Partial<Observation>) => decide(OURS, seen(given), 60_000, { name: "GitHub", idleHint: "" })

describe("watching", () => {
  for (const [what, given, tag] of [
    [
      "a job that GitHub calls completed is over",
      { job: Option.some(queued(1, { status: "completed", conclusion: Option.some("failure") })) },
      "Over"
    ],
    [
      "a job that is completed while our runner is busy with another one does not end that one",
      {
        job: Option.some(queued(1, { status: "completed", conclusion: Option.some("cancelled") })),
        runner: Option.some({ ...idle, busy: true })
      },
      "Swapped"
    ],
    [
      "nor does it as long as nothing is known of our runner",
      { job: Option.some(queued(1, { status: "completed" })), runner: Option.none() },
      "Wait"
    ],
    ["nor does another runner's having the job", { job: running("other"), runner: Option.none() }, "Wait"],
    ["a job on our runner is waited for", { job: running(OURS) }, "Wait"],
    [
      "also when GitHub has forgotten the runner already",
      { job: running(OURS), runner: Option.some("gone" as const) },
      "Wait"
    ],
    ["also when nothing of the runner is known", { job: running(OURS), runner: Option.none() }, "Wait"],
    ["a job that another runner has is left to it", { job: running("other") }, "Taken"],
    ["our runner busy with another job is followed", { runner: Option.some({ ...idle, busy: true }) }, "Swapped"],
    ["a runner that waits is waited for", { idleFor: 59_000 }, "Wait"],
    [
      "but not as long as nothing is known of it: it may have a job by now",
      { runner: Option.none(), idleFor: 1e9 },
      "Wait"
    ],
    ["a runner that waits too long is replaced", { idleFor: 60_000 }, "Replace"],
    [
      "a runner that never came online is replaced",
      { runner: Option.some({ ...idle, online: false }), idleFor: 60_000 },
      "Replace"
    ],
    [
      "a runner that GitHub has dropped while the job waits is replaced",
      { runner: Option.some("gone" as const) },
      "Replace"
    ],
    [
      "an answer that never came decides nothing",
      { job: Option.none(), runner: Option.some("gone" as const), idleFor: 1e9 },
      "Wait"
    ],
    [
      "a process that has just ended gives GitHub time",
      { job: running(OURS), process: "ended" as const, endedFor: 1000 },
      "Wait"
    ],
    [
      "a process that ended long ago is over, whatever GitHub says",
      { job: running(OURS), process: "ended" as const, endedFor: 60_000 },
      "Over"
    ],
    ["a lost VM whose job still waits is replaced", { process: "lost" as const, endedFor: 20_000 }, "Replace"],
    [
      "a process that ended while the job is called queued may have run another",
      { process: "ended" as const, endedFor: 1000 },
      "Swapped"
    ],
    ["a state that we do not know decides nothing", { job: Option.some(queued(1, { status: "pondering" })) }, "Wait"]
  ] as const) {
    it(what, () => assert.strictEqual(says(given)._tag, tag))
  }

  it("tells a conclusion that we do not know as unknown", () => {
    const decision = says({ job: Option.some(queued(1, { status: "completed", conclusion: Option.some("exploded") })) })
    assert.deepStrictEqual(decision, { _tag: "Over", conclusion: "unknown" })
  })
})
