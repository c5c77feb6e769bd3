/** Commands that only ask. */
import { done, type Env, Failure, find, ok, type Result, type Rule, type State, type Vm } from "./step.ts"

const record = (state: State, vm: Vm) => ({
  name: vm.name,
  uuid: vm.uuid,
  creation_date: vm.created,
  ...(vm.tag === undefined ? (state.version.startsWith("2.") ? { version: "" } : {}) : { version: vm.tag }),
  status: vm.status
})

/** All that `anka` tells of one VM. */
export const shown = (state: State, vm: Vm, { now }: Env) => {
  const memory = vm.memory ?? state.memory
  return {
    ...record(state, vm),
    cpu_cores: 4,
    ...(memory === undefined ? {} : { ram: `${Math.round(memory / 2 ** 30)}G`, ram_size: memory }),
    hard_drive: 137438953472,
    image_size: 19035295744,
    access_date: vm.accessed,
    ...(vm.status === "running" && now >= (vm.ipAt ?? 0) ? { ip: "192.168.64.34" } : {})
  }
}

const line = (word: string): Result => ({ ...ok(word), text: `${word}\n` })

/** `anka version`. */
export const version: Rule = (state) => {
  const product = "Anka Build Enterpriseplus"
  return done(state, {
    ...ok({ product, version: state.version, build: "216" }),
    text: `${product} version ${state.version} (build 216)\n`
  })
}

/** `anka license show`. */
export const license: Rule = (state) => {
  const { error, type, status } = state.license
  if (error !== undefined) throw new Failure(1, error)
  return done(state, ok({ product: "Anka Build Enterpriseplus", license_type: type, status, expires: "17-aug-2099" }))
}

/** `anka config`, of the one key that Anklet asks for. */
export const config: Rule = (state, call, { images }) => {
  const key = call.rest[0] ?? ""
  if (key !== "img_lib_dir") throw new Failure(1, `${key}: unknown key`)
  return done(state, line(images))
}

/** `anka list`. */
export const list: Rule = (state, call) => {
  const chosen = call.rest.length === 0 ? state.vms : call.rest.map((id) => find(state, id))
  const running = call.options.r !== undefined || call.options.running !== undefined
  const stopped = call.options.s !== undefined || call.options.stopped !== undefined
  const vms = chosen
    .filter(({ status }) => (!running || status === "running") && (!stopped || status !== "running"))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return done(state, {
    ...ok(vms.map((vm) => record(state, vm))),
    text: vms.map(({ name }) => `${name}\n`).join("")
  })
}

/** `anka show`, of a VM or one of its fields. */
export const show: Rule = (state, call, env) => {
  const vm = find(state, call.rest[0] ?? "")
  switch (call.rest[1]) {
    case undefined:
      return done(state, ok(shown(state, vm, env)))
    case "tag":
      return done(state, ok(vm.tags.map((tag) => ({ tag, creation_date: vm.created }))))
    case "uuid":
      return done(state, line(vm.uuid))
    case "name":
      return done(state, line(vm.name))
    default:
      throw new Failure(1, `${call.rest[1]}: unknown`)
  }
}
