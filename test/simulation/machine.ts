/** One Mac: its processes, its hypervisor with VMs, and what runs in them. All of it goes on when the daemon dies. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { VM_PREFIX } from "../../src/domain/Job.ts"
import { Exec, ExecError, type ExecResult, type ProcessIdentity } from "../../src/services/Exec.ts"
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

/** What runs in a VM; made anew with each VM. */
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

/** A VM, or half of one. */
export interface SimulatedVm {
  readonly name: string
  readonly uuid: string
  status: "stopped" | "running"
  isWhole: boolean
  bootedAt: number
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

/** A machine, by its name. */
export class Machine {
  readonly name: string
  readonly vms = new Map<string, SimulatedVm>()
  /** Tags of the templates that are here. */
  readonly tags = new Map<string, Set<string>>()
  /** Tags of the templates in the registry. */
  readonly registry: ReadonlyMap<string, ReadonlyArray<string>>
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
    this.registry = registry
  }

  private get kernel(): Kernel {
    return this.parts.kernel
  }
  private get chance(): Chance {
    return this.parts.chance
  }

  /** VMs that count for Apple. */
  running(): number {
    return [...this.vms.values()].filter(({ status }) => status === "running").length
  }
  /** VMs that are ours by their names. */
  ours(): ReadonlyArray<SimulatedVm> {
    return [...this.vms.values()].filter(({ name }) => name.startsWith(VM_PREFIX))
  }
  pulls(): number {
    return [...this.processes.values()].filter(({ isAlive, line }) => isAlive && line.startsWith("registry")).length
  }

  /** Everything ends; VMs stay on the disk, stopped. */
  losePower(): void {
    for (const it of this.processes.values()) this.end(it, NOTHING, true)
    for (const vm of this.vms.values()) this.halt(vm, "power loss")
  }

  /** A VM dies inside. */
  crash(vm: SimulatedVm): void {
    this.halt(vm, "it crashed")
  }

  private halt(vm: SimulatedVm, why: string): void {
    if (vm.status === "running") this.parts.watcher.vmEnds(this, vm, why)
    vm.status = "stopped"
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
            const it = this.spawn(line, options.stdin ?? "")
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

  private spawn(line: string, stdin: string): Process {
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
      this.perform(it, line, stdin, { say, ok: () => failed(1, "internal error"), failed })
      return it
    }
    this.perform(it, line, stdin, { say, ok, failed })
    return it
  }

