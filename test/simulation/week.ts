/** One quiet host for a week, with a job every six minutes: the contents of its memory at the end of each day. */
import { queryObjects } from "node:v8"
import * as Duration from "effect/Duration"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { Disk } from "./disk.ts"
import { Forge } from "./forge.ts"
import { SimulatedHost } from "./host.ts"
import { BEGINNING, Chance, Kernel } from "./kernel.ts"
import { Machine } from "./machine.ts"
import { Network } from "./network.ts"
import { HOUR } from "./plan.ts"
import { Violation } from "./promises.ts"
import { SimulatedStore } from "./store.ts"

const DAYS = 7
const DAY = 24 * HOUR
const JOB_EVERY = HOUR / 10
/** From the fourth day on as much is forgotten as is added: what is finished is kept for two days. */
const STEADY = 3
/** Maximum growth of the number of live objects on any later day. Keeping one for each job would nearly double it by the end. */
const GROWTH = 500

/** The result of a week. */
export interface Week {
  readonly violation: Violation | undefined
  readonly jobs: number
  readonly events: number
  readonly hours: number
  /** Number of live objects after each day. */
  readonly days: ReadonlyArray<number>
}

/** Runs a week. Everything in the world except the daemon forgets what is over, so that any growth is the daemon's. */
export const week = (): Week => {
  const chance = new Chance(1)
  const kernel = new Kernel()
  const ignored = () => {}
  const weather = { lost: 0, late: 0, lateBy: 0, doubled: 0 }
  const network = new Network(kernel, chance, weather)
  let ended = 0
  const forge: Forge = new Forge(kernel, chance, network, {
    ...{ registered: ignored, removed: ignored, online: ignored, started: ignored, interrupted: ignored },
    listed: ignored,
    untimely: ignored,
    ended: () => void ended++,
    trace: ignored
  })
  const machine = new Machine(
    "mac",
    {
      kernel,
      chance,
      watcher: { vmsChanged: ignored, cloned: ignored, vmEnds: ignored, trace: ignored },
      guest: (machine, vm) => forge.guestOf(machine, vm, false)
    },
    new Map([["here", ["v1"]]])
  )
  machine.addTemplate("here", ["v1"])
  const host = new SimulatedHost(
    {
      services: 2,
      owner: "o",
      repo: "r",
      sleepInterval: Duration.seconds(60),
      registrationTimeout: 300,
      listens: false,
      rhythm: Option.none()
    },
    {
      kernel,
      machine,
      disk: new Disk(machine.name, kernel, chance),
      forge,
      store: new SimulatedStore(kernel, network, { applied: ignored, asked: ignored }),
      seed: () => 1,
      log: undefined,
      ended: (_, exit) => {
        throw new Violation("L2", kernel.now - BEGINNING, `the daemon ended: ${exit}`)
      }
    }
  )
  host.start()
  let jobs = 0
  const queue = () => {
    kernel.after(JOB_EVERY, queue)
    // days end with nothing in progress
    if ((kernel.now - BEGINNING) % DAY > DAY - HOUR) return
    const labels = ["anka", "anka-template:here", "anka-template-tag:v1", "run-id:{run_id}", `unique-id:${jobs}`]
    for (const { id } of forge.world.queue({ owner: "o", repo: "r", jobs: [{ name: `job ${jobs++}`, labels }] }).jobs) {
      forge.lasting.set(id, 120_000)
    }
  }
  kernel.after(JOB_EVERY / 2, queue)

  /** GitHub, too, forgets what is over. */
  const forget = () => {
    for (const { id, runId, status } of forge.world.jobs.values()) {
      if (status !== "completed") continue
      forge.world.jobs.delete(id)
      forge.world.runs.delete(runId)
      forge.lasting.delete(id)
    }
    for (const [pid, { isAlive }] of machine.processes) if (!isAlive) machine.processes.delete(pid)
  }

  const days: Array<number> = []
  let violation: Violation | undefined
  try {
    for (let day = 1; day <= DAYS; day++) {
      kernel.run(BEGINNING + day * DAY)
      const { claims, vms, runners } = host.owes()
      if (HashMap.size(claims) + HashMap.size(vms) + HashMap.size(runners) > 0 || ended !== jobs) {
        throw new Violation("L1", kernel.now - BEGINNING, `${jobs - ended} of ${jobs} jobs have not ended`)
      }
      forget()
      kernel.tidy()
      // bytes would not do: the engine's own machine code and lists grow for days
      days.push(queryObjects(Object, { format: "count" }))
      const grown = (days.at(-1) ?? 0) - (days[STEADY - 1] ?? Number.POSITIVE_INFINITY)
      if (grown > GROWTH) {
        throw new Violation("L5", kernel.now - BEGINNING, `${grown} objects were kept: ${days.join(", ")}`)
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof Violation)) throw thrown
    violation = thrown
  } finally {
    host.kill()
  }
  return { violation, jobs, events: kernel.events, hours: (kernel.now - BEGINNING) / HOUR, days }
}
