/** One Mac with constant jobs whose daemon is killed at random moments; then quiet, after which nothing may be left. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { clones, parallelPulls } from "../../src/simulator/anka/host.ts"
import { seeded } from "../services/Coordinator/random.ts"
import { type Lab, make, TEMPLATE, until } from "./lab.ts"
import { endAllIn, processesOf } from "./processes.ts"

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The parameters of a schedule. */
export interface Schedule {
  /** Number of kills that hit a daemon, or one that was starting. */
  readonly kills: number
  readonly seed: number
  /** Number of kills between two times of quiet. */
  readonly batch: number
  /** Called at each quiet, with the number of kills so far. */
  readonly progress?: (line: string) => void
}

/** The result of a schedule. */
export interface Report {
  kills: number
  /** Kills while the host had a VM, while a job of GitHub's ran in one, and while a daemon was starting. */
  withVm: number
  withJob: number
  starting: number
  /** Exit codes of starts, and how often each occurred. */
  starts: Record<string, number>
  jobs: number
  /** How the jobs ended, in GitHub's words. */
  conclusions: Record<string, number>
  /** Seconds from the last kill of a batch until nothing was left. */
  settled: Array<number>
  /** Lines of the log at ERROR. */
  errors: ReadonlyArray<string>
  violations: Array<string>
}

/** Interval between two kills, in milliseconds, at least and at most. */
const GAP = [300, 7000] as const
/** Duration of a job that is not short, in seconds: long enough that most kills hit a running one. */
const LENGTH = [15, 40] as const
/** Tags of the template that only the registry has. */
const TAGS = 100
/** Timeout of a job that nobody cancelled, in milliseconds. */
const SETTLES = 600_000

interface Queued {
  readonly id: number
  readonly run: number
  readonly n: number
  cancelled: boolean
}

/** Queues jobs of all kinds, enough to keep both VM slots busy, until the batch is over. */
const supply = async (lab: Lab, random: () => number, queued: Array<Queued>, isOver: () => boolean) => {
  const ran = join(lab.folder, "ran")
  const cancelling: Array<Promise<void>> = []
  while (!isOver()) {
    const open = queued.filter(({ id }) => lab.world.job(id).status !== "completed")
    if (open.length < 4) {
      const n = queued.length
      const [shortest, longest] = LENGTH
      const seconds = random() < 0.1 ? random() : shortest + random() * (longest - shortest)
      const pulled = random() < 0.25 ? `anka-template-tag:t${n % TAGS}` : "anka-template-tag:v1"
      const pinned = random() < 0.75 ? ["run-id:{run_id}"] : []
      const { run, jobs } = lab.queue({
        labels: ["self-hosted", "anka", `anka-template:${TEMPLATE}`, pulled, ...pinned],
        steps: [`echo begins ${n} >> ${ran}; sleep ${seconds.toFixed(2)}; echo ends ${n} >> ${ran}`]
      })
      const job: Queued = { id: jobs[0]?.id ?? 0, run: run.id, n, cancelled: false }
      queued.push(job)
      if (random() < 0.2) {
        const after = random() * 15_000
        cancelling.push(
          pause(after).then(() => {
            if (lab.world.job(job.id).status === "completed") return
            job.cancelled = true
            lab.world.cancel(job.run)
          })
        )
      }
    }
    await pause(100)
  }
  await Promise.all(cancelling)
}

/** Starts a daemon whenever there is none, as a supervisor does. */
const keep = async (lab: Lab, starts: Record<string, number>, isOver: () => boolean) => {
  while (!isOver()) {
    if (daemonsOf(lab).length === 0) {
      const { code } = await lab.anklet()
      starts[code] = (starts[code] ?? 0) + 1
    }
    await pause(50)
  }
}

/** Processes of the daemon, and of commands that start one. */
const daemonsOf = (lab: Lab) => processesOf((command) => command.includes(lab.config))

/** What must hold at every moment. */
const watch = async (lab: Lab, violations: Array<string>, isOver: () => boolean) => {
  while (!isOver()) {
    const vms = clones(lab.host).length
    if (vms > 2 && !violations.some((it) => it.includes("VMs at once"))) violations.push(`${vms} VMs at once`)
    await pause(100)
  }
}

