import * as Either from "effect/Either"
import { assert, describe, it } from "vitest"
import { type Known, targetOf } from "../../../src/cli/shell/target.ts"
import type { Past } from "../../../src/services/History.ts"

const url = (number: number) => `https://github.com/acme/app/actions/runs/1/job/${number}`

const job = (number: number, more: Partial<Known["running"][number]> = {}): Known["running"][number] => ({
  ...{ name: `job ${number}`, url: url(number), host: "this host", service: `RUNNER${number}` },
  ...{ vm: `anklet-vm-${number}`, runner: `anklet-job-${number}` },
  ...more
})

const ended = { job: { name: "old", vm: "anklet-vm-8", fields: { jobURL: url(8) } } } as unknown as Past

const known: Known = {
  running: [
    job(1),
    job(2, { vm: "" }),
    job(3, { host: "mini-2", service: "RUNNER1" }),
    job(4, { name: "job 3" }),
    job(5, { name: "twice" }),
    job(6, { name: "twice" })
  ],
  waiting: [{ name: "next", url: url(7), reason: "all services work" }],
  problems: [],
  services: ["RUNNER1", "RUNNER9"],
  ended: [ended],
  held: []
}

const asked = (text: string, more: Partial<Known> = {}) =>
  Either.match(targetOf(text, { ...known, ...more }), {
    onRight: (vm) => vm,
    onLeft: ({ _tag, message }) => `${_tag}: ${message}`
  })

describe("the VM that a person means", () => {
  it("is found by each name of its job", () => {
    for (const text of ["RUNNER1", "anklet-vm-1", "anklet-job-1", "1", "job 1", url(1), `${url(1)}?pr=7#step:3:1`])
      assert.strictEqual(asked(text), "anklet-vm-1", text)
  })

  it("is that of this Mac where another has a job of the same name", () => {
    assert.strictEqual(asked("job 3"), "anklet-vm-4")
  })

  it("is not guessed, and where there is none, the reason says what to do", () => {
    assert.match(asked("twice"), /^UsageError: .* RUNNER5 or of RUNNER6: name the service$/)
    assert.match(asked("2"), /^NoVm: "job 2" has no VM yet: RUNNER2 prepares it/)
    assert.match(asked(url(3)), /^NoVm: "job 3" runs on mini-2, not on this Mac: run this command there$/)
    assert.match(asked("next"), /^NoVm: "next" waits, and has no VM yet: all services work$/)
    assert.match(asked("RUNNER9"), /^NoVm: RUNNER9 has no job now/)
    for (const text of ["8", "old", "anklet-vm-8"]) assert.match(asked(text), /^NoVm: "old" has ended/, text)
    assert.match(asked("99"), /^NoVm: "99" is no job, .* knows; jobs run on RUNNER1 \("job 1"\), RUNNER2/)
    assert.match(asked("", { running: [job(1, { runner: "" })] }), /^NoVm: "" is no job/)
    assert.match(
      asked("99", { running: [], problems: ["Redis does not answer"] }),
      /; no job runs on this Mac now; other Macs may know it, but Redis does not answer$/
    )
  })
})
