/** Many simulated Macs, one GitHub, one Redis: each Mac with a home, an `anka` and a daemon of its own. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Journal from "../../src/services/Journal.ts"
import { apply, Entry, empty, entriesOf } from "../../src/services/Ledger.ts"
import { clones, createHost, type HostSpec } from "../../src/simulator/anka/host.ts"
import { start as startGitHub } from "../../src/simulator/github/server.ts"
import { isAlive, LABELS, TEMPLATE, TOKEN, until } from "./lab.ts"
import { endAllIn, run } from "./processes.ts"
import { PROGRAM } from "./program.ts"

export interface FleetOptions {
  readonly macs: number
  /** Lines of `database:` in the services of a Mac. */
  readonly database: (mac: number) => ReadonlyArray<string>
  readonly services?: number
  readonly interval?: number
  readonly host?: Partial<HostSpec>
  readonly env?: (mac: number) => Record<string, string>
}

/** Makes a fleet; no daemon is running yet. */
export const make = async ({ macs: count, database, services = 2, interval = 1, host, env: more }: FleetOptions) => {
  const folder = mkdtempSync(join(tmpdir(), "anklet-fleet-"))
  const github = await startGitHub()
  github.world.repositories.add("veertuinc/anklet")
  const ran = join(folder, "ran")
  writeFileSync(ran, "")

  const macOf = (index: number) => {
    const home = join(folder, `mac-${index}`)
    const at = (...parts: ReadonlyArray<string>) => join(home, ...parts)
    for (const path of ["home", "logs", "work"]) mkdirSync(at(path), { recursive: true })
    const { bin } = createHost({
      home: at("host"),
      anklet: PROGRAM,
      templates: [{ uuid: TEMPLATE, tags: ["v1"] }],
      registry: [{ uuid: TEMPLATE, tags: ["v1"] }],
      ...host
    })
    const lines = [
      `work_dir: ${at("work")}`,
      `pid_file_dir: ${at("pid")}`,
      `state_dir: ${at("state")}`,
      "log:",
      `  file_dir: ${at("logs")}`,
      "services:",
      ...Array.from({ length: services }, (_, n) => [
        `  - name: RUNNER${n + 1}`,
        "    plugin: github",
        `    token: ${TOKEN}`,
        "    registration: repo",
        "    owner: veertuinc",
        "    repo: anklet",
        `    api_url: ${github.url}`,
        `    sleep_interval: ${interval}`,
        "    database:",
        "      enabled: true",
        ...database(index).map((line) => `      ${line}`)
      ]).flat()
    ]
    const config = at("config.yml")
    writeFileSync(config, `${lines.join("\n")}\n`, { mode: 0o600 })
    const env = {
      PATH: `${bin}:${process.env.PATH}`,
      HOME: at("home"),
      TMPDIR: at("work"),
      LOG_LEVEL: "DEBUG",
      ...more?.(index)
    }
    const anklet = (...args: ReadonlyArray<string>) => run([...PROGRAM, "-c", config, ...args], { cwd: home, env }).done
    const pid = (): number => {
      const file = at("pid", "anklet.pid")
      return existsSync(file) ? Number(readFileSync(file, "utf8").split("\n")[0]) : 0
    }
    const logFile = at("logs", "anklet.log")
    return {
      index,
      home,
      config,
      env,
      anklet,
      pid,
      isUp: () => pid() > 0 && isAlive(pid()),
      start: async () => {
        const { code, stderr } = await anklet()
        if (code !== 0) throw new Error(`mac ${index} did not start: ${stderr}`)
      },
      signal: (signal: NodeJS.Signals) => {
        if (pid() > 0 && isAlive(pid())) process.kill(pid(), signal)
      },
      kill: async () => {
        const dying = pid()
        if (dying > 0 && isAlive(dying)) process.kill(dying, "SIGKILL")
        await until(`mac ${index} is dead`, () => !isAlive(dying))
      },
      log: (): ReadonlyArray<Record<string, unknown>> =>
        existsSync(logFile)
          ? readFileSync(logFile, "utf8")
              .split("\n")
              .filter(Boolean)
              .map((line) => JSON.parse(line))
          : [],
      /** Files that its daemon has written. */
      files: () =>
        ["logs", "pid", "state", "work"].flatMap((folder) =>
          existsSync(at(folder))
            ? readdirSync(at(folder), { withFileTypes: true, recursive: true })
                .filter((entry) => entry.isFile())
                .map((entry) => join(entry.parentPath, entry.name))
            : []
        ),
      vms: () => clones(at("host")).map(({ name }) => name),
      owes: () => {
        const file = at("state", "ledger.jsonl")
        return existsSync(file) ? entriesOf(Journal.parse(Entry, readFileSync(file)).records.reduce(apply, empty)) : []
      }
    }
  }
  const macs = Array.from({ length: count }, (_, index) => macOf(index))

  return {
    folder,
    github,
    macs,
    /** Queues this many jobs, five to a run; each writes its number into one file when it runs. */
    queue: (jobs: number, step = "true") => {
      const ids: Array<number> = []
      for (let left = jobs; left > 0; left -= 5) {
        const run = github.world.queue({
          owner: "veertuinc",
          repo: "anklet",
          jobs: Array.from({ length: Math.min(left, 5) }, (_, n) => ({
            labels: [...LABELS, `unique-id:${n}`],
            name: `leg ${n}`,
            steps: [`echo $GITHUB_RUN_ID:${n} >> ${ran}; ${step}`]
          }))
        })
        ids.push(...run.jobs.map(({ id }) => id))
      }
      return ids
    },
    /** The jobs that ran, listed once for each time. */
    ran: () => readFileSync(ran, "utf8").split("\n").filter(Boolean),
    completed: (ids: ReadonlyArray<number>) => ids.filter((id) => github.world.job(id).status === "completed").length,
    left: () => ({
      vms: macs.flatMap((mac) => mac.vms()),
      runners: [...github.world.runners.values()].map(({ name }) => name),
      owes: macs.flatMap((mac) => mac.owes())
    }),
    close: async () => {
      await endAllIn(folder)
      await github.close()
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    }
  }
}

/** One of its Macs. */
export type Mac = Fleet["macs"][number]

export type Fleet = Awaited<ReturnType<typeof make>>
