/**
 * One Mac: its processes, its hypervisor with VMs, and what runs in them. All of it goes on when the daemon dies. What a
 * command does is said by the simulator's rules; here are its delays, its moods, and what a death leaves half done.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { isOurName } from "../../src/domain/Job.ts"
import { Exec, ExecError, type ExecResult, type ProcessIdentity } from "../../src/services/Exec.ts"
import { parse } from "../../src/simulator/anka/argv.ts"
import {
  date,
  type Env,
  lookUp,
  type State,
  type Step,
  type Vm,
  type Wait
} from "../../src/simulator/anka/rules/step.ts"
import { begin } from "../../src/simulator/anka/rules.ts"
import type { Chance, Kernel, Life } from "./kernel.ts"

/** A child process. */
interface Process {
  readonly pid: number
  readonly startedAt: string
  readonly line: string
  isAlive: boolean
  readonly exited: Array<(result: ExecResult) => void>
  /** What its death leaves half done. */
  killed: (() => void) | undefined
}

/** What runs in a VM; each VM has its own. */
export interface Guest {
  /** A command in the VM. */
  readonly run: (
    command: string,
    stdin: string,
    reply: (code: number, stdout?: string, stderr?: string) => void
  ) => void
  /** The VM is gone. */
  readonly end: () => void
  /** A job runs in it. */
  readonly isBusy: () => boolean
}

/** A VM with what runs in it. */
export interface SimulatedVm {
  readonly name: string
  readonly status: Vm["status"]
  readonly guest: Guest
}

/** How this machine's `anka` misbehaves now. */
export interface Mood {
  /** Probability that a command never ends. */
  hangs: number
  /** Probability that it fails without having done anything. */
  fails: number
  /** Probability that it says the wrong thing: done when it is not, or failed when it is done. */
  lies: number
  /** Probability that it prints nothing. */
  mute: number
}

export const calm: Mood = { hangs: 0, fails: 0, lies: 0, mute: 0 }

/** What the world wants to know of machines. */
export interface Watcher {
  readonly vmsChanged: (machine: Machine) => void
  readonly cloned: (machine: Machine, vm: string) => void
  readonly vmEnds: (machine: Machine, vm: SimulatedVm, why: string) => void
  readonly trace: (who: string, what: string) => void
}

interface Parts {
  readonly kernel: Kernel
  readonly chance: Chance
  readonly watcher: Watcher
  readonly guest: (machine: Machine, vm: string) => Guest
}

const NOTHING: ExecResult = { code: 137, stdout: "", stderr: "" }

type Range = readonly [least: number, most: number]

/** Time before a command does anything, in milliseconds; commands that are not listed begin at once. */
const BEFORE: Readonly<Record<string, Range>> = {
  version: [20, 200],
  license: [20, 200],
  list: [50, 800],
  show: [50, 500],
  pull: [100, 1000],
  clone: [50, 300],
  run: [100, 800],
  cp: [100, 1000]
}

/** Time of a command's work, in milliseconds. */
const DURING: Readonly<Record<Exclude<Wait, "pull" | "nothing">, Range>> = {
  clone: [500, 4000],
  start: [500, 5000],
  stop: [200, 2000],
  "forced stop": [200, 2000],
  delete: [200, 3000],
  turn: [1000, 1000]
}

/** Time until a command that has nothing to wait for answers, in milliseconds. */
const REFUSED: Range = [100, 1000]

/** Time from a start until macOS is up, in milliseconds. */
const BOOT: Range = [5_000, 30_000]

/** Size of a template's tag, in bytes. */
const SIZE = 1000

/** A machine, by its name. */
export class Machine {
  readonly name: string
  /** What `anka` knows: the library, and the registry. */
  private state: State
  private readonly guests = new Map<string, Guest>()
  /** How long a pull takes, in milliseconds. */
  pullTakes = 180_000
  mood: Mood = calm
  readonly processes = new Map<number, Process>()
  boots = 0
  commands = 0
  /** The daemon's process: the same number in every life, started at another time. */
  self: ProcessIdentity = { pid: process.pid, startedAt: "0" }
  isSelfAlive = false
  private readonly parts: Parts
  private nextPid = 10_000

  constructor(name: string, parts: Parts, registry: ReadonlyMap<string, ReadonlyArray<string>>) {
    this.name = name
    this.parts = parts
    this.state = {
      version: "3.9.1",
      license: { status: "valid", type: "com.veertu.anka.entplus" },
      limit: 2,
      phantoms: 0,
      free: 10 ** 12,
      secondPull: "corrupt",
      registry: {
        name: "local",
        url: "http://registry",
        down: false,
        templates: [...registry].map(([name, tags]) => ({ uuid: name, name, tags: [...tags], size: SIZE }))
      },
      vms: []
    }
  }

  /** Put a template with these tags into the library. */
  addTemplate(name: string, tags: ReadonlyArray<string>): void {
    const at = date(this.kernel.now)
    const tag = tags.at(-1) ?? ""
    const template: Vm = { uuid: name, name, status: "stopped", tag, tags: [...tags], created: at, accessed: at }
    this.state = { ...this.state, vms: [...this.state.vms, template] }
  }

