/** What each command does to the simulated host, by the rules that Anka's users have found out. */
import { randomUUID } from "node:crypto"
import { cpSync, existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Call, sleep } from "./argv.ts"
import { fill, powerOff, remove, templateHome } from "./guest.ts"
import { change, type Host, isAlive, read, type Vm } from "./state.ts"

/** What a command prints. */
export interface Result {
  readonly code: number
  readonly message: string
  readonly body: unknown
  /** Without `-j`. */
  readonly text?: string
}

/** A command that fails, with Anka's code and words. */
export class Failure extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

const ok = (body: unknown = {}, message = ""): Result => ({ code: 0, message, body })

const find = (host: Host, id: string): Vm => {
  const vm = host.vms.find(({ name, uuid }) => name === id || uuid === id)
  if (vm === undefined) throw new Failure(3, `${id}: not found`)
  return vm
}

const MEMORY = 4 * 2 ** 30

const now = () => new Date().toISOString().replace(/\.\d+Z$/, "Z")

const record = (host: Host, vm: Vm) => ({
  name: vm.name,
  uuid: vm.uuid,
  creation_date: vm.created,
  ...(vm.tag === undefined ? (host.version.startsWith("2.") ? { version: "" } : {}) : { version: vm.tag }),
  status: vm.status
})

const shown = (host: Host, vm: Vm) => ({
  ...record(host, vm),
  cpu_cores: 4,
  ram: `${Math.round((vm.memory ?? MEMORY) / 2 ** 30)}G`,
  ram_size: vm.memory ?? MEMORY,
  hard_drive: 137438953472,
  image_size: 19035295744,
  access_date: vm.accessed,
  ...(vm.status === "running" && Date.now() - (vm.startedAt ?? 0) >= host.takes.ip ? { ip: "192.168.64.34" } : {})
})

const registryOf = (host: Host, call: Call) => {
  const { remote } = call.options
  const { registry } = host
  if (remote !== undefined && remote !== registry.url && remote !== registry.name) {
    throw new Failure(7, `Failed to connect to ${remote}: Connection refused`)
  }
  if (registry.error !== undefined) throw new Failure(22, registry.error)
  if (registry.down) throw new Failure(7, `Failed to connect to ${registry.url}: Connection refused`)
  return registry
}

/** The template and tag that a pull is about; without a tag the newest. */
const wanted = (host: Host, call: Call, id: string) => {
  const template = registryOf(host, call).templates.find(({ name, uuid }) => name === id || uuid === id)
  if (template === undefined) throw new Failure(3, `${id}: not found`)
  const tag = call.options.tag ?? template.tags.at(-1) ?? ""
  if (!template.tags.includes(tag)) throw new Failure(3, `${id}:${tag}: not found`)
  return { template, tag }
}

