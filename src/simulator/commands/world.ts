/** `anklet simulate world DIR`, `queue` and `end`: a whole world to try Anklet in by hand. */
import { spawn } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { commandLine } from "../../process/Program.ts"
import { read as readHost } from "../anka/state.ts"
import { Mistake, only, read, wholeNumber } from "./flags.ts"
import { labelsOf, make, newFolder, type Template, templatesOf } from "./host.ts"

const OWNER = "acme"
const REPO = "app"

/** The variable by which the `anklet` of a world names its folder. */
const VARIABLE = "ANKLET_WORLD"

/** Timeout of a question to the simulated GitHub, in milliseconds. */
const ASK_WITHIN = 5000

const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

const placesOf = (folder: string) => ({
  host: join(folder, "host"),
  bin: join(folder, "bin"),
  home: join(folder, "home"),
  config: join(folder, "home", ".config", "anklet", "config.yml"),
  /** Port and process of its GitHub. */
  github: join(folder, "github.json")
})

const configOf = (folder: string, url: string) => `work_dir: ${JSON.stringify(join(folder, "work"))}
log:
  file_dir: ${JSON.stringify(join(folder, "logs"))}
services:
  - name: RUNNER
    count: 2
    plugin: github
    token: github_pat_simulated
    registration: repo
    owner: ${OWNER}
    repo: ${REPO}
    api_url: ${url}
    sleep_interval: 1
`

const executable = (path: string, lines: ReadonlyArray<string>) => {
  writeFileSync(path, `${["#!/bin/sh", ...lines].join("\n")}\n`)
  chmodSync(path, 0o755)
}

/** Writes what stays: the host, and the commands of the world. */
const furnish = (folder: string, templates: ReadonlyArray<Template>) => {
  const { host, bin, home } = placesOf(folder)
  const { bin: anka } = make(host, templates, [])
  for (const path of [bin, home, join(folder, "logs"), join(folder, "work")]) mkdirSync(path, { recursive: true })
  const words = commandLine.map(quote).join(" ")
  executable(join(bin, "anklet"), [
    `export ${VARIABLE}=${quote(folder)} HOME=${quote(home)}`,
    `export PATH=${quote(anka)}:"$PATH"`,
    `exec ${words} "$@"`
  ])
  executable(join(bin, "anka"), [`exec ${quote(join(anka, "anka"))} "$@"`])
}

interface Running {
  readonly url: string
  readonly pid: number
}

const runningIn = (folder: string): Running | undefined => {
  const { github } = placesOf(folder)
  return existsSync(github) ? JSON.parse(readFileSync(github, "utf8")) : undefined
}

const control = async (url: string, action: string, body?: unknown): Promise<unknown> => {
  const answer = await fetch(`${url}/_control/${action}`, {
    method: body === undefined ? "GET" : "POST",
    signal: AbortSignal.timeout(ASK_WITHIN),
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } })
  })
  if (!answer.ok) throw new Mistake(`the simulated GitHub at ${url} answers ${answer.status}: ${await answer.text()}`)
  return answer.json()
}

/** Whether the GitHub that a world names is still that one, and no other program on its port. */
const isUp = async (running: Running | undefined): Promise<boolean> => {
  if (running === undefined) return false
  const who = await control(running.url, "who").catch(() => undefined)
  return typeof who === "object" && who !== null && "pid" in who && who.pid === running.pid
}

/** Starts the GitHub of a world in the background, on the port that it had before; it ends by itself once the folder is gone. */
const startGitHub = (folder: string, port: string): Promise<Running> =>
  new Promise((resolve, reject) => {
    const [program, ...before] = commandLine
    const child = spawn(program, [...before, "simulate", "github", "--port", port, "--while", folder], {
      detached: true,
      stdio: ["ignore", "pipe", "ignore"]
    })
    let text = ""
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
      if (!text.includes("\n")) return
      child.stdout.destroy()
      child.unref()
      resolve({ url: JSON.parse(text).url, pid: child.pid ?? 0 })
    })
    child.on("error", ({ message }) => reject(new Mistake(message)))
    child.on("exit", (code) =>
      reject(new Mistake(`the simulated GitHub does not start (exit code ${code}): port ${port} may be in use`))
    )
  })

/** Runs the daemon's own command in a world, at this terminal; gives its exit code. */
const anklet = (folder: string, ...words: ReadonlyArray<string>): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(join(placesOf(folder).bin, "anklet"), words, { stdio: "inherit" })
    child.on("error", ({ message }) => reject(new Mistake(message)))
    child.on("exit", (code) => resolve(code ?? 1))
  })

