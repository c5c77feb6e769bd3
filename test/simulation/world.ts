/** A simulated history: the plan of a seed, run over the production fibers, and what became of every job. */
import { crc32 } from "node:zlib"
import * as Duration from "effect/Duration"
import { globalValue } from "effect/GlobalValue"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { JobKey } from "../../src/domain/Job.ts"
import type { Job as ServerJob } from "../../src/simulator/github/world.ts"
import { Disk } from "./disk.ts"
import { FORGE, Forge } from "./forge.ts"
import { SimulatedHost, wasTold } from "./host.ts"
import { BEGINNING, Chance, Kernel } from "./kernel.ts"
import { calm, Machine } from "./machine.ts"
import { Network } from "./network.ts"
import { type Fault, type FaultKind, HOUR, type Plan } from "./plan.ts"
import { type Known, Promises, Violation } from "./promises.ts"
import { guestsOf } from "./scripts.ts"
import { SimulatedStore, STORE } from "./store.ts"

/**
 * Maximum time after the last fault until everything is done, in milliseconds, in addition to the duration of the jobs.
 */
const QUIET = HOUR
/** Maximum duration of a stop, in milliseconds: if nothing else is wrong, and in any case. */
const STOP_WITHIN = { peaceful: 2 * 60_000, most: 10 * 60_000 }
/** launchd restarts a daemon that ended by itself. */
const RESTART_AFTER = 10_000

/** The result of a history. */
export interface Report {
  readonly seed: number
  readonly violation: Violation | undefined
  /** Always the same for the same plan. */
  readonly hash: string
  readonly hours: number
  readonly jobs: number
  readonly conclusions: Readonly<Record<string, number>>
  readonly faults: Readonly<Partial<Record<FaultKind | "lost message" | "late message" | "doubled message", number>>>
  readonly claims: number
  /** Number of announced jobs that were applied by a shared store, by what was known of them. */
  readonly announced: Readonly<Record<Known, number>>
  readonly events: number
  /** Time from the last fault, or from a host's death, to the moment when nothing was left, in milliseconds. */
  readonly recovery: number
  readonly trace: ReadonlyArray<string>
}

/**
 * What happens to a host at one of its effects: it is killed in one of several ways, or pauses for longer than its
 * lease, or gets a request to leave.
 */
export type Death = "restarted" | "restarted late" | "power loss" | "never returns" | "frozen" | "stopped" | "drained"

export interface Options {
  /** Asks every host for its metrics, at this interval in milliseconds. */
  readonly scrapes?: {
    readonly every: number
    /** `at` in milliseconds after the beginning; no text from a host that does not answer. */
    readonly told: (at: number, host: string, text: string | undefined) => void
  }
  /** Called when GitHub lists the jobs for a host; `at` in milliseconds after the beginning. */
  readonly listed?: (at: number, host: string) => void
  /** Keeps everything that was logged and done. */
  readonly traced?: boolean
  /**
   * Called at every effect of every host, with the time in milliseconds after the beginning; if it returns an answer,
   * that host dies there.
   */
  readonly point?: (host: string, what: string, at: number) => Death | undefined
}

/** Where the runtime keeps every running fiber without a parent. */
const roots = globalValue(Symbol.for("effect/FiberScope/Global"), () => ({ roots: new Set<unknown>() })).roots

/** Runs a plan. */
export const simulate = (plan: Plan, options: Options = {}): Report => {
  const before = new Set(roots)
  try {
    return carryOut(plan, options)
  } finally {
    // fibers of a killed run never end, and would keep their whole world in memory
    for (const fiber of roots) if (!before.has(fiber)) roots.delete(fiber)
  }
}

