/** A simulated host and GitHub in a folder of their own, and the built program run in them as its user would. */
import { AsyncLocalStorage } from "node:async_hooks"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Journal from "../../src/services/Journal.ts"
import { apply, Entry, empty, entriesOf } from "../../src/services/Ledger.ts"
import { guestHome, powerOff } from "../../src/simulator/anka/guest.ts"
import { calls, clones, createHost, type HostSpec } from "../../src/simulator/anka/host.ts"
import { type Options, type SimulatedGitHub, start as startGitHub } from "../../src/simulator/github/server.ts"
import { endAllIn, type Ran, run as runProgram, until as untilSo } from "./processes.ts"
import { PROGRAM } from "./program.ts"

export { isAlive, type Ran } from "./processes.ts"

interface Logging {
  readonly log: () => ReadonlyArray<Record<string, unknown>>
}

/** The lab of the test that runs now, if it has made one: tests run at the same time. */
const current = new AsyncLocalStorage<{ lab?: Logging }>()
const open = new Set<Logging>()

/** One that was made in a hook is not always known to the test: then it is the only one. */
const labOfTest = (): Logging | undefined => {
  const mine = current.getStore()?.lab
  if (mine !== undefined && open.has(mine)) return mine
  return open.size === 1 ? [...open][0] : undefined
}

/** The last lines of a daemon's log from INFO up, for a person who must find out why a test failed. */
const lastLines = (log: ReadonlyArray<Record<string, unknown>>): string =>
  log
    .filter(({ level }) => level !== "DEBUG")
    .slice(-40)
    .map((line) => JSON.stringify(line))
    .join("\n")

/** Wait until something is so; fails with the name of the wait, and with what the daemon of this test logged, when it never is. */
export const until: typeof untilSo = async (...wait) => {
  const lab = labOfTest()
  try {
    await untilSo(...wait)
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    throw new Error(lab === undefined ? words : `${words}; the daemon's log ends with\n${lastLines(lab.log())}`)
  }
}

export const TEMPLATE = "d792c6f6-198c-470f-9526-9c998efe7ab4"
export const OTHER = "c0847bc9-5d2d-4dbc-ba6a-240f7ff08032"
export const TOKEN = "github_pat_CANARYdeadbeef42"
export const LABELS = ["self-hosted", "anka", `anka-template:${TEMPLATE}`, "anka-template-tag:v1", "run-id:{run_id}"]

export interface LabOptions {
  readonly host?: Partial<HostSpec>
  readonly github?: Options
  /** Added to every service. */
  readonly service?: string
  readonly services?: number
  readonly env?: Record<string, string>
}