/** What must hold when it is quiet. */
const judge = (lab: Lab, queued: ReadonlyArray<Queued>): ReadonlyArray<string> => {
  const file = join(lab.folder, "ran")
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : []
  const count = (line: string) => lines.filter((it) => it === line).length
  const left = { ...lab.left(), owes: lab.owes(), folders: readdirSync(join(lab.host, "vms")) }
  return [
    ...queued.flatMap(({ id, n, cancelled }) => {
      const { conclusion, status } = lab.world.job(id)
      const [begins, ends] = [count(`begins ${n}`), count(`ends ${n}`)]
      const is = `job ${n}: ${status}, ${conclusion}, began ${begins} times and ended ${ends} times`
      const isFine = conclusion === "success" ? begins === 1 && ends === 1 : cancelled && begins <= 1 && ends <= 1
      return isFine ? [] : [is]
    }),
    ...Object.entries(left).flatMap(([what, list]) => (list.length === 0 ? [] : [`left: ${what} ${list.join(", ")}`])),
    ...(parallelPulls(lab.host) > 1 ? [`${parallelPulls(lab.host)} pulls at once`] : [])
  ]
}

/** Runs a schedule to its end. */
export const run = async ({ kills, seed, batch, progress = () => {} }: Schedule): Promise<Report> => {
  const random = seeded(seed)
  const registry = [{ uuid: TEMPLATE, tags: ["v1", ...Array.from({ length: TAGS }, (_, n) => `t${n}`)] }]
  const lab = await make({ services: 2, host: { registry, host: { limit: 6 } } })
  const report: Report = {
    kills: 0,
    withVm: 0,
    withJob: 0,
    starting: 0,
    starts: {},
    jobs: 0,
    conclusions: {},
    settled: [],
    errors: [],
    violations: []
  }
  const queued: Array<Queued> = []
  const isRunning = () => queued.some(({ id }) => lab.world.job(id).status === "in_progress")

  const killing = async (until: number) => {
    const [least, most] = GAP
    while (report.kills < until) {
      await pause(least + random() * (most - least))
      const found = daemonsOf(lab)
      if (found.length === 0) continue
      report.kills++
      if (clones(lab.host).length > 0) report.withVm++
      if (isRunning()) report.withJob++
      // the process that started it waits beside it
      if (found.length > 1 || found[0] !== lab.pid()) report.starting++
      for (const pid of found) {
        try {
          process.kill(pid, "SIGKILL")
        } catch {
          // it ended by itself
        }
      }
    }
  }

  try {
    let isEnd = false
    const kept = keep(lab, report.starts, () => isEnd)
    const watched = watch(lab, report.violations, () => isEnd)
    while (report.kills < kills) {
      let isQuiet = false
      const supplied = supply(lab, random, queued, () => isQuiet)
      await killing(Math.min(kills, report.kills + batch))
      isQuiet = true
      const quiet = performance.now()
      await supplied
      await until(
        "all jobs have ended and nothing is left",
        () =>
          queued.every(({ id }) => lab.world.job(id).status === "completed") &&
          lab.left().vms.length + lab.left().runners.length + lab.owes().length === 0,
        SETTLES
      ).catch((error: Error) => report.violations.push(error.message))
      report.settled.push(Math.round((performance.now() - quiet) / 1000))
      progress(`${report.kills} kills, ${queued.length} jobs, settled after ${report.settled.at(-1)} s`)
      report.violations.push(...judge(lab, queued))
      if (report.violations.length > 0) break
    }
    isEnd = true
    await Promise.all([kept, watched])
    const { code } = await lab.anklet("-s", "drain")
    if (code !== 0 && code !== 5) report.violations.push(`the last drain ended with ${code}`)
    if (daemonsOf(lab).length > 0) report.violations.push("a daemon is left")
    report.jobs = queued.length
    for (const { id } of queued) {
      const word = lab.world.job(id).conclusion ?? "none"
      report.conclusions[word] = (report.conclusions[word] ?? 0) + 1
    }
    report.errors = lab.errors().map(({ msg }) => String(msg))
    return report
  } finally {
    if (report.violations.length === 0) await lab.close()
    else {
      await endAllIn(lab.folder)
      progress(`the folder is kept: ${lab.folder}`)
    }
  }
}
