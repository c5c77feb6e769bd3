/** A CI without runners in a simulated world: the jobs of its GitHub, run as scripts in VMs. */
import type { DirectCi, DirectRef } from "../../src/job/DirectCi.ts"
import type { Job } from "../../src/simulator/github/world.ts"
import { FORGE, type Forge } from "./forge.ts"
import type { Guest, Machine } from "./machine.ts"
import type { Violation } from "./promises.ts"

/** What the world knows of hosts. */
export interface Watcher {
  /** The host that has a job, according to the store; undefined where nobody has it, or a host works alone. */
  readonly ownerOf: (job: Job) => string | undefined
  readonly broken: (detail: string) => Violation
}

const labelOf = ({ labels }: Job, name: string) =>
  labels.find((label) => label.startsWith(`${name}:`))?.slice(name.length + 1) ?? ""

/** The CI as seen by one run of one host's daemon. */
export const ciFor = (forge: Forge, host: string, repo: string): DirectCi<never> => {
  const { network, world } = forge
  const ask = <A>(what: string, work: () => A) => network.call(host, FORGE, what, work)
  const find = ({ id }: DirectRef) => world.jobs.get(Number(id))
  return {
    scope: repo,
    poll: ask("GET runs", () =>
      [...world.jobs.values()]
        .filter((job) => job.repo === repo && world.isOpen(job))
        .map((job) => ({
          id: String(job.id),
          createdAt: job.createdAt,
          template: { id: labelOf(job, "anka-template"), tag: labelOf(job, "anka-template-tag") }
        }))
    ),
    state: (ref) =>
      ask("GET job", () => {
        const job = find(ref)
        if (job === undefined) return "gone"
        return job.conclusion === "cancelled" ? "cancelled" : world.isOpen(job) ? "queued" : "completed"
      }),
    script: ({ id }) => ask("GET script", () => ({ bash: `make job ${id}` })),
    finish: (ref, { exitCode }) =>
      ask("POST result", () => {
        const job = find(ref)
        if (job === undefined || !world.isOpen(job)) return
        world.complete(job.id, exitCode === 0 ? "success" : "failure")
        forge.watcher.ended(job)
      })
  }
}

/** A script in a VM. */
interface Running {
  readonly machine: Machine
  readonly job: Job
  isOver: boolean
}

/** What runs in the VMs of a world: the scripts, and nothing else. */
export const guestsOf = (forge: Forge, { ownerOf, broken }: Watcher) => {
  const { kernel, watcher, world } = forge
  const all = new Set<Running>()
  const start = (machine: Machine, vm: string, id: number): Running => {
    const running = { machine, job: world.job(id), isOver: false }
    if ([...all].some((other) => other.machine === machine && other.job === running.job))
      throw broken(`job ${id} runs in two VMs of ${machine.name}`)
    all.add(running)
    watcher.trace(machine.name, `the script of job ${id} starts in ${vm}`)
    return running
  }
  /** Its result counts, and nobody has it: not where another host may run the job, too. */
  const isAwaited = ({ machine, job }: Running) => world.isOpen(job) && [undefined, machine.name].includes(ownerOf(job))
  return (machine: Machine, vm: string): Guest => {
    let script = ""
    let isOn = true
    let running: Running | undefined
    const waiting: Array<() => void> = []
    return {
      isBusy: () => running !== undefined && isAwaited(running),
      end: () => {
        isOn = false
        if (running !== undefined) all.delete(running)
      },
      run: (command, stdin, reply) => {
        if (command === "bash -s") {
          script = stdin.match(/'make job (\d+)'/)?.[1] ?? ""
          return reply(0)
        }
        if (command.includes("start.bash")) {
          if (running !== undefined) return reply(0)
          const begun = start(machine, vm, Number(script))
          running = begun
          kernel.after(forge.lasting.get(begun.job.id) ?? 60_000, () => {
            if (!isOn) return
            begun.isOver = true
            watcher.trace(machine.name, `the script of job ${begun.job.id} ends in ${vm}`)
            for (const tell of waiting.splice(0)) tell()
          })
          return reply(0)
        }
        if (command.includes("for i in {1..")) return reply(running === undefined ? 1 : 0)
        if (command.includes("job.exit")) {
          if (running?.isOver === true) return reply(0, "0\n")
          return void waiting.push(() => reply(0, "0\n"))
        }
        reply(0)
      }
    }
  }
}
