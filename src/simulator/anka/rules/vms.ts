/** Commands that make VMs, run them, and take them away. */
import { shown } from "./questions.ts"
import {
  type Act,
  date,
  done,
  type Env,
  Failure,
  failure,
  find,
  later,
  lookUp,
  ok,
  put,
  type Rule,
  type State,
  type Step,
  type Vm
} from "./step.ts"

/** `anka clone`: the VM is there at once, and whole when the command ends. */
export const clone: Rule = (state, call, env) => {
  const [source = "", given] = call.rest
  const template = find(state, source)
  if (template.status === "running") throw new Failure(1, `${source}: cannot clone a running VM`)
  const { tag = template.tag } = call.options
  if (call.options.tag !== undefined && !template.tags.includes(call.options.tag))
    throw new Failure(3, `${source}:${call.options.tag}: not found`)
  const name = given ?? `clone-${env.uuidFor("clone")}`
  if (state.vms.some((vm) => vm.name === name)) throw new Failure(18, `${name}: already exists`)
  const { created, memory } = template
  const half: Vm = {
    ...{ uuid: env.uuidFor(name), name, status: "stopped", tags: [], created, accessed: date(env.now), isHalf: true },
    ...(memory === undefined ? {} : { memory })
  }
  return later({ ...state, vms: [...state.vms, half] }, "clone", (state) => {
    const { isHalf: _, ...vm } = find(state, half.uuid)
    return done(put(state, vm), ok({ uuid: vm.uuid }, "vm created successfully"), [
      { _tag: "Fill", vm, template: template.uuid, tag }
    ])
  })
}

const booted = (state: State, id: string, env: Env): { readonly state: State; readonly vm: Vm } => {
  const vm = find(state, id)
  if (vm.isHalf === true) throw new Failure(5, `${vm.uuid}: failed to start: the image is not complete`)
  if (vm.status === "failed") throw new Failure(5, `${vm.uuid}: failed to start: VM is in failed state`)
  if (vm.status === "running") throw new Failure(16, `${vm.uuid}: VM is already running`)
  const limit = state.license.type.endsWith(".develop") ? 1 : state.limit
  if (state.vms.filter(({ status }) => status === "running").length + state.phantoms >= limit)
    throw new Failure(1, `${vm.uuid}: maximum number of running instances exceeded`)
  const { now } = env
  const running: Vm = { ...vm, status: "running", accessed: date(now), upAt: now + env.boot(), ipAt: now + env.ip() }
  return { state: put(state, running), vm: running }
}

/** `anka start`: ends when the hypervisor runs the VM, not when macOS is up. */
export const start: Rule = (state, call) =>
  later(state, "start", (state, env) => {
    const { state: after, vm } = booted(state, call.rest[0] ?? "", env)
    return done(after, ok(shown(after, { ...vm, ipAt: Number.POSITIVE_INFINITY }, env)))
  })

/** Stop one VM after the other; the first one that is not there ends the command. */
const stopped = (
  state: State,
  ids: ReadonlyArray<string>,
  stop: (vm: Vm) => Vm
): { readonly state: State; readonly vms: ReadonlyArray<Vm>; readonly failed?: Failure } => {
  const vms: Array<Vm> = []
  let after = state
  for (const id of ids) {
    const vm = lookUp(after, id)
    if (vm === undefined) return { state: after, vms, failed: new Failure(3, `${id}: not found`) }
    const stopped = stop(vm)
    after = put(after, stopped)
    vms.push(stopped)
  }
  return { state: after, vms }
}

const powerOff = (vms: ReadonlyArray<Vm>): ReadonlyArray<Act> => vms.map((vm) => ({ _tag: "PowerOff", vm }))

/** `anka stop` and `anka suspend`; only `--force` gets a VM out of the state "failed". */
export const stop: Rule = (state, call) => {
  const isForced = call.options.f !== undefined || call.options.force !== undefined
  return later(state, isForced ? "forced stop" : "stop", (state, { now }) => {
    const {
      state: after,
      vms,
      failed
    } = stopped(state, call.rest, (vm) => ({
      ...vm,
      status: vm.status === "running" || (vm.status === "failed" && isForced) ? "stopped" : vm.status,
      accessed: date(now)
    }))
    return done(after, failed === undefined ? ok() : failure(failed), powerOff(vms))
  })
}

/** `anka delete`: VMs that run are stopped first. */
export const remove: Rule = (state, call) => {
  if (call.options.yes === undefined) throw new Failure(1, "are you sure you want to delete vm [y/N]: aborted")
  if (call.options.cache !== undefined) return done(state)
  return later(state, "delete", (state) => {
    const { state: after, vms, failed } = stopped(state, call.rest, (vm) => ({ ...vm, status: "stopped" }))
    const gone = new Set(vms.map(({ uuid }) => uuid))
    // nothing may run in a VM that is not listed any more
    return later(
      after,
      "nothing",
      (state): Step =>
        done(
          { ...state, vms: state.vms.filter(({ uuid }) => !gone.has(uuid)) },
          failed === undefined ? ok() : failure(failed),
          vms.map((vm) => ({ _tag: "Discard", vm }))
        ),
      powerOff(vms)
    )
  })
}

/** `anka run`: a VM that is stopped is started first. */
export const run: Rule = (state, call, env) => {
  const [id = ""] = call.rest
  const vm = find(state, id)
  return vm.status === "running"
    ? { _tag: "Inside", state, acts: [], vm }
    : { _tag: "Inside", acts: [], ...booted(state, id, env) }
}

/** `anka cp`: from or to a place `VM:PATH`. */
export const copy: Rule = (state, call) => {
  const inVms = call.rest.filter((place) => place.includes(":")).map((place) => find(state, place.split(":")[0] ?? ""))
  const stopped = inVms.find(({ status }) => status !== "running")
  if (stopped !== undefined) throw new Failure(1, `${stopped.name}: communication error: VM is not running`)
  return { _tag: "Inside", state, acts: [], vm: inVms[0] }
}