  private get kernel(): Kernel {
    return this.parts.kernel
  }
  private get chance(): Chance {
    return this.parts.chance
  }

  /** Number of VMs that count for Apple. */
  running(): number {
    return this.state.vms.filter(({ status }) => status === "running").length
  }
  /** VMs that are ours by their names. */
  ours(): ReadonlyArray<SimulatedVm> {
    return this.state.vms.filter(({ name }) => isOurName(name)).map((vm) => this.withGuest(vm))
  }
  /** Number of pulls under way. */
  pulls(): number {
    return [...this.processes.values()].filter(({ isAlive, line }) => isAlive && line.startsWith("registry")).length
  }

  private withGuest({ name, status, uuid }: Vm): SimulatedVm {
    const guest = this.guests.get(uuid)
    if (guest === undefined) throw new Error(`${name} has no guest`)
    return { name, status, guest }
  }

  /** Everything ends; VMs stay on the disk, stopped. */
  losePower(): void {
    for (const it of this.processes.values()) this.end(it, NOTHING, true)
    for (const vm of this.ours()) this.crash(vm, "power loss")
  }

  /** A VM dies inside. */
  crash(vm: SimulatedVm, why = "it crashed"): void {
    this.halted(vm, why)
    this.state = {
      ...this.state,
      vms: this.state.vms.map((other) => (other.name === vm.name ? { ...other, status: "stopped" } : other))
    }
  }

  /** What runs in a VM ends with it. */
  private halted(vm: SimulatedVm, why: string): void {
    if (vm.status === "running") this.parts.watcher.vmEnds(this, vm, why)
    vm.guest.end()
  }

  private end(it: Process, result: ExecResult, killed: boolean): void {
    if (!it.isAlive) return
    it.isAlive = false
    this.processes.delete(it.pid)
    if (killed) it.killed?.()
    for (const tell of it.exited) tell(result)
  }

