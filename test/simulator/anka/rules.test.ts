import { assert, describe, it } from "vitest"
import { parse } from "../../../src/simulator/anka/argv.ts"
import type { Env, Result, State, Step, Vm, Wait } from "../../../src/simulator/anka/rules/step.ts"
import { begin } from "../../../src/simulator/anka/rules.ts"

const ENV: Env = {
  now: 1000,
  pid: 1,
  isAlive: () => true,
  uuidFor: (name) => `uuid of ${name}`,
  images: "/images",
  boot: () => 300,
  ip: () => 200
}

const template: Vm = {
  ...{ uuid: "T", name: "template", status: "stopped", tag: "v1", tags: ["v1"], created: "", accessed: "" }
}

const frozen = <A>(value: A): A => {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(frozen)
  return value
}

const hostWith = (given: Partial<State> = {}): State =>
  frozen({
    ...{ version: "3.9.1", license: { status: "valid", type: "com.veertu.anka.entplus" }, limit: 2, phantoms: 0 },
    ...{ free: 100, secondPull: "corrupt", vms: [template] },
    registry: {
      ...{ name: "local", url: "http://registry", down: false },
      templates: [{ uuid: "T", name: "template", tags: ["v1", "v2"], size: 10 }]
    },
    ...given
  })

interface Played {
  readonly state: State
  readonly result: Result | undefined
  readonly waits: ReadonlyArray<Wait>
  readonly acts: ReadonlyArray<string>
}

/** Carry a command out; every state on the way is frozen, so that a rule which changes one throws. */
const play = (state: State, line: string, env = ENV): Played => {
  const waits: Array<Wait> = []
  const acts: Array<string> = []
  const make = (step: Step): Step => {
    acts.push(...step.acts.map(({ _tag }) => _tag))
    return step
  }
  let step = make(begin(state, parse(line.split(" ")), env))
  while (step._tag === "Later") {
    waits.push(step.wait)
    step = make(step.next(frozen(step.state), env))
  }
  return { state: frozen(step.state), result: step._tag === "Done" ? step.result : undefined, waits, acts }
}

const following = (...lines: ReadonlyArray<string>): State =>
  lines.reduce((state, line) => play(state, line).state, hostWith())

describe("the rules of anka", () => {
  it("make, start, stop and delete a VM, and say what is to be done outside", () => {
    const cloned = play(hostWith(), "clone --tag v1 template vm")
    assert.deepStrictEqual([cloned.waits, cloned.acts], [["clone"], ["Fill"]])
    const started = play(cloned.state, "start vm")
    assert.deepStrictEqual([started.waits, started.result?.code], [["start"], 0])
    assert.deepStrictEqual(
      started.state.vms.map(({ name, status, upAt }) => [name, status, upAt]),
      [
        ["template", "stopped", undefined],
        ["vm", "running", 1300]
      ]
    )
    const stopped = play(started.state, "stop vm")
    assert.deepStrictEqual([stopped.waits, stopped.acts], [["stop"], ["PowerOff"]])
    const deleted = play(started.state, "delete --yes vm")
    assert.deepStrictEqual(deleted.acts, ["PowerOff", "Discard"])
    assert.deepStrictEqual(deleted.state.vms, [template])
  })

  it("change nothing for a question, and nothing for what is refused", () => {
    const host = hostWith()
    for (const line of ["version", "license show", "list", "show template", "registry list", "config img_lib_dir"]) {
      const { state, result } = play(host, line)
      assert.strictEqual(result?.code, 0, line)
      assert.strictEqual(state, host, line)
    }
    for (const [line, code] of [
      ["show nothing", 3],
      ["clone nothing vm", 3],
      ["clone --tag v9 template vm", 3],
      ["clone template template", 18],
      ["registry pull nothing", 3],
      ["registry --remote elsewhere pull template", 7],
      ["delete template", 1],
      ["frobnicate", 64]
    ] as const) {
      const { state, result } = play(host, line)
      assert.strictEqual(result?.code, code, line)
      assert.strictEqual(state, host, line)
    }
  })

  it("start no third VM, none that runs, and no half of a clone", () => {
    const full = following("clone template a", "clone template b", "clone template c", "start a", "start b")
    assert.include(play(full, "start c").result?.message, "maximum number of running instances")
    assert.include(play(full, "start a").result?.message, "already running")
    const half = begin(hostWith(), parse(["clone", "template", "vm"]), ENV).state
    assert.include(play(half, "start vm").result?.message, "not complete")
  })

  it("start a stopped VM for a command in it, and copy into one that runs only", () => {
    const stopped = following("clone template vm")
    assert.include(play(stopped, "cp -a /file vm:").result?.message, "communication error")
    const { state, result } = play(stopped, "run vm true")
    assert.isUndefined(result)
    assert.strictEqual(state.vms.find(({ name }) => name === "vm")?.status, "running")
    assert.isUndefined(play(state, "cp -a /file vm:").result)
  })

  it("pull what is not here once, and let a second pull go wrong as the host says", () => {
    const pulled = play(hostWith(), "registry pull --tag v2 template")
    assert.deepStrictEqual([pulled.waits, pulled.acts, pulled.state.free], [["pull"], ["Fetch"], 90])
    assert.deepStrictEqual(pulled.state.vms[0]?.tags, ["v1", "v2"])
    assert.deepStrictEqual(play(pulled.state, "registry pull --tag v2 template").waits, [])
    const busy = { pulling: { pid: 7, template: "T" } }
    assert.strictEqual(play(hostWith(busy), "registry pull template").result?.code, 5)
    assert.strictEqual(play(hostWith({ ...busy, secondPull: "error" }), "registry pull template").result?.code, 16)
    const queued = begin(hostWith({ ...busy, secondPull: "block" }), parse(["registry", "pull", "template"]), ENV)
    assert.strictEqual(queued._tag === "Later" ? queued.wait : undefined, "turn")
    const dead = { ...ENV, isAlive: () => false }
    assert.strictEqual(play(hostWith(busy), "registry pull template", dead).result?.code, 0)
    assert.strictEqual(play(hostWith({ free: 9 }), "registry pull --tag v2 template").result?.code, 28)
  })

  it("stop or delete what comes before a VM that is not there", () => {
    const two = following("clone template a", "clone template b")
    const { state, result } = play(two, "delete --yes a nothing b")
    assert.strictEqual(result?.code, 3)
    assert.deepStrictEqual(
      state.vms.map(({ name }) => name),
      ["template", "b"]
    )
  })
})
