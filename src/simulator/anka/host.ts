/** Preparing a simulated host, and reading afterwards what happened on it. */
import { randomUUID } from "node:crypto"
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { templateHome } from "./guest.ts"
import { change, type Fault, type Host, read, type Vm, write } from "./state.ts"

/** A template on the host or in the registry. */
export interface TemplateSpec {
  readonly uuid: string
  readonly name?: string
  readonly tags: ReadonlyArray<string>
  /** Whether GitHub's runner is installed in it; default true. */
  readonly runner?: boolean
  /** Bytes of memory of its VMs; default 4 GiB. */
  readonly memory?: number
}

/** What to prepare. */
export interface HostSpec {
  /** The host's folder; made if need be. */
  readonly home: string
  readonly templates?: ReadonlyArray<TemplateSpec>
  readonly registry?: ReadonlyArray<TemplateSpec>
  /** Anything else, in place of the defaults. */
  readonly host?: Partial<Host>
  /** How the runner stand-in is started: program and arguments in front of `simulate runner`. */
  readonly anklet: ReadonlyArray<string>
}

const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

const script = (path: string, lines: ReadonlyArray<string>) => {
  writeFileSync(path, `${["#!/usr/bin/env bash", ...lines].join("\n")}\n`)
  chmodSync(path, 0o755)
}

const furnish = (folder: string, { runner }: TemplateSpec, anklet: ReadonlyArray<string>) => {
  mkdirSync(folder, { recursive: true })
  if (runner === false) return
  mkdirSync(join(folder, "actions-runner"), { recursive: true })
  script(join(folder, "actions-runner", "run.sh"), [`exec ${anklet.map(quote).join(" ")} simulate runner "$@"`])
}

/** Make a simulated host, and in its folder the command, `bin/anka`. */
export const createHost = (spec: HostSpec): { readonly bin: string } => {
  const { home, templates = [], registry = [], anklet } = spec
  mkdirSync(home, { recursive: true })
  const created = new Date().toISOString().replace(/\.\d+Z$/, "Z")
  for (const template of templates) {
    for (const tag of template.tags) furnish(templateHome(home, template.uuid, tag), template, anklet)
  }
  for (const template of registry) {
    for (const tag of template.tags) {
      furnish(join(home, "registry", template.uuid, encodeURIComponent(tag), "home"), template, anklet)
    }
  }
  const host: Host = {
    version: "3.9.1",
    license: { status: "valid", type: "com.veertu.anka.entplus" },
    limit: 2,
    phantoms: 0,
    takes: { clone: 50, start: 50, boot: 300, ip: 200, pull: 500, delete: 20, stop: 200 },
    free: 500 * 2 ** 30,
    memory: 4 * 2 ** 30,
    prints: { newline: false, progress: false, bare: false },
    secondPull: "corrupt",
    registry: {
      name: "local",
      url: "http://anka.registry:8089",
      down: false,
      templates: registry.map(({ uuid, name, tags }) => ({
        uuid,
        name: name ?? `template-${uuid.slice(0, 8)}`,
        tags: [...tags],
        size: 20 * 2 ** 30
      }))
    },
    vms: templates.map(
      ({ uuid, name, tags, memory }): Vm => ({
        uuid,
        ...(memory === undefined ? {} : { memory }),
        name: name ?? `template-${uuid.slice(0, 8)}`,
        status: "stopped",
        ...(tags.at(-1) === undefined ? {} : { tag: tags.at(-1) ?? "" }),
        tags: [...tags],
        created,
        accessed: created
      })
    ),
    faults: [],
    counts: {},
    ...spec.host
  }
  write(home, host)
  const bin = join(home, "bin")
  mkdirSync(bin, { recursive: true })
  script(join(bin, "anka"), [
    `export ANKA_SIM_HOME=${quote(home)}`,
    `exec ${anklet.map(quote).join(" ")} simulate anka "$@"`
  ])
  return { bin }
}

/** Change anything on a host, also while a daemon uses it. */
export const alter = (home: string, f: (host: Host) => void): void => change(home, f)

/** Let commands have these faults, and no others, and count them from 1. */
export const setFaults = (home: string, faults: ReadonlyArray<Fault>): void =>
  change(home, (host) => {
    host.faults = [...faults]
    host.counts = {}
  })

/** VMs that are not templates. */
export const clones = (home: string): ReadonlyArray<Vm> => read(home).vms.filter(({ tags }) => tags.length === 0)

/** A call of the command: when it began and, unless it was killed, when and how it ended. */
export interface LoggedCall {
  readonly pid: number
  readonly argv: ReadonlyArray<string>
  readonly at: number
  readonly until?: number
  readonly exit?: number
}

/** All calls so far, in order. */
export const calls = (home: string): ReadonlyArray<LoggedCall> => {
  const path = join(home, "calls.jsonl")
  if (!existsSync(path)) return []
  const open = new Map<number, LoggedCall>()
  const all: Array<LoggedCall> = []
  for (const line of readFileSync(path, "utf8").split("\n").filter(Boolean)) {
    const { pid, at, argv, exit } = JSON.parse(line)
    if (argv !== undefined) {
      const call = { pid, argv, at }
      open.set(pid, call)
      all.push(call)
    } else Object.assign(open.get(pid) ?? {}, { exit, until: at })
  }
  return all
}

/** Maximum number of pulls that were under way at once. */
export const parallelPulls = (home: string): number => {
  const pulls = calls(home).filter(({ argv }) => argv.includes("pull") && !argv.includes("--check-download-size"))
  return Math.max(
    0,
    ...pulls.map(
      ({ at }) => pulls.filter((other) => other.at <= at && (other.until ?? Number.POSITIVE_INFINITY) > at).length
    )
  )
}

/** A UUID for a template. */
export const newUuid = randomUUID