const pull = async (home: string, given: Call): Promise<Result> => {
  const [id = "", remote] = given.rest
  // "pull" takes the registry as its second word, "registry pull" as an option
  const call = remote === undefined ? given : { ...given, options: { remote, ...given.options } }
  const before = read(home)
  const local = before.vms.find(({ name, uuid }) => name === id || uuid === id)
  if (call.options["check-download-size"] !== undefined) {
    const { template, tag } = wanted(before, call, id)
    return local?.tags.includes(tag)
      ? ok({}, `${tag}: available locally`)
      : ok({ size: template.size, cached: 0, available: before.free })
  }
  if (call.options.l !== undefined || call.options.local !== undefined) {
    return change(home, (host) => {
      const vm = find(host, id)
      const tag = call.options.tag ?? vm.tag ?? ""
      if (!vm.tags.includes(tag)) throw new Failure(3, `${id}:${tag}: not found`)
      vm.tag = tag
      return ok()
    })
  }
  const { template, tag } = wanted(before, call, id)
  if (local?.tags.includes(tag)) {
    return change(home, (host) => {
      find(host, template.uuid).tag = tag
      return ok({ uuid: template.uuid }, "vm pulled successfully")
    })
  }
  if (template.size > before.free) throw new Failure(28, "No space left on device")
  const busy = () => {
    const { pulling } = read(home)
    return pulling !== undefined && pulling.pid !== process.pid && isAlive(pulling.pid)
  }
  const corrupt = busy() && before.secondPull === "corrupt"
  if (busy() && before.secondPull === "error") throw new Failure(16, "another pull is in progress")
  while (before.secondPull === "block" && busy()) await sleep(50)
  change(home, (host) => {
    host.pulling = { pid: process.pid, template: template.uuid }
  })
  const steps = Math.max(1, Math.round(before.takes.pull / 50))
  // like the real one, it tells how far it is when asked by SIGUSR2, and always if the host says so
  let done = 0
  const report = () => process.stderr.write(`{"p":${(done / steps).toFixed(2)}}\n`)
  setTimeout(() => process.on("SIGUSR2", report), 300).unref()
  for (; done < steps; done++) {
    if (before.prints.progress) process.stdout.write(`{"p":${(done / steps).toFixed(2)}}\n`)
    await sleep(before.takes.pull / steps)
  }
  return change(home, (host) => {
    delete host.pulling
    if (corrupt) throw new Failure(5, `${id}: failed to checkout: Input/output error`)
    const from = join(home, "registry", template.uuid, encodeURIComponent(tag), "home")
    if (existsSync(from)) cpSync(from, templateHome(home, template.uuid, tag), { recursive: true })
    const known = host.vms.find(({ uuid }) => uuid === template.uuid)
    const shrink = call.options.shrink !== undefined || call.options.s !== undefined
    if (known === undefined) {
      host.vms.push({
        uuid: template.uuid,
        name: template.name,
        status: "stopped",
        tag,
        tags: [tag],
        created: now(),
        accessed: now()
      })
    } else {
      known.tag = tag
      known.tags = shrink ? [tag] : [...known.tags, tag]
    }
    host.free -= template.size
    return ok({ uuid: template.uuid }, "vm pulled successfully")
  })
}

const clone = async (home: string, call: Call): Promise<Result> => {
  const [source = "", name = `clone-${randomUUID()}`] = call.rest
  const made = change(home, (host) => {
    const template = find(host, source)
    if (template.status === "running") throw new Failure(1, `${source}: cannot clone a running VM`)
    const { tag } = call.options
    if (tag !== undefined && !template.tags.includes(tag)) throw new Failure(3, `${source}:${tag}: not found`)
    if (host.vms.some((vm) => vm.name === name)) throw new Failure(18, `${name}: already exists`)
    const { created, memory } = template
    const vm: Vm = {
      ...{ uuid: randomUUID(), name, status: "stopped", tags: [], created, accessed: now() },
      ...(memory === undefined ? {} : { memory })
    }
    host.vms.push(vm)
    return { vm, template, tag: tag ?? template.tag, takes: host.takes.clone }
  })
  await sleep(made.takes)
  fill(home, made.vm.uuid, { uuid: made.template.uuid, tag: made.tag })
  return ok({ uuid: made.vm.uuid }, "vm created successfully")
}

const boot = (home: string, id: string) =>
  change(home, (host) => {
    const vm = find(host, id)
    if (vm.status === "failed") throw new Failure(5, `${vm.uuid}: failed to start: VM is in failed state`)
    if (vm.status === "running") throw new Failure(16, `${vm.uuid}: VM is already running`)
    const limit = host.license.type.endsWith(".develop") ? 1 : host.limit
    if (host.vms.filter(({ status }) => status === "running").length + host.phantoms >= limit) {
      throw new Failure(1, `${vm.uuid}: maximum number of running instances exceeded`)
    }
    vm.status = "running"
    vm.startedAt = Date.now()
    vm.accessed = now()
    return { host, vm }
  })

const start = async (home: string, call: Call): Promise<Result> => {
  await sleep(read(home).takes.start)
  const { host, vm } = boot(home, call.rest[0] ?? "")
  return ok(shown({ ...host, takes: { ...host.takes, ip: Number.POSITIVE_INFINITY } }, vm))
}

const stop = async (home: string, call: Call): Promise<Result> => {
  const force = call.options.f !== undefined || call.options.force !== undefined
  if (!force) await sleep(read(home).takes.stop)
  for (const id of call.rest) {
    const uuid = change(home, (host) => {
      const vm = find(host, id)
      if (vm.status === "running" || (vm.status === "failed" && force)) vm.status = "stopped"
      vm.accessed = now()
      return vm.uuid
    })
    powerOff(uuid)
  }
  return ok()
}

