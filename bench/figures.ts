/** The figures of the README, printed as one table: `npm run bench`. Ratios in one run; absolute times differ from machine to machine. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { cpus, tmpdir, totalmem, type } from "node:os"
import { join, resolve } from "node:path"
import Table from "cli-table3"
import { calls, createHost } from "../src/simulator/anka/host.ts"
import { type SimulatedGitHub, start } from "../src/simulator/github/server.ts"

const MAIN = resolve("dist/main.js")
const TEMPLATE = "d792c6f6-198c-470f-9526-9c998efe7ab4"
/** How long the idle daemons are watched, in milliseconds. */
const IDLE = Number(process.argv[2] ?? 60) * 1000
const JOBS = 10

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const median = (values: ReadonlyArray<number>) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const MB = (kib: number) => (kib / 1024).toFixed(1)

const folder = mkdtempSync(join(tmpdir(), "anklet-bench-"))

/** Resident and private memory in KiB, and CPU time in seconds, of a process. */
const measure = (pid: number) => {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")
  const field = (name: string) => Number(rollup.match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))?.[1] ?? 0)
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return { rss: field("Rss"), anon: field("Anonymous"), cpu: (Number(ticks[11]) + Number(ticks[12])) / 100 }
}

const host = join(folder, "host")
const { bin } = createHost({
  home: host,
  anklet: [process.execPath, MAIN],
  templates: [{ uuid: TEMPLATE, tags: ["v1"] }]
})

const daemon = (name: string, services: number, interval: number, github: SimulatedGitHub): ChildProcess => {
  const home = join(folder, name)
  mkdirSync(home)
  const config = join(home, "config.yml")
  writeFileSync(
    config,
    [
      `work_dir: ${home}`,
      `pid_file_dir: ${home}`,
      `state_dir: ${home}/state`,
      `log:\n  file_dir: ${home}`,
      "services:",
      ...Array.from(
        { length: services },
        (_, index) =>
          `  - name: RUNNER${index + 1}\n    plugin: github\n    token: github_pat_bench\n    registration: repo\n    owner: acme\n    repo: app\n    api_url: ${github.url}\n    sleep_interval: ${interval}`
      )
    ].join("\n")
  )
  return spawn(process.execPath, [MAIN, "daemon", config], {
    env: { PATH: `${bin}:${process.env.PATH}`, HOME: home },
    stdio: "ignore"
  })
}

const startUp = (args: ReadonlyArray<string>) =>
  median(
    Array.from({ length: 15 }, () => {
      const from = process.hrtime.bigint()
      spawnSync(process.execPath, args, { stdio: "ignore" })
      return Number(process.hrtime.bigint() - from) / 1e6
    })
  )

const rows: Array<[string, string, string]> = []

// start-up
const bareStart = startUp(["-e", "0"])
const versionStart = startUp([MAIN, "--version"])
rows.push(["start-up: node -e 0", `${bareStart.toFixed(0)} ms`, "1.00"])
rows.push(["start-up: anklet --version", `${versionStart.toFixed(0)} ms`, (versionStart / bareStart).toFixed(2)])

// idle
const two = await start()
const twenty = await start()
for (const github of [two, twenty]) github.world.repositories.add("acme/app")
const bare = spawn(process.execPath, ["-e", "setInterval(() => {}, 1 << 30)"], { stdio: "ignore" })
const idle = [
  ["bare node", bare, undefined],
  ["daemon, 2 services", daemon("two", 2, 10, two), two],
  ["daemon, 20 services", daemon("twenty", 20, 10, twenty), twenty]
] as const
await wait(5000)
const before = idle.map(([, child, github]) => ({ ...measure(child.pid ?? 0), requests: github?.log.length ?? 0 }))
const costBefore = idle.map(([, , github]) => github?.log.reduce((sum, { cost }) => sum + cost, 0) ?? 0)
await wait(IDLE)
const floor = measure(bare.pid ?? 0)
for (const [index, [name, child, github]] of idle.entries()) {
  const now = measure(child.pid ?? 0)
  const cpu = (now.cpu - (before[index]?.cpu ?? 0)) / (IDLE / 60_000)
  rows.push([`idle: ${name}, resident`, `${MB(now.rss)} MB`, (now.rss / floor.rss).toFixed(2)])
  rows.push([`idle: ${name}, private`, `${MB(now.anon)} MB`, (now.anon / floor.anon).toFixed(2)])
  rows.push([`idle: ${name}, CPU`, `${cpu.toFixed(2)} s/min`, ""])
  if (github === undefined) continue
  const hours = IDLE / 3_600_000
  const requests = (github.log.length - (before[index]?.requests ?? 0)) / hours
  const cost = (github.log.reduce((sum, entry) => sum + entry.cost, 0) - (costBefore[index] ?? 0)) / hours
  rows.push([`idle: ${name}, requests`, `${requests.toFixed(0)} per hour`, ""])
  rows.push([`idle: ${name}, charged to the rate limit`, `${cost.toFixed(0)} per hour`, ""])
}
for (const [, child] of idle) child.kill("SIGTERM")
await Promise.all([two.close(), twenty.close()])

// jobs, one after the other
const github = await start()
github.world.repositories.add("acme/app")
const worker = daemon("jobs", 1, 1, github)
await wait(3000)
const pickUps: Array<number> = []
let requests = 0
let charged = 0
for (let index = 0; index < JOBS; index++) {
  // at any moment between two polls
  await wait(100 + ((index * 137) % 1000))
  const from = { requests: github.log.length, cost: github.log.reduce((sum, { cost }) => sum + cost, 0) }
  const known = calls(host).length
  const [job] = github.world.queue({
    owner: "acme",
    repo: "app",
    jobs: [{ labels: [`anka-template:${TEMPLATE}`, "anka-template-tag:v1", "run-id:{run_id}"], steps: ["true"] }]
  }).jobs
  const queuedAt = Date.now()
  while (calls(host).length === known) await wait(2)
  pickUps.push((calls(host)[known]?.at ?? 0) - queuedAt)
  while (job?.status !== "completed") await wait(20)
  while (github.world.runners.size > 0) {
    github.world.tick()
    await wait(20)
  }
  requests += github.log.length - from.requests
  charged += github.log.reduce((sum, { cost }) => sum + cost, 0) - from.cost
}
worker.kill("SIGTERM")
rows.push(["per job: requests (its polls included, at 1 s)", (requests / JOBS).toFixed(1), ""])
rows.push(["per job: charged to the rate limit", (charged / JOBS).toFixed(1), ""])
rows.push([`queued to first anka call, polling at 1 s: median of ${JOBS}`, `${median(pickUps)} ms`, ""])
rows.push([`queued to first anka call, polling at 1 s: longest of ${JOBS}`, `${Math.max(...pickUps)} ms`, ""])
await github.close()

const table = new Table({
  head: ["figure", "measured", "ratio to bare node"],
  style: { head: [], border: [], compact: true }
})
table.push(...rows)
process.stdout.write(`${table.toString()}\n`)
process.stdout.write(
  `${type()}, ${cpus().length} cores (${cpus()[0]?.model}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}; idle for ${IDLE / 1000} s at an interval of 10 s\n`
)
await wait(2000)
rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
process.exit(0)
