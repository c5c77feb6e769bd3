/** A small working hypervisor in memory: a set of VMs, a journal of calls, and a settable behaviour for every command. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Anka, AnkaError, type AnkaVm } from "../../src/services/Anka.ts"
import { type Mortal, mortal } from "./life.ts"

export interface FakeAnka extends Mortal {
  readonly vms: Map<string, AnkaVm>
  /** Tags of the templates on this host. */
  readonly tags: Map<string, ReadonlyArray<string>>
  /** Tags of the templates in the registry. */
  readonly registry: Map<string, ReadonlyArray<string>>
  readonly calls: Array<string>
  /** How long a command takes. */
  readonly takes: Record<string, Duration.DurationInput>
  /** What a command does instead of its work. */
  readonly instead: Record<string, Effect.Effect<void, AnkaError>>
  /** Told of every command that runs in a guest; answers its exit code and output. */
  guest: (
    vm: string,
    command: ReadonlyArray<string>,
    stdin: string | undefined
  ) => Effect.Effect<{
    readonly code: number
    readonly stdout: string
    readonly stderr: string
  }>
  /** How many ran at once, at most. */
  peak: number
}

export const make = (): FakeAnka => ({
  life: 0,
  vms: new Map(),
  tags: new Map([["template", ["v1"]]]),
  registry: new Map([["template", ["v1", "v2"]]]),
  calls: [],
  takes: {},
  instead: {},
  guest: () => Effect.succeed({ code: 0, stdout: "", stderr: "" }),
  peak: 0
})

const failed = (reason: AnkaError["reason"], command: string, detail: string) =>
  new AnkaError({ reason, command, code: 3, detail })

export const layer = (fake: FakeAnka) => {
  const call = (verb: string, about: string) =>
    Effect.suspend(() => {
      fake.calls.push(`${verb} ${about}`.trim())
      return Effect.zipRight(Effect.sleep(fake.takes[verb] ?? 0), fake.instead[verb] ?? Effect.void)
    })
  const running = () => [...fake.vms.values()].filter(({ status }) => status === "running").length
  const vm = (name: string, status: string): AnkaVm => ({
    uuid: `uuid of ${name}`,
    name,
    status,
    tag: Option.none(),
    ip: Option.none()
  })
  const dies = mortal(fake)
  return Layer.succeed(
    Anka,
    Anka.of({
      version: Effect.succeed({ product: "Anka", version: "3.9.1" }),
      license: Effect.succeed({ status: "valid", type: "com.veertu.anka.entplus" }),
      list: dies(Effect.map(call("list", ""), () => [...fake.vms.values()])),
      show: (name) =>
        dies(
          Effect.flatMap(call("show", name), () => {
            const tags = fake.tags.get(name)
            const found =
              tags === undefined
                ? fake.vms.get(name)
                : { ...vm(name, "stopped"), tag: Option.fromNullable(tags.at(-1)) }
            return found === undefined
              ? failed("NotFound", `anka show ${name}`, `${name}: not found`)
              : Effect.succeed(found)
          })
        ),
      localTags: (template) =>
        dies(
          Effect.flatMap(call("tags", template), () => {
            const tags = fake.tags.get(template)
            return tags === undefined ? failed("NotFound", "anka show", `${template}: not found`) : Effect.succeed(tags)
          })
        ),
      registry: () => dies(call("registry", "")),
      imageDirectory: Effect.succeed("/"),
      pullSize: () => Effect.succeedNone,
      pull: (template) =>
        dies(
          Effect.flatMap(call("pull", `${template}`), () => {
            const tags = fake.registry.get(template.id)
            const tag = Option.getOrElse(template.tag, () => tags?.at(-1) ?? "")
            if (tags === undefined || !tags.includes(tag))
              return failed("TagUnknown", "anka registry pull", `${template}: not found`)
            fake.tags.set(template.id, [...(fake.tags.get(template.id) ?? []).filter((t) => t !== tag), tag])
            return Effect.void
          })
        ),
      clone: (template, name, _started) =>
        dies(
          Effect.suspend(() => {
            // a half-made clone is there from the first moment on
            fake.vms.set(name, vm(name, "stopped"))
            return call("clone", `${template} ${name}`)
          })
        ),
      start: (name) =>
        dies(
          Effect.flatMap(call("start", name), () => {
            if (!fake.vms.has(name)) return failed("NotFound", `anka start ${name}`, `${name}: not found`)
            if (running() >= 2)
              return failed("CapacityExceeded", `anka start ${name}`, "maximum number of running instances exceeded")
            fake.vms.set(name, vm(name, "running"))
            fake.peak = Math.max(fake.peak, running())
            return Effect.void
          })
        ),
      run: (name, command, { stdin }) =>
        dies(
          Effect.flatMap(call("run", `${name} ${command.join(" ")}`), () =>
            fake.vms.get(name)?.status === "running"
              ? fake.guest(name, command, stdin)
              : failed("NotFound", `anka run ${name}`, `${name}: not found`)
          )
        ),
      copyIn: (name, path) => dies(call("cp", `${path} ${name}`)),
      stop: (name) => dies(call("stop", name)),
      delete: (name) => dies(Effect.map(call("delete", name), () => void fake.vms.delete(name)))
    })
  )
}