const deleteVms = async (home: string, call: Call): Promise<Result> => {
  if (call.options.yes === undefined) throw new Failure(1, "are you sure you want to delete vm [y/N]: aborted")
  if (call.options.cache !== undefined) return ok()
  await sleep(read(home).takes.delete)
  for (const id of call.rest) {
    const vm = change(home, (host) => {
      const found = find(host, id)
      found.status = "stopped"
      return found
    })
    powerOff(vm.uuid)
    remove(home, vm.uuid)
    change(home, (host) => {
      host.vms = host.vms.filter(({ uuid }) => uuid !== vm.uuid)
    })
  }
  return ok()
}

const list = (home: string, call: Call): Result => {
  const host = read(home)
  const chosen = call.rest.length === 0 ? host.vms : call.rest.map((id) => find(host, id))
  const running = call.options.r !== undefined || call.options.running !== undefined
  const stopped = call.options.s !== undefined || call.options.stopped !== undefined
  const vms = chosen
    .filter(({ status }) => (!running || status === "running") && (!stopped || status !== "running"))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return { ...ok(vms.map((vm) => record(host, vm))), text: vms.map(({ name }) => `${name}\n`).join("") }
}

const show = (home: string, call: Call): Result => {
  const host = read(home)
  const vm = find(host, call.rest[0] ?? "")
  switch (call.rest[1]) {
    case undefined:
      return ok(shown(host, vm))
    case "tag":
      return ok(vm.tags.map((tag) => ({ tag, creation_date: vm.created })))
    case "uuid":
      return { ...ok(vm.uuid), text: `${vm.uuid}\n` }
    case "name":
      return { ...ok(vm.name), text: `${vm.name}\n` }
    default:
      throw new Failure(1, `${call.rest[1]}: unknown`)
  }
}

/** What `run` needs: a VM that runs and has booted, the guest's extra environment, and the command. */
export const prepareRun = async (home: string, call: Call) => {
  const [id = "", ...rest] = call.rest
  const host = read(home)
  const vm = find(host, id)
  if (vm.status !== "running") boot(home, id)
  for (;;) {
    const current = find(read(home), id)
    if (current.status !== "running") throw new Failure(125, "communication broken")
    const left = (current.startedAt ?? 0) + host.takes.boot - Date.now()
    if (left <= 0) break
    await sleep(Math.min(left, 100))
  }
  const lines = [
    ...(call.options.file === undefined ? [] : readFileSync(call.options.file, "utf8").split("\n")),
    ...call.repeated
  ]
  const env = Object.fromEntries(
    lines.flatMap((line) => {
      const [key = "", ...value] = line.split("=")
      return key === "" ? [] : [[key, value.length === 0 ? (process.env[key] ?? "") : value.join("=")]]
    })
  )
  return { vm, env, rest }
}

/** Commands by their words. */
export const commands: Readonly<Record<string, (home: string, call: Call) => Result | Promise<Result>>> = {
  version: (home) => {
    const { version } = read(home)
    const product = "Anka Build Enterpriseplus"
    return { ...ok({ product, version, build: "216" }), text: `${product} version ${version} (build 216)\n` }
  },
  config: (home, call) => {
    const key = call.rest[0] ?? ""
    if (key !== "img_lib_dir") throw new Failure(1, `${key}: unknown key`)
    const folder = join(home, "img_lib")
    return { ...ok(folder), text: `${folder}\n` }
  },
  "license show": (home) => {
    const { license } = read(home)
    if (license.error !== undefined) throw new Failure(1, license.error)
    return ok({
      product: "Anka Build Enterpriseplus",
      license_type: license.type,
      status: license.status,
      expires: "17-aug-2099"
    })
  },
  list,
  show,
  pull,
  clone,
  start,
  stop,
  suspend: stop,
  delete: deleteVms,
  "registry pull": pull,
  "registry list": (home, call) =>
    ok(registryOf(read(home), call).templates.map(({ name, uuid, tags }) => ({ name, uuid, latest: tags.at(-1) }))),
  "registry show": (home, call) => {
    const { template } = wanted(read(home), call, call.rest[0] ?? "")
    return ok({ name: template.name, cpu_cores: 4, ram_size: MEMORY, image_size: template.size })
  },
  "registry list-repos": (home) => {
    const { registry } = read(home)
    return ok([{ name: registry.name, url: registry.url, default: true }])
  }
}