  private perform(
    it: Process,
    line: string,
    stdin: string,
    answer: {
      readonly say: (code: number, stdout: string, stderr?: string) => void
      readonly ok: (body?: unknown) => void
      readonly failed: (code: number, message: string) => void
    }
  ): void {
    const { kernel, chance, parts } = this
    const { ok, failed, say } = answer
    const words = line.split(" ")
    const [verb = ""] = words
    /** Do something after a while, unless killed before. */
    const then = (least: number, most: number, act: () => void) =>
      void kernel.after(chance.between(least, most), () => {
        if (it.isAlive) act()
      })
    const missing = (name: string) => failed(3, `${name}: not found`)
    switch (verb) {
      case "version":
        return then(20, 200, () => ok({ product: "Anka Build", version: "3.9.1" }))
      case "license":
        return then(20, 200, () => ok({ status: "valid", license_type: "com.veertu.anka.entplus" }))
      case "list":
        return then(50, 800, () => ok([...this.vms.values()].map(({ uuid, name, status }) => ({ uuid, name, status }))))
      case "show": {
        const [, name = "", what] = words
        return then(50, 500, () => {
          const tags = this.tags.get(name)
          if (what === "tag") return tags === undefined ? missing(name) : ok([...tags].map((tag) => ({ tag })))
          const vm = this.vms.get(name)
          if (vm !== undefined) return ok({ uuid: vm.uuid, name, status: vm.status })
          return tags === undefined
            ? missing(name)
            : ok({ uuid: name, name, status: "stopped", version: [...tags].at(-1) ?? "" })
        })
      }
      case "pull":
        return then(100, 1000, () => ok({ size: 1000, cached: 0, available: 10 ** 12 }))
      case "registry": {
        const name = words.at(-1) ?? ""
        const asked = words.indexOf("--tag")
        const tag = asked === -1 ? this.registry.get(name)?.at(-1) : words[asked + 1]
        if (tag === undefined || !(this.registry.get(name) ?? []).includes(tag)) {
          return then(100, 1000, () => failed(3, `${name}: not found`))
        }
        parts.watcher.vmsChanged(this)
        return then(this.pullTakes * 0.5, this.pullTakes, () => {
          this.tags.set(name, (this.tags.get(name) ?? new Set()).add(tag))
          ok()
        })
      }
      case "clone": {
        const name = words.at(-1) ?? ""
        const template = words.at(-2) ?? ""
        return then(50, 300, () => {
          if (!this.tags.has(template)) return missing(template)
          if (this.vms.has(name)) return failed(18, `${name}: already exists`)
          const vm: SimulatedVm = {
            name,
            uuid: `uuid-${name}`,
            status: "stopped",
            isWhole: false,
            bootedAt: 0,
            guest: parts.guest(this, name)
          }
          it.killed = () => {
            // half a clone stays, or nothing does
            if (chance.happens(0.5)) this.vms.delete(name)
          }
          this.vms.set(name, vm)
          parts.watcher.cloned(this, name)
          parts.watcher.vmsChanged(this)
          then(500, 4000, () => {
            it.killed = undefined
            vm.isWhole = true
            ok()
          })
        })
      }
      case "start": {
        const vm = this.vms.get(words[1] ?? "")
        return then(500, 5000, () => {
          if (vm === undefined || !this.vms.has(vm.name)) return missing(words[1] ?? "")
          if (!vm.isWhole) return failed(1, "failed to start: the image is not complete")
          if (vm.status === "running") return ok()
          if (this.running() >= 2) return failed(1, "maximum number of running instances exceeded")
          vm.status = "running"
          vm.bootedAt = kernel.now + chance.between(5_000, 30_000)
          parts.watcher.vmsChanged(this)
          ok()
        })
      }
      case "run": {
        const name = words[1] ?? ""
        const vm = this.vms.get(name)
        if (vm === undefined) return then(50, 200, () => say(1, "", `anka: ${name}: not found`))
        return then(100, 800, () => {
          if (vm.status !== "running" || kernel.now < vm.bootedAt) return say(125, "", "anka: communication error")
          let isOver = false
          const reply = (code: number, stdout = "", stderr = "") => {
            if (isOver || !it.isAlive) return
            isOver = true
            say(code, stdout, stderr)
          }
          vm.guest.run(words.slice(2).join(" "), stdin, reply)
          // a VM that goes takes its commands with it
          const wait = () =>
            void kernel.after(5_000, () => {
              if (isOver || !it.isAlive) return
              if (this.vms.get(name) !== vm || vm.status !== "running")
                return reply(125, "", "anka: communication broken")
              wait()
            })
          wait()
        })
      }
      case "cp":
        return then(100, 1000, () => {
          const name = words.at(-1)?.split(":")[0] ?? ""
          return this.vms.get(name)?.status === "running" ? ok() : missing(name)
        })
      case "stop":
        return then(200, 2000, () => {
          const vm = this.vms.get(words.at(-1) ?? "")
          if (vm === undefined) return missing(words.at(-1) ?? "")
          this.halt(vm, "anka stop")
          ok()
        })
      case "delete":
        return then(200, 3000, () => {
          const name = words.at(-1) ?? ""
          const vm = this.vms.get(name)
          if (vm === undefined) {
            if (!this.tags.delete(name)) return missing(name)
            return ok()
          }
          this.halt(vm, "anka delete")
          this.vms.delete(name)
          parts.watcher.vmsChanged(this)
          ok()
        })
      default:
        return then(10, 20, () => failed(2, `${line}: unknown command`))
    }
  }
}