/** Makes or starts a world. */
export const world = async (argv: ReadonlyArray<string>, say: (line: string) => void): Promise<number> => {
  const { values, positionals } = read("world", argv, {
    template: { type: "string", multiple: true },
    "no-start": { type: "boolean" }
  })
  const named = only("world", positionals, "folder")
  const isThere = existsSync(placesOf(resolve(named)).bin)
  const folder = isThere ? resolve(named) : newFolder(named)
  const { bin, config, github } = placesOf(folder)
  if (isThere && values.template !== undefined)
    throw new Mistake(`${folder} is a world already: its templates stay; name another folder for others`)
  if (!isThere) furnish(folder, templatesOf(values.template))
  const before = runningIn(folder)
  if (!(await isUp(before))) {
    const running = await startGitHub(folder, before === undefined ? "0" : new URL(before.url).port)
    writeFileSync(github, `${JSON.stringify(running)}\n`)
    await control(running.url, "repository", { repository: `${OWNER}/${REPO}` })
    if (!existsSync(config)) {
      mkdirSync(join(config, ".."), { recursive: true, mode: 0o700 })
      writeFileSync(config, configOf(folder, running.url), { mode: 0o600 })
    }
  }
  const templates = localTemplates(folder).map(({ name, tag }) => `${name}:${tag}`)
  say(`a simulated world in ${folder}: a Mac with two VM slots and ${templates.join(", ")}, and a GitHub`)
  if (values["no-start"] !== true) {
    const code = await anklet(folder)
    // one that runs already is as good
    if (code !== 0 && code !== 4) return code
  }
  say("")
  say("Type, in this order:")
  say(`  export PATH="${bin}:$PATH"    # from here on, anklet and anka are those of this world`)
  if (values["no-start"] === true) say("  anklet")
  say('  anklet simulate queue --steps "sleep 5"')
  say("  anklet status")
  say("  anklet simulate end")
  return 0
}

const localTemplates = (folder: string): ReadonlyArray<Template> =>
  readHost(placesOf(folder).host).vms.flatMap(({ uuid, name, tags }) =>
    tags.slice(-1).map((tag) => ({ uuid, name, tag }))
  )

/** The world that is meant: a named one, or that of the `anklet` that was typed. */
const meant = (named: string | undefined): string => {
  const folder = named ?? process.env[VARIABLE]
  if (folder === undefined)
    throw new Mistake(
      'no world is named: give its folder, or put its bin first in PATH ("anklet simulate world --help")'
    )
  if (!existsSync(placesOf(resolve(folder)).bin))
    throw new Mistake(`${resolve(folder)} is no world: "anklet simulate world ${folder}" makes one`)
  return resolve(folder)
}

/** Queues a run with jobs. */
export const queue = async (argv: ReadonlyArray<string>, say: (line: string) => void): Promise<number> => {
  const { values, positionals } = read("queue", argv, {
    number: { type: "string", short: "n", default: "1" },
    steps: { type: "string", default: "sleep 5" },
    template: { type: "string" },
    name: { type: "string", default: "test" },
    world: { type: "string" }
  })
  if (positionals.length > 0) throw new Mistake('"simulate queue" takes flags only: see "anklet simulate queue --help"')
  const folder = meant(values.world)
  const number = wholeNumber("-n", values.number, 1)
  const known = localTemplates(folder)
  const [name = "", tag] = (values.template ?? "").split(":")
  const found = values.template === undefined ? known[0] : known.find((it) => it.name === name || it.uuid === name)
  if (found === undefined)
    throw new Mistake(
      `the world has no template ${JSON.stringify(name)}: it has ${known.map((it) => it.name).join(", ")}`
    )
  const running = runningIn(folder)
  if (running === undefined || !(await isUp(running)))
    throw new Mistake(`the GitHub of this world does not run: "anklet simulate world ${folder}" starts it`)
  const labels = labelsOf({ uuid: found.uuid, tag: tag ?? found.tag })
  const answer = await control(running.url, "queue", {
    owner: OWNER,
    repo: REPO,
    jobs: Array.from({ length: number }, (_, n) => ({
      name: number === 1 ? values.name : `${values.name} ${n + 1}`,
      labels: [...labels, "run-id:{run_id}", `unique-id:${n + 1}`],
      steps: values.steps.split("\n")
    }))
  })
  const [first] = jobsOf(answer)
  say(`queued ${number === 1 ? "a job" : `${number} jobs`} of ${OWNER}/${REPO} for ${found.name}:${tag ?? found.tag}`)
  if (first !== undefined) say(`  anklet why ${first}`)
  return 0
}

/** The numbers of queued jobs, from what GitHub answers. */
const jobsOf = (answer: unknown): ReadonlyArray<number> =>
  typeof answer === "object" && answer !== null && "jobs" in answer && Array.isArray(answer.jobs)
    ? answer.jobs.map(({ id }) => Number(id))
    : []

/** Stops the daemon and the GitHub of a world. */
export const end = async (argv: ReadonlyArray<string>, say: (line: string) => void): Promise<number> => {
  const { positionals } = read("end", argv, {})
  const folder = meant(positionals.length === 0 ? undefined : only("end", positionals, "folder"))
  const code = await anklet(folder, "-s", "stop")
  // 5: it does not run
  if (code !== 0 && code !== 5) return code
  const running = runningIn(folder)
  if (running !== undefined && (await isUp(running))) process.kill(running.pid, "SIGTERM")
  say(`the world has ended; "anklet simulate world ${folder}" starts it again, "rm -r ${folder}" removes it`)
  return 0
}
