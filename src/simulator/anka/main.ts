/** The simulated `anka` command: state on disk, faults on request, and VMs whose commands really run. */
import { appendFileSync, copyFileSync, cpSync, existsSync, mkdirSync, statSync } from "node:fs"
import { basename, join } from "node:path"
import { parse, sleep } from "./argv.ts"
import { commands, Failure, type Result } from "./commands.ts"
import { guestHome, run as runInGuest } from "./guest.ts"
import { change, type Fault, homeOf, read } from "./state.ts"

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

const copy = (home: string, options: { from: string; to: string }): Result => {
  const find = (place: string) => {
    const [vm = "", ...rest] = place.split(":")
    const found = rest.length === 0 ? undefined : read(home).vms.find(({ name, uuid }) => name === vm || uuid === vm)
    if (rest.length > 0 && found === undefined) throw new Failure(3, `${vm}: not found`)
    if (found !== undefined && found.status !== "running")
      throw new Failure(1, `${vm}: communication error: VM is not running`)
    return found === undefined ? place : join(guestHome(home, found.uuid), rest.join(":"))
  }
  const from = find(options.from)
  const to = find(options.to)
  if (!existsSync(from)) throw new Failure(2, `${options.from}: No such file or directory`)
  const target = existsSync(to) && statSync(to).isDirectory() && !from.endsWith("/.") ? join(to, basename(from)) : to
  if (statSync(from).isDirectory()) cpSync(from, target, { recursive: true })
  else copyFileSync(from, target)
  return { code: 0, message: "", body: {} }
}

/** Run one call. `argv` is what stands behind `anka`. */
export const main = async (argv: ReadonlyArray<string>): Promise<void> => {
  const home = homeOf(process.env)
  mkdirSync(home, { recursive: true })
  const call = parse(argv)
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
    const command = commands[call.words.slice(0, 2).join(" ")] ?? commands[call.words[0] ?? ""]
    if (call.words[0] === "run") {
      const { vm, env, rest } = await (await import("./commands.ts")).prepareRun(home, call)
      return end(await runInGuest(home, vm.uuid, rest, env))
    }
    if (call.words[0] === "cp") result = copy(home, { from: call.rest[0] ?? "", to: call.rest[1] ?? "" })
    else if (command === undefined) throw new Failure(64, `unknown command: ${call.words.join(" ")}`)
    else if (fault?.fault === "no-op") result = { code: 0, message: "", body: {} }
    else result = await command(home, call)
    if (fault?.fault === "fail-after") throw fails()
    if (fault?.fault === "failed-state") {
      change(home, (host) => {
        for (const vm of host.vms) if (call.rest.includes(vm.name)) vm.status = "failed"
      })
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    result = { code: error.code, message: error.message, body: {} }
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
