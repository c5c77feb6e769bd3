/** The simulated `anka` command: state on disk, faults on request, and VMs whose commands really run. */
import { randomUUID } from "node:crypto"
import { appendFileSync, copyFileSync, cpSync, existsSync, readFileSync, statSync } from "node:fs"
import { basename, join } from "node:path"
import { Mistake } from "../commands/flags.ts"
import { type Call, parse } from "./argv.ts"
import { fetch, fill, guestHome, powerOff, remove, run as runInGuest } from "./guest.ts"
import { type Act, type Env, Failure, failure, find, ok, type Result, type Step, type Wait } from "./rules/step.ts"
import { begin } from "./rules.ts"
import { change, type Fault, type Host, homeOf, isAlive, read } from "./state.ts"

const log = (home: string, line: Record<string, unknown>) =>
  appendFileSync(join(home, "calls.jsonl"), `${JSON.stringify({ pid: process.pid, at: Date.now(), ...line })}\n`)

/** The fault that this call has to show, if any; counted once per call. */
const faultOf = (home: string, words: ReadonlyArray<string>): Fault | undefined =>
  change(home, (host) => {
    const name = words.join(" ")
    for (const [index, fault] of host.faults.entries()) {
      if (!name.startsWith(fault.command)) continue
      const key = `${index} ${fault.command}`
      const count = (host.counts[key] ?? 0) + 1
      host.counts[key] = count
      if (fault.nth !== undefined && fault.nth !== count) continue
      const hits = (host.counts[`${key} hits`] ?? 0) + 1
      if (fault.times !== undefined && hits > fault.times) continue
      host.counts[`${key} hits`] = hits
      return fault
    }
    return undefined
  })

const print = (home: string, json: boolean, result: Result): void => {
  const { prints, version } = read(home)
  const old = version.startsWith("2.")
  if (!json) {
    if (result.code === 0) process.stdout.write(result.text ?? "")
    else process.stderr.write(`${old ? "-" : ""}anka: ${result.message}\n`)
    return
  }
  const envelope =
    result.code === 0
      ? { status: "OK", ...(prints.bare ? {} : { code: 0, message: result.message }), body: result.body }
      : {
          status: "ERROR",
          body: {},
          message: result.message,
          code: result.code,
          ...(old ? { exception_type: "AnkaException" } : {})
        }
  process.stdout.write(`${JSON.stringify(envelope)}${prints.newline ? "\n" : ""}`)
}

const hang = () =>
  new Promise<never>(() => {
    // deaf as well: only SIGKILL ends this
    process.on("SIGTERM", () => {})
    process.on("SIGINT", () => {})
    setInterval(() => {}, 1 << 30)
  })

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What the rules learn from this process. */
const envOf = (home: string, { takes }: Host): Env => ({
  now: Date.now(),
  pid: process.pid,
  isAlive,
  uuidFor: () => randomUUID(),
  images: join(home, "img_lib"),
  boot: () => takes.boot,
  ip: () => takes.ip
})

/** Make one step, and keep what it changes. */
const make = (home: string, step: (host: Host, env: Env) => Step): Step => {
  // a question changes nothing: no lock for it
  const host = read(home)
  const asked = step(host, envOf(home, host))
  if (asked.state === host) return asked
  return change(home, (host) => {
    const made = step(host, envOf(home, host))
    if (made.state.pulling === undefined) delete host.pulling
    Object.assign(host, made.state)
    return made
  })
}

const carryOut = (home: string, act: Act): void => {
  switch (act._tag) {
    case "Fill":
      return fill(home, act.vm.uuid, { uuid: act.template, tag: act.tag })
    case "PowerOff":
      return powerOff(act.vm.uuid)
    case "Discard":
      return remove(home, act.vm.uuid)
    case "Fetch":
      return fetch(home, act.template, act.tag)
  }
}

/** A pull, like the real one, prints its progress when SIGUSR2 asks for it, and always if the host says so. */
const download = async (home: string): Promise<void> => {
  const { takes, prints } = read(home)
  const steps = Math.max(1, Math.round(takes.pull / 50))
  let done = 0
  const progress = () => `{"p":${(done / steps).toFixed(2)}}\n`
  setTimeout(() => process.on("SIGUSR2", () => process.stderr.write(progress())), 300).unref()
  for (; done < steps; done++) {
    if (prints.progress) process.stdout.write(progress())
    await sleep(takes.pull / steps)
  }
}

