import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { alter, setFaults } from "../../src/simulator/anka/host.ts"
import type { Fault } from "../../src/simulator/anka/state.ts"
import { LABELS, make, until } from "./lab.ts"

/**
 * What goes wrong once, and the words of the one ERROR about it; none if the call is repeated and needs no attention.
 */
const FAULTS: ReadonlyArray<readonly [string, Fault, RegExp | undefined]> = [
  [
    "pull",
    { command: "registry pull", times: 1, fault: "fail", code: 5, message: "failed to checkout: Input/output error" },
    /registry pull.*exited with 5: failed to checkout/
  ],
  ["pull", { command: "registry pull", times: 1, fault: "garbage" }, /registry pull.*printed no result/],
  [
    "clone",
    { command: "clone", times: 1, fault: "fail-after", code: 5, message: "Input/output error" },
    /anka clone .*exited with 5: Input\/output error/
  ],
  ["clone", { command: "clone", times: 1, fault: "empty" }, /anka clone .*printed no result/],
  [
    "start",
    { command: "start", times: 1, fault: "fail", code: 10, message: "x: failed to start: No child processes" },
    /anka start .*No child processes/
  ],
  [
    "start",
    { command: "start", times: 1, fault: "fail", code: 1, message: "x: maximum number of running instances exceeded" },
    undefined
  ],
  ["start", { command: "start", times: 1, fault: "error-exit-0" }, /anka start .*Input\/output error/],
  ["copy", { command: "cp", times: 1, fault: "truncated" }, /anka cp .*printed no result/],
  [
    "installation",
    { command: "run", nth: 2, fault: "fail", code: 1, message: "x: not found" },
    /install-runner|anka run/
  ],
  ["list", { command: "list", times: 1, fault: "empty" }, undefined],
  [
    "list",
    { command: "list", times: 1, fault: "fail", code: 14, message: "Bad address" },
    /anka list exited with 14: Bad address/
  ],
  ["delete", { command: "delete", times: 2, fault: "fail", code: 5, message: "Input/output error" }, undefined],
  ["delete", { command: "delete", times: 1, fault: "no-op" }, undefined]
]

describe("anka going wrong once", () => {
  for (const [step, fault, words] of FAULTS) {
    it.concurrent(`at the ${step} (${fault.fault}${fault.message === undefined ? "" : `: ${fault.message}`}) costs time, not the job, and leaks nothing`, async () => {
      const lab = await make({ env: { LOG_LEVEL: "INFO" } })
      try {
        // a start asks `anka`, too
        assert.strictEqual((await lab.anklet()).code, 0)
        setFaults(lab.host, [fault])
        const { jobs } = lab.queue({ labels: LABELS.filter((label) => !label.includes("tag")) })
        await until("the job has ended", () => jobs[0]?.status === "completed", 50_000)
        await until("the host is clean", () => lab.left().vms.length === 0)
        assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
        assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
        assert.strictEqual(jobs[0]?.conclusion, "success")
        const errors = lab.errors().map(({ msg }) => String(msg))
        if (words === undefined) assert.deepStrictEqual(errors, [])
        else {
          assert.strictEqual(errors.length, 1, errors.join("\n"))
          assert.match(errors[0] ?? "", words)
        }
      } finally {
        await lab.close()
      }
    })
  }
})

describe("a VM of somebody else that `anka list` tells oddly", () => {
  for (const [what, odd, room] of [
    ["status: null", { status: null }, 1],
    ["no name", { name: null, status: "stopped" }, 2],
    ["neither name nor status", { name: undefined, status: undefined }, 1]
  ] as const) {
    it.concurrent(`with ${what} keeps no job from this host, which has ${room} of 2 places left, and is named at WARN once`, async () => {
      const lab = await make({ env: { LOG_LEVEL: "INFO" }, services: 2 })
      try {
        alter(lab.host, (host) => {
          const [template] = host.vms
          if (template !== undefined)
            host.vms.push(JSON.parse(JSON.stringify({ ...template, uuid: "their-uuid", ...odd })))
        })
        const go = join(lab.folder, "go")
        const wait = [`while [ ! -f ${go} ]; do sleep 0.05; done`]
        const { jobs } = lab.queue({ steps: wait }, { steps: wait })
        const runs = () => jobs.filter(({ status }) => status === "in_progress").length
        assert.strictEqual((await lab.anklet()).code, 0)
        await until("as many jobs run as there is room for", () => runs() === room)
        const status = (await lab.anklet("status")).stdout
        if (room === 1) assert.match(status, /unclear/)
        writeFileSync(go, "")
        await until("all jobs have ended", () => jobs.every(({ conclusion }) => conclusion === "success"))
        assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
        assert.deepStrictEqual(lab.errors(), [])
        const told = lab.log().filter(({ level, msg }) => level === "WARN" && /^anka list: entry/.test(String(msg)))
        assert.strictEqual(told.length, 1)
        assert.include(String(told[0]?.msg), "their-uuid")
      } finally {
        await lab.close()
      }
    })
  }
})