  /** The door to processes, as one life of the daemon has it. */
  execFor(life: Life): Exec["Type"] {
    const identify = (pid: number) => {
      if (pid === this.self.pid) return this.isSelfAlive ? Option.some(this.self) : Option.none()
      const found = this.processes.get(pid)
      return found === undefined ? Option.none() : Option.some({ pid, startedAt: found.startedAt })
    }
    return Exec.of({
      identify: (pid) => Effect.sync(() => identify(pid)),
      isAlive: ({ pid, startedAt }) =>
        Effect.sync(() => Option.exists(identify(pid), (it) => startedAt === "" || it.startedAt === startedAt)),
      run: (program, args, options) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.gen(this, function* () {
            const line = args.filter((word) => word !== "-j").join(" ")
            const command = `${program} ${line}`
            if (program !== "anka")
              return yield* new ExecError({ reason: "NotFound", command, detail: "no such program" })
            if (!life.isAlive) return yield* Effect.never
            const it = this.spawn(args, line, options.stdin ?? "")
            const kill = Effect.sync(() => this.end(it, NOTHING, true))
            if (options.started !== undefined) yield* Effect.onError(options.started(it.pid), () => kill)
            const ended = Effect.async<ExecResult>((resume) => {
              const early = this.early.get(it)
              if (early !== undefined) resume(Effect.succeed(early))
              else it.exited.push((result) => resume(Effect.succeed(result)))
            })
            const result = yield* Effect.timeoutOption(restore(ended), options.timeout).pipe(Effect.onError(() => kill))
            if (Option.isSome(result)) return result.value
            yield* kill
            return yield* new ExecError({ reason: "Timeout", command, detail: "did not end in time and was killed" })
          })
        )
    })
  }

  /** Results of processes that ended before anybody listened. */
  private readonly early = new WeakMap<Process, ExecResult>()

  private spawn(args: ReadonlyArray<string>, line: string, stdin: string): Process {
    const { kernel, chance, mood } = this
    const it: Process = {
      pid: this.nextPid++,
      startedAt: String(kernel.now),
      line,
      isAlive: true,
      exited: [],
      killed: undefined
    }
    it.exited.push((result) => this.early.set(it, result))
    this.processes.set(it.pid, it)
    this.commands++
    const what = `anka ${line.replace(/anklet-vm-\S+/g, "VM")}`
    kernel.point?.(this.name, `${what} begins`)
    it.exited.push(() => kernel.point?.(this.name, `${what} has ended`))
    const isQuestion = /^(list|show|version|license)/.test(line)
    if (chance.happens(mood.hangs)) {
      this.parts.watcher.trace(this.name, `anka ${line} hangs`)
      return it
    }
    const say = (code: number, stdout: string, stderr = "") => this.end(it, { code, stdout, stderr }, false)
    const ok = (body: unknown = {}) => say(0, JSON.stringify({ status: "OK", body, message: "" }))
    const failed = (code: number, message: string) =>
      say(code, JSON.stringify({ status: "ERROR", code, message, body: {} }))
    if (chance.happens(mood.mute) && isQuestion) {
      kernel.after(200, () => say(0, ""))
      return it
    }
    if (chance.happens(mood.fails)) {
      this.parts.watcher.trace(this.name, `anka ${line} fails`)
      kernel.after(chance.between(100, 2000), () => failed(1, "internal error"))
      return it
    }
    const isLie = !isQuestion && chance.happens(mood.lies)
    if (isLie && chance.happens(0.5)) {
      this.parts.watcher.trace(this.name, `anka ${line} does nothing and says it did`)
      kernel.after(chance.between(100, 2000), () => ok())
      return it
    }
    if (isLie) {
      this.parts.watcher.trace(this.name, `anka ${line} does it and says it failed`)
      this.perform(it, args, stdin, { say, ok: () => failed(1, "internal error"), failed })
      return it
    }
    this.perform(it, args, stdin, { say, ok, failed })
    return it
  }

  private perform(
    it: Process,
    args: ReadonlyArray<string>,
    stdin: string,
    answer: {
      readonly say: (code: number, stdout: string, stderr?: string) => void
      readonly ok: (body?: unknown) => void
      readonly failed: (code: number, message: string) => void
    }
  ): void {
    const { kernel, chance } = this
    const { ok, failed, say } = answer
    const call = parse(args)
    const [verb = ""] = call.words
    /** Do something after a while, unless the process is killed before. */
    const then = ([least, most]: Range, act: () => void) =>
      void kernel.after(chance.between(least, most), () => {
        if (it.isAlive) act()
      })
    const env = (): Env => ({
      now: kernel.now,
      pid: it.pid,
      isAlive: (pid) => this.processes.has(pid),
      uuidFor: (name) => `uuid-${name}`,
      images: "/",
      boot: () => chance.between(...BOOT),
      ip: () => 0
    })
    /** Keep what a step has changed, and go on with the next one when its time has come. */
    const go = (step: Step): void => {
      this.keep(step, verb)
      switch (step._tag) {
        case "Done": {
          const { code, message, body } = step.result
          if (code === 0) return ok(body)
          return verb === "run" ? say(code, "", `anka: ${message}`) : failed(code, message)
        }
        case "Inside":
          return step.vm === undefined || verb === "cp" ? ok() : this.runIn(it, step.vm, call.rest.slice(1), stdin, say)
        case "Later": {
          const next = () => go(step.next(this.state, env()))
          if (step.wait === "nothing") return next()
          if (step.wait === "pull") return then([this.pullTakes * 0.5, this.pullTakes], next)
          if (step.wait !== "clone") return then(DURING[step.wait], next)
          it.killed = () => this.cutOff(call.rest[1] ?? "")
          return then(DURING.clone, () => {
            it.killed = undefined
            next()
          })
        }
      }
    }
    const first = () => {
      // a guest has no second life here: the command that would start its VM again fails instead
      const vm = verb === "run" ? lookUp(this.state, call.rest[0] ?? "") : undefined
      if (vm !== undefined && (vm.status !== "running" || kernel.now < (vm.upAt ?? 0)))
        return say(125, "", "anka: communication error")
      go(begin(this.state, call, env()))
    }
    const before = BEFORE[verb]
    if (before !== undefined) return then(before, first)
    const step = begin(this.state, call, env())
    if (step._tag === "Done") then(REFUSED, first)
    else go(step)
  }

  /** Half of a clone that was cut off stays, or nothing does. */
  private cutOff(name: string): void {
    if (!this.chance.happens(0.5)) return
    this.guests.delete(lookUp(this.state, name)?.uuid ?? "")
    this.state = { ...this.state, vms: this.state.vms.filter((vm) => vm.name !== name) }
  }

  /** Take on what a step of this command has changed. */
  private keep({ state, acts }: Step, verb: string): void {
    const { parts } = this
    const before = this.state
    if (state === before && acts.length === 0) return
    this.state = state
    for (const { name, uuid, isHalf } of state.vms) {
      if (isHalf !== true || this.guests.has(uuid)) continue
      this.guests.set(uuid, parts.guest(this, name))
      parts.watcher.cloned(this, name)
    }
    for (const act of acts) {
      if (act._tag === "PowerOff") {
        const vm = lookUp(before, act.vm.uuid)
        if (vm !== undefined && this.guests.has(vm.uuid)) this.halted(this.withGuest(vm), `anka ${verb}`)
      }
      if (act._tag === "Discard") this.guests.delete(act.vm.uuid)
    }
    parts.watcher.vmsChanged(this)
  }

  private runIn(
    it: Process,
    { uuid }: Vm,
    command: ReadonlyArray<string>,
    stdin: string,
    say: (code: number, stdout: string, stderr?: string) => void
  ): void {
    let isOver = false
    const reply = (code: number, stdout = "", stderr = "") => {
      if (isOver || !it.isAlive) return
      isOver = true
      say(code, stdout, stderr)
    }
    this.guests.get(uuid)?.run(command.join(" "), stdin, reply)
    // a VM that goes takes its commands with it
    const wait = () =>
      void this.kernel.after(5_000, () => {
        if (isOver || !it.isAlive) return
        if (lookUp(this.state, uuid)?.status !== "running") return reply(125, "", "anka: communication broken")
        wait()
      })
    wait()
  }
}
