/** A simulated host for the doctor: one on which all is well, what can be made wrong with it, and what the doctor says. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "vitest"
import { targetOf } from "../../src/services/Release.ts"
import { alter } from "../../src/simulator/anka/host.ts"
import type { Host as AnkaState, Vm } from "../../src/simulator/anka/state.ts"
import { start as startReleases } from "../release/offers.ts"
import { certificates, type RedisServer, start as startRedis } from "../store/server.ts"
import { type Lab, type LabOptions, make, type Ran, TOKEN } from "../whole/lab.ts"

/** A password that appears in no output of the doctor. */
export const PASSWORD = "redis-CANARYdeadbeef43"

/** A VM named as Anklet names its own. */
export const ORPHAN = "anklet-vm-11111111-1111-4111-8111-111111111111"

/** A finding, as `anklet doctor --json` prints it. */
export interface Found {
  readonly id: string
  readonly level: string
  readonly what: string
  readonly why: string
  readonly remedy: string
  readonly fix?: string
  readonly outcome?: { readonly mended: boolean; readonly said: string }
}

/** What the doctor has said. */
export interface Examined {
  readonly code: number
  readonly found: ReadonlyArray<Found>
  readonly totals: Readonly<Record<string, number>>
  /** The finding with this id. */
  readonly of: (id: string) => Found | undefined
}

/** Findings that are worse than a note. */
export const bad = (found: ReadonlyArray<Found>): ReadonlyArray<Found> =>
  found.filter(({ level }) => level === "problem" || level === "warning")

/** Headers of GitHub's rate limit with most of it left. */
const RATE_LIMIT = {
  "x-ratelimit-limit": "5000",
  "x-ratelimit-remaining": "4000",
  "x-ratelimit-reset": String(Math.ceil(Date.now() / 1000) + 1800)
}

/** The doctor's host. */
export class Host {
  readonly lab: Lab

  constructor(lab: Lab) {
    this.lab = lab
  }

  /** The folder of programs that stand in for the system's. */
  private get programs(): string {
    return join(this.lab.folder, "programs")
  }

  /** The environment of everything that runs on this host. */
  get env(): Readonly<Record<string, string>> {
    return { ...this.lab.env, PATH: `${this.programs}:${this.lab.env.PATH}` }
  }

  /** Put a Bash script in the place of one of the system's programs. */
  standIn(name: string, ...lines: ReadonlyArray<string>): void {
    mkdirSync(this.programs, { recursive: true })
    const path = join(this.programs, name)
    writeFileSync(path, `${["#!/bin/bash", ...lines].join("\n")}\n`)
    chmodSync(path, 0o755)
  }

  /** Let the volume of the images have this much free, in GiB. */
  leaveFree(gib: number): void {
    this.standIn(
      "df",
      "echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'",
      `echo '/dev/disk3s5 976490576 200 ${gib * 2 ** 20} 1% /Volumes/Data of Anka'`
    )
  }

  /** Change the simulated `anka`. */
  alterAnka(change: (anka: AnkaState) => void): void {
    alter(this.lab.host, change)
  }

  /** Add a VM to the library. */
  addVm(name: string, status: Vm["status"] = "running", more: Partial<Vm> = {}): void {
    this.alterAnka(({ vms }) => {
      vms.push({ uuid: `uuid-of-${name}`, name, status, tags: [], created: "", accessed: "", ...more })
    })
  }

  /** Replace a part of the config. */
  rewrite(from: string | RegExp, to: string): void {
    writeFileSync(this.lab.config, readFileSync(this.lab.config, "utf8").replace(from, to))
  }

  /** Path of one of the GitHub plugin's scripts; its folder is made. */
  script(name: string): string {
    const folder = join(this.lab.home, ".config/anklet/plugins/github")
    mkdirSync(folder, { recursive: true })
    return join(folder, name)
  }

  /** Add a service whose plugin comes from disk, and is examined by this expression. */
  addPlugin(examine: string): void {
    const folder = join(this.lab.home, ".config/anklet/plugins/mine")
    mkdirSync(folder, { recursive: true })
    const members = `name: "mine", config: Schema.Struct({}), run: () => Effect.void, examine: () => ${examine}`
    writeFileSync(join(folder, "index.mjs"), `export default ({ Effect, Schema }) => ({ ${members} })`)
    writeFileSync(this.lab.config, `${readFileSync(this.lab.config, "utf8")}  - name: MINE\n    plugin: mine\n`)
  }

