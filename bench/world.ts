/** Daemons to measure: each with a home of its own, on a simulated host, polling a simulated GitHub. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createHost } from "../src/simulator/anka/host.ts"
import { type SimulatedGitHub, start as startGitHub } from "../src/simulator/github/server.ts"
import { PROGRAM } from "../test/whole/program.ts"

export const TEMPLATE = "d792c6f6-198c-470f-9526-9c998efe7ab4"
const OWNER = "acme"

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits until a condition holds, checking it often. */
export const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await wait(1)
}

export const folder = mkdtempSync(join(tmpdir(), "anklet-bench-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))

/** Memory in KiB, and CPU time of all threads in seconds. */
export interface Use {
  readonly resident: number
  readonly private: number
  readonly cpu: number
}

/** The current memory and CPU time of a process. Linux only. */
export const useOf = (pid: number): Use => {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")
  const field = (name: string) => Number(rollup.match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))?.[1] ?? 0)
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return {
    resident: field("Rss"),
    private: field("Anonymous"),
    cpu: (Number(ticks[11]) + Number(ticks[12])) / 100
  }
}

/** A call of `anka`. */
export interface AnkaCall {
  /** When it began, in milliseconds since the epoch. */
  readonly at: number
  /** Whether it makes a VM. Everything before the first such call only asks. */
  readonly isClone: boolean
}

/** A running daemon, its GitHub, and its host. */
export interface Daemon {
  readonly child: ChildProcess
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly github: SimulatedGitHub
  readonly repositories: ReadonlyArray<string>
  /** Its calls of `anka`, the oldest first. */
  readonly ankaCalls: () => ReadonlyArray<AnkaCall>
  readonly queue: (repository?: string) => ReturnType<SimulatedGitHub["world"]["queue"]>["jobs"][number]
  readonly stop: () => Promise<void>
}

/** How to start a daemon. */
export interface Setup {
  readonly services: number
  readonly repositories?: number
  /** Interval between two polls, in seconds. */
  readonly interval: number
  /** Whether its `anka` answers the queries of every start at once. */
  readonly isQuick?: boolean
  /** Lines of `database:`, for Macs that also share a GitHub. */
  readonly shared?: { readonly github: SimulatedGitHub; readonly database: ReadonlyArray<string> }
}

/** What every start asks `anka`. */
const QUESTIONS = ["-j version", "-j license show", "-j list"]

let made = 0

/** Starts a daemon. */
export const daemon = async ({
  services,
  repositories: many = 1,
  interval,
  shared,
  isQuick = false
}: Setup): Promise<Daemon> => {
  const home = join(folder, `mac-${++made}`)
  mkdirSync(home)
  const github = shared?.github ?? (await startGitHub())
  const repositories = Array.from({ length: many }, (_, n) => `app-${n + 1}`)
  for (const repository of repositories) github.world.repositories.add(`${OWNER}/${repository}`)
  const { bin } = createHost({
    home: join(home, "host"),
    anklet: PROGRAM,
    templates: [{ uuid: TEMPLATE, tags: ["v1"] }],
    // slots for as many VMs as there are services: the daemon's own limit stays
    host: { takes: { clone: 5, start: 5, boot: 50, ip: 20, pull: 50, delete: 5, stop: 20 } }
  })
  // the simulated anka takes as long to start as Node: the time of a call is written before it
  const door = join(home, "bin")
  const log = join(home, "anka.calls")
  mkdirSync(door)
  const answers = QUESTIONS.map((question) => {
    const { stdout } = spawnSync(join(bin, "anka"), question.split(" "), { encoding: "utf8" })
    return `${JSON.stringify(question)}) cat <<'ANSWER'\n${stdout.trim()}\nANSWER\nexit;;`
  })
  writeFileSync(
    join(door, "anka"),
    [
      "#!/bin/sh",
      'case " $* " in *" clone "*) verb=clone ;; *) verb=other ;; esac',
      `date "+%s%N $verb" >> '${log}'`,
      ...(isQuick ? ['case "$*" in', ...answers, "esac"] : []),
      `exec '${bin}/anka' "$@"\n`
    ].join("\n")
  )
  chmodSync(join(door, "anka"), 0o755)
  appendFileSync(log, "")
  const config = join(home, "config.yml")
  const service = (n: number) => [
    `  - name: RUNNER${n + 1}`,
    "    plugin: github",
    "    token: github_pat_bench",
    "    registration: repo",
    `    owner: ${OWNER}`,
    `    repo: ${repositories[n % many]}`,
    `    api_url: ${github.url}`,
    `    sleep_interval: ${interval}`,
    ...(shared === undefined
      ? []
      : ["    database:", ...["enabled: true", ...shared.database].map((it) => `      ${it}`)])
  ]
  const lines = [
    `work_dir: ${home}`,
    `pid_file_dir: ${home}`,
    `state_dir: ${home}/state`,
    `log:\n  file_dir: ${home}`,
    "services:",
    ...Array.from({ length: services }, (_, n) => service(n)).flat()
  ]
  writeFileSync(config, `${lines.join("\n")}\n`)
  const startedAt = Date.now()
  const child = spawn(PROGRAM[0], [...PROGRAM.slice(1), "daemon", config], {
    env: { PATH: `${door}:${process.env.PATH}`, HOME: home, TMPDIR: home },
    stdio: "ignore"
  })
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()))
  return {
    child,
    pid: child.pid ?? 0,
    startedAt,
    github,
    repositories,
    ankaCalls: () =>
      readFileSync(log, "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => {
          const [nanos = "0", verb] = line.split(" ")
          return { at: Number(BigInt(nanos) / 1000n) / 1000, isClone: verb === "clone" }
        }),
    queue: (repo = repositories[0] ?? "") => {
      const labels = [`anka-template:${TEMPLATE}`, "anka-template-tag:v1", "run-id:{run_id}", "unique-id:1"]
      const [job] = github.world.queue({ owner: OWNER, repo, jobs: [{ labels, steps: ["true"] }] }).jobs
      if (job === undefined) throw new Error("no job was queued")
      return job
    },
    stop: async () => {
      child.kill("SIGTERM")
      await ended
      if (shared === undefined) await github.close()
    }
  }
}

/** Waits until the first poll of GitHub has arrived. */
export const isUp = ({ github }: Daemon): Promise<void> => until(() => github.log.length > 0)

/** Waits until a job has ended and its runner is gone. */
export const isOver = async ({ github }: Daemon, id: number): Promise<void> => {
  while (github.world.job(id).status !== "completed" || github.world.runners.size > 0) {
    github.world.tick()
    await wait(20)
  }
}

/** Number of requests charged to the rate limit. */
export const charged = ({ log }: SimulatedGitHub): number => log.reduce((sum, { cost }) => sum + cost, 0)

/** Whether this machine reports what a process uses. */
export const canMeasure = existsSync("/proc/self/smaps_rollup")