const wait = (home: string, what: Wait): Promise<void> => {
  switch (what) {
    case "nothing":
    case "forced stop":
      return Promise.resolve()
    case "turn":
      return sleep(50)
    case "pull":
      return download(home)
    default:
      return sleep(read(home).takes[what])
  }
}

/** Wait until macOS is up in a VM; one that stops instead breaks the communication. */
const untilUp = async (home: string, uuid: string): Promise<void> => {
  for (;;) {
    const vm = find(read(home), uuid)
    if (vm.status !== "running") throw new Failure(125, "communication broken")
    const left = (vm.upAt ?? 0) - Date.now()
    if (left <= 0) return
    await sleep(Math.min(left, 100))
  }
}

const copy = (home: string, [source = "", target = ""]: ReadonlyArray<string>): Result => {
  const pathOf = (place: string) => {
    const [vm = "", ...path] = place.split(":")
    return path.length === 0 ? place : join(guestHome(home, find(read(home), vm).uuid), path.join(":"))
  }
  const [from, to] = [pathOf(source), pathOf(target)]
  if (!existsSync(from)) throw new Failure(2, `${source}: No such file or directory`)
  const path = existsSync(to) && statSync(to).isDirectory() && !from.endsWith("/.") ? join(to, basename(from)) : to
  if (statSync(from).isDirectory()) cpSync(from, path, { recursive: true })
  else copyFileSync(from, path)
  return ok()
}

/** The environment that `run` hands to the guest. */
const guestEnv = ({ options, repeated }: Call): Record<string, string> => {
  const lines = [...(options.file === undefined ? [] : readFileSync(options.file, "utf8").split("\n")), ...repeated]
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [key = "", ...value] = line.split("=")
      return key === "" ? [] : [[key, value.length === 0 ? (process.env[key] ?? "") : value.join("=")]]
    })
  )
}

/** The exit code of a command in a guest, which has printed for itself; else what `anka` prints. */
const perform = async (home: string, call: Call): Promise<number | Result> => {
  let step = make(home, (host, env) => begin(host, call, env))
  for (;;) {
    for (const act of step.acts) carryOut(home, act)
    if (step._tag === "Done") return step.result
    if (step._tag === "Inside") {
      if (step.vm === undefined || call.words[0] === "cp") return copy(home, call.rest)
      await untilUp(home, step.vm.uuid)
      return await runInGuest(home, step.vm.uuid, call.rest.slice(1), guestEnv(call))
    }
    await wait(home, step.wait)
    step = make(home, step.next)
  }
}

/** Run one call. `argv` is what stands behind `anka`. */
export const main = async (argv: ReadonlyArray<string>): Promise<void> => {
  const home = homeOf(process.env)
  if (!existsSync(join(home, "state.json")))
    throw new Mistake(`${home} is no simulated host: "anklet simulate host DIR" makes one`)
  const call = parse(argv, process.env.ANKA_MACHINE_READABLE !== undefined)
  log(home, { argv })
  const end = (code: number) => {
    log(home, { exit: code })
    process.exitCode = code
  }
  if (call.words.length === 0) return end(0)
  const fault = faultOf(home, call.words)
  if (fault?.fault === "hang") return hang()
  if (fault?.fault === "sleep") await sleep(fault.ms ?? 1000)
  const fails = () => new Failure(fault?.code ?? 1, fault?.message ?? "Input/output error")
  let result: Result
  try {
    if (fault?.fault === "fail") throw fails()
    const done = fault?.fault === "no-op" ? ok() : await perform(home, call)
    if (typeof done === "number") return end(done)
    result = done
    if (fault?.fault === "fail-after") throw fails()
    if (fault?.fault === "failed-state") {
      change(home, (host) => {
        for (const vm of host.vms) if (call.rest.includes(vm.name)) vm.status = "failed"
      })
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    result = failure(error)
  }
  switch (fault?.fault) {
    case "empty":
      return end(0)
    case "truncated":
      process.stdout.write('{"status":"OK","bo')
      return end(0)
    case "garbage":
      process.stdout.write("\u0000\u0001 this is not JSON {{{\n")
      return end(0)
    case "ok-exit-1":
      print(home, call.json, result)
      return end(1)
    case "error-exit-0":
      print(home, call.json, { code: 1, message: "Input/output error", body: {} })
      return end(0)
    default:
      print(home, call.json, result)
      return end(result.code)
  }
}