  /** Let the config name a server of releases whose newest one is this. */
  async findReleases(version: string): Promise<void> {
    const tls = certificates(this.lab.folder)
    const server = await startReleases(tls)
    open.push(server)
    server.offer({ [`anklet-${version}-${targetOf(process.platform, process.arch)}`]: "" })
    const keys = join(this.lab.folder, "keys.pem")
    writeFileSync(keys, server.keys.pem)
    this.rewrite("services:", `ca: ${tls.ca}\nupdate: { url: "${server.url}", keys: "${keys}" }\nservices:`)
  }

  /** Let GitHub send these headers with the state of the rate limit. */
  answerRateLimit(headers: Record<string, string>): void {
    this.lab.github.faults.push({
      path: "/rate_limit",
      answer: { status: 200, headers: { ...RATE_LIMIT, ...headers }, body: "{}" }
    })
  }

  /** Turn the host into a Mac of which macOS's own programs tell nothing bad. */
  becomeMac(): void {
    this.standIn("sw_vers", "echo 15.6.1")
    this.standIn("id", 'case "$1" in -un) echo ci ;; -u) echo 501 ;; esac')
    this.standIn("stat", "echo ci")
    this.standIn("pmset", "echo ' sleep                0'", "echo ' autorestart          1'")
    this.standIn("security", 'echo "Keychain \\"$2\\" no-timeout" >&2')
    this.standIn("ps", "echo /sbin/launchd")
    this.standIn("defaults", 'case "$3" in autoLoginUser) echo ci ;; *) exit 1 ;; esac')
    this.standIn("plutil", 'exec tail -n +1 "$5"')
    this.standIn("launchctl", 'case "$2" in system) echo "services = {"; echo "}" ;; esac')
    this.writeAgent({})
  }

  /** Write the user's LaunchAgent with these keys changed, as JSON, which the stand-in of `plutil` takes. */
  writeAgent(keys: Record<string, unknown>): void {
    const folder = join(this.lab.home, "Library", "LaunchAgents")
    mkdirSync(folder, { recursive: true })
    const usual = {
      Label: "com.example.anklet",
      ProgramArguments: ["/usr/local/bin/anklet", "--attach"],
      ExitTimeOut: 180,
      KeepAlive: { SuccessfulExit: false }
    }
    writeFileSync(join(folder, "com.example.anklet.plist"), JSON.stringify({ ...usual, ...keys }))
  }

  /** Run Anklet with this host's config. */
  anklet(...args: ReadonlyArray<string>): Promise<Ran> {
    return this.lab.run(["-c", this.lab.config, ...args], { env: { PATH: this.env.PATH ?? "" } }).done
  }

  /** Ask the doctor. Its answer never contains a secret. */
  async doctor(...args: ReadonlyArray<string>): Promise<Ran> {
    const ran = await this.anklet("doctor", ...args)
    for (const secret of [TOKEN, PASSWORD]) assert.notInclude(ran.stdout + ran.stderr, secret)
    return ran
  }

  /** Ask the doctor for its findings. */
  async examine(...args: ReadonlyArray<string>): Promise<Examined> {
    const ran = await this.doctor("--json", ...args)
    const { findings, totals } = JSON.parse(ran.stdout)
    const found: ReadonlyArray<Found> = findings
    return { code: ran.code, found, totals, of: (id) => found.find((finding) => finding.id === id) }
  }
}

/** What has to end with the test, from the last to the first. */
const open: Array<{ readonly close: () => Promise<unknown> }> = []

/** A host on which all is well, except that no daemon runs yet. `closeAll` removes it. */
export const healthy = async (options: LabOptions = {}): Promise<Host> => {
  const lab = await make(options)
  open.push(lab)
  chmodSync(lab.config, 0o600)
  lab.world.repositories.add("veertuinc/anklet")
  const host = new Host(lab)
  host.leaveFree(400)
  return host
}

/** A Redis with `PASSWORD`, and with this answer to a full memory. `closeAll` ends it. */
export const redisServer = async (policy = "noeviction"): Promise<RedisServer> => {
  const server = await startRedis({ password: PASSWORD, lines: [`maxmemory-policy ${policy}`] })
  open.push(server)
  return server
}

/** End all hosts and servers. */
export const closeAll = async (): Promise<void> => {
  for (let one = open.pop(); one !== undefined; one = open.pop()) await one.close()
}