/** Makes a lab. */
export const make = async (options: LabOptions = {}) => {
  // before the first wait, so that it holds for the test that called
  const mine: ReturnType<typeof current.getStore> = {}
  current.enterWith(mine)
  const folder = mkdtempSync(join(tmpdir(), "anklet-lab-"))
  const home = join(folder, "home")
  const host = join(folder, "host")
  const logs = join(folder, "logs")
  for (const path of [home, logs, join(folder, "work")]) mkdirSync(path, { recursive: true })
  const { bin } = createHost({
    home: host,
    anklet: PROGRAM,
    templates: [{ uuid: TEMPLATE, tags: ["v1"] }],
    registry: [
      { uuid: TEMPLATE, tags: ["v1", "v2"] },
      { uuid: OTHER, tags: ["v1"] }
    ],
    ...options.host
  })
  const github: SimulatedGitHub = await startGitHub(options.github)
  // a daemon may poll it before the first job is queued
  github.world.repositories.add("veertuinc/anklet")
  const env: Record<string, string> = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: home,
    TMPDIR: join(folder, "work"),
    LOG_LEVEL: "DEBUG",
    ...options.env
  }
  const configFor = (name: string, services = options.services ?? 1, extra = options.service ?? "") => {
    const file = join(folder, `${name}.yml`)
    const indent = (text: string) =>
      text
        .split("\n")
        .filter(Boolean)
        .map((line) => `    ${line}`)
    const lines = [
      `work_dir: ${join(folder, "work")}`,
      `pid_file_dir: ${join(folder, name)}`,
      `state_dir: ${join(folder, name, "state")}`,
      "log:",
      `  file_dir: ${logs}`,
      "services:",
      ...Array.from({ length: services }, (_, index) => [
        `  - name: RUNNER${index + 1}`,
        "    plugin: github",
        `    token: ${TOKEN}`,
        "    registration: repo",
        "    owner: veertuinc",
        "    repo: anklet",
        `    api_url: ${github.url}`,
        "    sleep_interval: 0.5",
        ...indent(extra)
      ]).flat()
    ]
    writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 })
    return file
  }
  const config = configFor("daemon")

  const run = (
    args: ReadonlyArray<string>,
    given: { readonly env?: Record<string, string>; readonly cwd?: string } = {}
  ) => {
    return runProgram([...PROGRAM, ...args], { cwd: given.cwd ?? folder, env: { ...env, ...given.env } })
  }
  const anklet = (...args: ReadonlyArray<string>): Promise<Ran> => run(["-c", config, ...args]).done
  const logFile = join(logs, "anklet.log")
  const pidFile = join(folder, "daemon", "anklet.pid")
  const pid = () => (existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8").split("\n")[0]) : undefined)

  const lab = {
    folder,
    home,
    host,
    github,
    world: github.world,
    config,
    configFor,
    env,
    run,
    anklet,
    logFile,
    pidFile,
    ledgerFile: join(folder, "daemon", "state", "ledger.jsonl"),
    pid,
    log: (): ReadonlyArray<Record<string, unknown>> =>
      existsSync(logFile)
        ? readFileSync(logFile, "utf8")
            .split("\n")
            .filter(Boolean)
            .map((line) => JSON.parse(line))
        : [],
    errors() {
      return this.log().filter(({ level }) => level === "ERROR")
    },
    /** Queues one run with these jobs. */
    queue: (
      ...jobs: ReadonlyArray<{
        readonly labels?: ReadonlyArray<string>
        readonly steps?: ReadonlyArray<string>
        readonly name?: string
      }>
    ) =>
      github.world.queue({
        owner: "veertuinc",
        repo: "anklet",
        jobs: jobs.map((job) => ({ labels: LABELS, ...job }))
      }),
    /** Lets jobs continue whose step waits for the file `../../go`. */
    letGo: () => {
      for (const vm of readdirSync(join(host, "vms"))) {
        writeFileSync(join(host, "vms", vm, "guest", "actions-runner", "go"), "")
      }
    },
    /** What is left of jobs: VMs, runners, and open entries of the ledger. */
    left: () => ({
      vms: clones(host).map(({ name }) => name),
      runners: [...github.world.runners.values()].map(({ name }) => name)
    }),
    /** The home folder of a VM's user. */
    guestOf: (name: string) =>
      clones(host)
        .filter((vm) => vm.name === name)
        .map(({ uuid }) => guestHome(host, uuid))
        .join(),
    /** Whether a call of `anka` with these words is in progress. */
    began: (words: ReadonlyArray<string>) =>
      calls(host).some(({ argv, until }) => until === undefined && words.every((word) => argv.includes(word))),
    /** What the host still holds according to its ledger. */
    owes: () =>
      entriesOf(
        Journal.parse(Entry, readFileSync(join(folder, "daemon", "state", "ledger.jsonl"))).records.reduce(apply, empty)
      ),
    close: async () => {
      open.delete(lab)
      for (const { uuid } of clones(host)) powerOff(uuid)
      await endAllIn(folder)
      await github.close()
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
    }
  }
  mine.lab = lab
  open.add(lab)
  return lab
}

export type Lab = Awaited<ReturnType<typeof make>>
