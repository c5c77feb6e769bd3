/** The registry, and pulls from it. */
import type { Call } from "../argv.ts"
import {
  date,
  done,
  type Env,
  Failure,
  find,
  later,
  lookUp,
  ok,
  put,
  type RegistryTemplate,
  type Rule,
  type State,
  type Step,
  type Vm
} from "./step.ts"

const registryOf = ({ registry }: State, { options: { remote } }: Call): State["registry"] => {
  if (remote !== undefined && remote !== registry.url && remote !== registry.name)
    throw new Failure(7, `Failed to connect to ${remote}: Connection refused`)
  if (registry.error !== undefined) throw new Failure(22, registry.error)
  if (registry.down) throw new Failure(7, `Failed to connect to ${registry.url}: Connection refused`)
  return registry
}

/** The template and tag that a pull is about; without a tag the newest. */
const wanted = (state: State, call: Call, id: string) => {
  const template = registryOf(state, call).templates.find(({ name, uuid }) => name === id || uuid === id)
  if (template === undefined) throw new Failure(3, `${id}: not found`)
  const tag = call.options.tag ?? template.tags.at(-1) ?? ""
  if (!template.tags.includes(tag)) throw new Failure(3, `${id}:${tag}: not found`)
  return { template, tag }
}

const PULLED = "vm pulled successfully"

/** The library after a pull. */
const withTag = (
  state: State,
  template: RegistryTemplate,
  tag: string,
  isShrunk: boolean,
  now: number
): ReadonlyArray<Vm> => {
  const { uuid, name } = template
  const known = lookUp(state, uuid)
  const at = date(now)
  return known === undefined
    ? [...state.vms, { uuid, name, status: "stopped", tag, tags: [tag], created: at, accessed: at }]
    : put(state, { ...known, tag, tags: isShrunk ? [tag] : [...known.tags, tag] }).vms
}

const fetched = (call: Call, id: string, template: RegistryTemplate, tag: string) => {
  const isShrunk = call.options.shrink !== undefined || call.options.s !== undefined
  const begin = (state: State, env: Env): Step => {
    const { pulling, secondPull } = state
    const isSecond = pulling !== undefined && pulling.pid !== env.pid && env.isAlive(pulling.pid)
    if (isSecond && secondPull === "error") throw new Failure(16, "another pull is in progress")
    if (isSecond && secondPull === "block") return later(state, "turn", begin)
    return later({ ...state, pulling: { pid: env.pid, template: template.uuid } }, "pull", (state, { now }) => {
      const { pulling: _, ...idle } = state
      if (isSecond) return done(idle, { code: 5, message: `${id}: failed to checkout: Input/output error`, body: {} })
      return done(
        { ...idle, free: idle.free - template.size, vms: withTag(idle, template, tag, isShrunk, now) },
        ok({ uuid: template.uuid }, PULLED),
        [{ _tag: "Fetch", template: template.uuid, tag }]
      )
    })
  }
  return begin
}

/** `anka registry pull` and `anka pull`: a download, a check-out of what is here, or the question how much there is to load. */
export const pull: Rule = (state, given, env) => {
  const [id = "", remote] = given.rest
  // "pull" takes the registry as its second word, "registry pull" as an option
  const call = remote === undefined ? given : { ...given, options: { remote, ...given.options } }
  const local = lookUp(state, id)
  if (call.options["check-download-size"] !== undefined) {
    const { template, tag } = wanted(state, call, id)
    return done(
      state,
      local?.tags.includes(tag)
        ? ok({}, `${tag}: available locally`)
        : ok({ size: template.size, cached: 0, available: state.free })
    )
  }
  if (call.options.l !== undefined || call.options.local !== undefined) {
    const vm = find(state, id)
    const tag = call.options.tag ?? vm.tag ?? ""
    if (!vm.tags.includes(tag)) throw new Failure(3, `${id}:${tag}: not found`)
    return done(put(state, { ...vm, tag }))
  }
  const { template, tag } = wanted(state, call, id)
  if (local?.tags.includes(tag)) return done(put(state, { ...local, tag }), ok({ uuid: template.uuid }, PULLED))
  if (template.size > state.free) throw new Failure(28, "No space left on device")
  return fetched(call, id, template, tag)(state, env)
}

/** `anka registry list`. */
export const listTemplates: Rule = (state, call) =>
  done(
    state,
    ok(registryOf(state, call).templates.map(({ name, uuid, tags }) => ({ name, uuid, latest: tags.at(-1) })))
  )

/** `anka registry show`. */
export const showTemplate: Rule = (state, call) => {
  const { name, size } = wanted(state, call, call.rest[0] ?? "").template
  return done(state, ok({ name, cpu_cores: 4, ram_size: state.memory, image_size: size }))
}

/** `anka registry list-repos`. */
export const listRegistries: Rule = (state) =>
  done(state, ok([{ name: state.registry.name, url: state.registry.url, default: true }]))