const carryOut = (plan: Plan, { traced = false, point, scrapes, listed }: Options): Report => {
  const chance = new Chance(plan.seed + 1_000_003)
  const kernel = new Kernel()
  const lines: Array<string> = []
  let hash = 0
  const trace = (who: string, what: string) => {
    hash = crc32(`${kernel.now} ${who} ${what}`, hash)
    if (traced) lines.push(`${((kernel.now - BEGINNING) / 1000).toFixed(3)} ${who}: ${what}`)
  }
  const network = new Network(kernel, chance, plan.weather)
  const hosts: Array<SimulatedHost> = []
  const byName = (name: string) => hosts.find((host) => host.name === name)
  const promises = new Promises(
    () => forge.world,
    () => kernel.now - BEGINNING
  )
  const conclusions: Record<string, number> = {}
  /** Whether the host may end jobs on its machine. */
  const mayEnd = (machine: Machine) => byName(machine.name)?.leaving?.how === "stop" || machine.mood !== calm
  const forge: Forge = new Forge(kernel, chance, network, {
    listed: (host) => listed?.(kernel.now - BEGINNING, host),
    registered: (runner, host) => {
      trace(host, `registered runner ${runner.name}`)
      promises.registered(runner, host)
    },
    removed: (runner, host) => {
      trace(host, `removed runner ${runner.name}`)
      promises.removed(runner, host, ownerOf)
    },
    online: (runner) => trace(FORGE, `runner ${runner.name} is online`),
    started: (job, runner) => {
      trace(FORGE, `job ${job.id} starts on ${runner.name}`)
      promises.started(job, runner)
    },
    ended: (job: ServerJob) => {
      trace(FORGE, `job ${job.id} ended: ${job.conclusion}`)
      conclusions[job.conclusion ?? ""] = (conclusions[job.conclusion ?? ""] ?? 0) + 1
    },
    untimely: (detail) => {
      throw new Violation("S9", kernel.now - BEGINNING, detail)
    },
    interrupted: (machine, vm, job) => {
      trace(machine.name, `job ${job.id} in ${vm} is interrupted`)
      promises.interrupted(machine, vm, job, mayEnd(machine))
    },
    trace
  })
  const store = new SimulatedStore(kernel, network, {
    asked: (machine, command) => {
      const leaving = byName(machine)?.leaving
      if (command._tag !== "Claim" || leaving === undefined) return
      const since = kernel.now - leaving.at
      // not in the host's own fiber, which would treat it as a failure of its own
      kernel.after(0, () => promises.asked(machine, since))
    },
    applied: (scope, command, before, outcome, now) => {
      if (traced && outcome.state !== before && command._tag !== "Beat") {
        trace(STORE, `${command._tag} of ${command.host}: ${JSON.stringify(outcome.reply).slice(0, 300)}`)
      }
      promises.applied(scope, command, before, outcome, now)
    }
  })
  const scripts = guestsOf(forge, {
    ownerOf: ({ repo, id }) => ownerOf(JobKey.make(`folder:${repo}/${id}`)),
    broken: (detail) => new Violation("S4", kernel.now - BEGINNING, detail)
  })
  const registry = new Map([
    ["here", ["v1"]],
    ["away", ["v1"]]
  ])
  const counts: Partial<Record<FaultKind, number>> = {}

  for (let n = 0; n < plan.hosts; n++) {
    const machine = new Machine(
      `host${n}`,
      {
        kernel,
        chance,
        watcher: {
          vmsChanged: (machine) => promises.vmsChanged(machine),
          cloned: (machine, vm) =>
            promises.cloned(
              machine,
              vm,
              [...HashMap.keys(byName(machine.name)?.owes().vms ?? HashMap.empty())].some((name) => name === vm)
            ),
          vmEnds: (machine, vm, why) => {
            trace(machine.name, `VM ${vm.name} ends: ${why}`)
            promises.vmEnds(machine, vm, why, mayEnd(machine))
          },
          trace
        },
        guest:
          plan.areScripts === true ? scripts : (machine, vm) => forge.guestOf(machine, vm, plan.haveScripts === true)
      },
      registry
    )
    machine.addTemplate("here", ["v1"])
    machine.pullTakes = plan.pullTakes
    const host = new SimulatedHost(
      {
        services: plan.services,
        owner: "o",
        repo: `r${plan.isShared ? n % plan.scopes : n}`,
        beside: plan.isTogether === true ? [`r${(n + 1) % plan.scopes}`] : [],
        areScripts: plan.areScripts === true,
        hasScripts: plan.haveScripts === true,
        holds: plan.hold === true,
        sleepInterval: Duration.millis(plan.sleepInterval),
        registrationTimeout: plan.registrationTimeout,
        listens: plan.jobs.some(({ deliveries }) => deliveries !== undefined),
        rhythm: plan.isShared
          ? Option.some({ beat: Duration.millis(plan.beat), lease: Duration.millis(plan.lease) })
          : Option.none()
      },
      {
        kernel,
        machine,
        disk: new Disk(machine.name, kernel, chance),
        forge,
        store,
        seed: () => chance.whole(0, 2 ** 31),
        log: traced ? (who, level, message) => trace(who, `${level} ${message}`) : undefined,
        ended: (host, exit) => {
          const { leaving } = host
          trace(host.name, `daemon ends${leaving === undefined ? ` by itself: ${exit}` : ` (${leaving.how})`}`)
          if (leaving === undefined || !wasTold(exit)) kernel.after(RESTART_AFTER, () => host.start())
          if (leaving !== undefined && wasTold(exit) && isPeaceful) promises.ended(host.name, leftOf(host))
          const limit = leaving?.how === "drain" ? DRAIN_WITHIN : isPeaceful ? STOP_WITHIN.peaceful : STOP_WITHIN.most
          const took = kernel.now - (leaving?.at ?? kernel.now)
          if (took > limit)
            throw new Violation("L4", kernel.now - BEGINNING, `${host.name} took ${took} ms to ${leaving?.how}`)
        }
      }
    )
    host.offset = plan.skew === 0 ? 0 : chance.between(-plan.skew, plan.skew)
    hosts.push(host)
    kernel.after(chance.between(0, 60_000), () => host.start())
  }

  for (const [n, job] of plan.jobs.entries()) {
    kernel.after(job.at, () => {
      const labels = ["anka", `anka-template:${job.template}`, "anka-template-tag:v1"]
      const { run, jobs } = forge.world.queue({
        owner: "o",
        repo: `r${job.scope}`,
        jobs: [{ name: `job ${n}`, labels: job.unique ? [...labels, "run-id:{run_id}", `unique-id:${n}`] : labels }]
      })
      for (const { id } of jobs) {
        forge.lasting.set(id, job.lasting)
        trace(FORGE, `job ${id} is queued`)
        const deliver = forge.deliver(id)
        for (const { after, host, as } of job.deliveries ?? []) {
          const to = hosts[host]
          if (to !== undefined) kernel.after(after, () => deliver(to.name, (job) => to.hear?.(job, as)))
        }
      }
      if (job.cancelAt === undefined) return
      kernel.after(job.cancelAt - job.at, () => {
        const open = forge.world.jobsOf(run.id).filter((job) => forge.world.isOpen(job))
        if (open.length === 0) return
        forge.world.cancel(run.id)
        for (const it of open)
          if (forge.world.job(it.id).status === "completed") trace(FORGE, `job ${it.id} is cancelled`)
      })
    })
  }

  const act = (fault: Fault): void => {
    const { _tag: kind } = fault
    if ((kind === "StoreRestart" || (kind === "Partition" && fault.from === "store")) && !plan.isShared) return
    counts[kind] = (counts[kind] ?? 0) + 1
    trace("fault", JSON.stringify(fault))
    const until = (heal: () => unknown) => void ("lasting" in fault && kernel.after(fault.lasting, () => void heal()))
    const host = "host" in fault && typeof fault.host === "number" ? hosts[fault.host] : undefined
    const { health } = forge
    switch (fault._tag) {
      case "Kill":
        host?.kill()
        return until(() => host?.start())
      case "Forget":
        host?.kill()
        host?.forget()
        return until(() => host?.start())
      case "PowerLoss":
        host?.kill()
        host?.lent.machine.losePower()
        host?.lent.disk.losePower()
        return until(() => host?.start())
      case "Freeze": {
        const thaw = host?.freeze()
        return until(() => thaw?.())
      }
      case "Partition": {
        const name = host?.name ?? ""
        network.partition(name, fault.from === "github" ? FORGE : STORE)
        return until(() => network.heal(name, fault.from === "github" ? FORGE : STORE))
      }
      case "StoreRestart":
        store.isDown = true
        return until(() => {
          store.restart(fault.lost)
          promises.forgot()
        })
      case "GitHubDown":
        health.isDown = true
        return until(() => Object.assign(health, { isDown: false }))
      case "GitHubUnsaid":
        health.unsaid = fault.probability
        return until(() => Object.assign(health, { unsaid: 0 }))
      case "GitHubDenies":
        health.denying = fault.probability
        return until(() => Object.assign(health, { denying: 0 }))
      case "Vanish": {
        const { world } = forge
        // the newest one: what has waited long is usually not on any host
        const job = openJobs().at(-1)
        if (job === undefined) return
        const repo = `${job.owner}/${job.repo}`
        if (fault.what === "over") world.end(job.runId, "startup_failure")
        else world.vanish({ job: { job: job.id }, run: { run: job.runId }, repo: { repo } }[fault.what])
        return
      }
      case "GitHubLimited":
        health.limitedUntil = kernel.now + fault.lasting
        return
      case "GitHubStale":
        health.stale = fault.lag
        return until(() => Object.assign(health, { stale: 0 }))
      case "Anka":
        if (host !== undefined) host.lent.machine.mood = fault.mood
        return until(() => {
          if (host !== undefined) host.lent.machine.mood = calm
        })
      case "DiskFull":
        if (host !== undefined) host.lent.disk.isFull = true
        return until(() => {
          if (host !== undefined) host.lent.disk.isFull = false
        })
      case "ClockJump":
        if (fault.host === "store") {
          store.offset += fault.by
          if (fault.by < 0) promises.setBack()
        } else if (host !== undefined) host.offset += fault.by
        return
      case "VmCrash": {
        const vm = host?.lent.machine.ours().find(({ status }) => status === "running")
        if (vm !== undefined) host?.lent.machine.crash(vm)
        return
      }
      case "Stop":
      case "Drain":
        host?.leave(fault._tag === "Stop" ? "stop" : "drain")
        return until(() => {
          // a host that is still leaving is started when it has ended
          const again = () => (host?.life?.isAlive === true ? void kernel.after(5_000, again) : host?.start())
          again()
        })
      case "Runners":
        forge.world.modes.set("*", fault.mode)
        return until(() => void forge.world.modes.delete("*"))
    }
  }
  for (const fault of plan.faults) kernel.after(fault.at, () => act(fault))

  if (scrapes !== undefined) {
    const scrape = () => {
      const at = kernel.now - BEGINNING
      for (const host of hosts) host.scrape((text) => scrapes.told(at, host.name, text))
      kernel.after(scrapes.every, scrape)
    }
    kernel.after(scrapes.every, scrape)
  }

  let died: number | undefined
  kernel.point = (name, what) => {
    const death = point?.(name, what, kernel.now - BEGINNING)
    const host = byName(name)
    if (death === undefined || host === undefined) return
    trace(name, `where ${what}: ${death}`)
    died = kernel.now
    if (death === "frozen") {
      const thaw = host.freeze()
      kernel.after(2.5 * plan.lease, thaw)
      return
    }
    if (death === "stopped" || death === "drained") {
      // not within the step that is being observed
      kernel.after(0, () => host.leave(death === "stopped" ? "stop" : "drain"))
      const again = () => (host.life?.isAlive === true ? void kernel.after(5_000, again) : host.start())
      kernel.after(30_000, again)
      return
    }
    host.kill()
    if (death === "power loss" || death === "never returns") {
      host.lent.machine.losePower()
      host.lent.disk.losePower()
    }
    if (death === "never returns") host.isGone = true
    else kernel.after(death === "restarted" ? 1000 : 2 * plan.lease, () => host.start())
  }

  /** The host that has a job, according to the store. */
  const ownerOf = (key: JobKey): string | undefined => {
    for (const { owned } of store.states.values()) {
      const owner = Option.getOrUndefined(HashMap.get(owned, key))
      if (owner !== undefined) return hosts.find((host) => host.id() === owner.host)?.name
    }
    return undefined
  }
  /** Nothing is wrong except that hosts are stopped. */
  const isPeaceful = plan.weather.lost === 0 && plan.faults.every(({ _tag }) => _tag === "Stop" || _tag === "Drain")

  /** A drain waits for what its host has, and for nothing else. */
  const DRAIN_WITHIN = isPeaceful
    ? Math.max(...plan.jobs.map(({ lasting }) => lasting)) + plan.pullTakes + plan.registrationTimeout * 1000 + 60_000
    : Number.POSITIVE_INFINITY

  const openJobs = () => [...forge.world.jobs.values()].filter((job) => forge.world.isOpen(job))
  const present = () => hosts.filter(({ isGone }) => !isGone)
  /** What a host still holds of jobs. */
  const leftOf = (host: SimulatedHost): ReadonlyArray<string> => {
    const { claims, vms, runners } = host.owes()
    return [
      ...host.lent.machine.ours().map((vm) => `VM ${vm.name} on ${host.name}`),
      ...[...HashMap.keys(claims), ...HashMap.keys(vms), ...HashMap.keys(runners)].map(
        (what) => `the ledger of ${host.name} still has ${what}`
      )
    ]
  }
  /** What should no longer exist. */
  const left = (): ReadonlyArray<string> => [
    ...openJobs().map((job) => `job ${job.id} is ${job.status}`),
    ...present().flatMap(leftOf),
    // GitHub drops the record of an unused runner after a day; nobody else can know of one whose host and job are gone
    ...[...forge.world.runners.values()]
      .filter((runner) => byName(promises.registrantOf(runner) ?? "")?.isGone !== true)
      .map((runner) => `runner ${runner.name}`),
    ...[...store.states.values()].flatMap(({ owned }) => [...HashMap.keys(owned)].map((key) => `claim of ${key}`))
  ]

  let violation: Violation | undefined
  let recovery = 0
  try {
    const end = BEGINNING + plan.lasting
    kernel.run(end)
    trace("world", "quiet from here on")
    const { health } = forge
    Object.assign(health, { isDown: false, unsaid: 0, denying: 0, limitedUntil: 0, stale: 0 })
    const quiet = kernel.now
    let isClean = false
    const look = () => {
      isClean = openJobs().length === 0 && left().length === 0
      if (!isClean) kernel.after(20_000, look)
    }
    look()
    kernel.run(quiet + (plan.hold === true ? 2 : 1) * QUIET, () => isClean)
    recovery = kernel.now - (died ?? quiet)
    if (!isClean) {
      const open = openJobs().filter(({ status }) => status === "queued")
      throw new Violation(open.length > 0 ? "L1" : "L2", kernel.now - BEGINNING, left().join("; "))
    }
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    violation = error
    trace("violation", error.message)
  }
  return {
    seed: plan.seed,
    violation,
    hash: hash.toString(16),
    hours: (kernel.now - BEGINNING) / HOUR,
    jobs: forge.world.jobs.size,
    conclusions,
    faults: {
      ...counts,
      "lost message": network.lost,
      "late message": network.late,
      "doubled message": network.doubled
    },
    claims: promises.claims,
    announced: promises.announced,
    events: kernel.events,
    recovery,
    trace: lines
  }
}
