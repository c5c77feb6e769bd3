/**
 * A small working hypervisor in memory: a set of VMs, a journal of calls, and a settable behaviour for every command. What a
 * command does to the VMs is said by the simulator's rules.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Template } from "../../src/domain/Job.ts"
import { classify } from "../../src/services/Anka/envelope.ts"
import * as schemas from "../../src/services/Anka/schemas.ts"
import { Anka, AnkaError, type AnkaVm } from "../../src/services/Anka.ts"
import { parse } from "../../src/simulator/anka/argv.ts"
import { date, type Env, type State, type Vm } from "../../src/simulator/anka/rules/step.ts"
import { begin } from "../../src/simulator/anka/rules.ts"
import { type Mortal, mortal } from "./life.ts"

export interface FakeAnka extends Mortal {
  readonly vms: Map<string, AnkaVm>
  /** Tags of the templates on this host. */
  readonly tags: Map<string, ReadonlyArray<string>>
  /** Tags of the templates in the registry. */
  readonly registry: Map<string, ReadonlyArray<string>>
  /** Bytes of memory of templates; `anka` does not say it of the others. */
  readonly memory: Map<string, number>
  readonly calls: Array<string>
  /** How long a command takes. */
  readonly takes: Record<string, Duration.DurationInput>
  /** What a command does instead of its work. */
  readonly instead: Record<string, Effect.Effect<void, AnkaError>>
  /** Run for every command in a guest; its exit code and output. */
  guest: (
    vm: string,
    command: ReadonlyArray<string>,
    stdin: string | undefined
  ) => Effect.Effect<{
    readonly code: number
    readonly stdout: string
    readonly stderr: string
  }>
  /** Maximum number of VMs that ran at once. */
  peak: number
}

/** A host with one template, of which the registry has a newer tag. */
export const make = (): FakeAnka => ({
  life: 0,
  vms: new Map(),
  tags: new Map([["template", ["v1"]]]),
  registry: new Map([["template", ["v1", "v2"]]]),
  memory: new Map(),
  calls: [],
  takes: {},
  instead: {},
  guest: () => Effect.succeed({ code: 0, stdout: "", stderr: "" }),
  peak: 0
})

const ENV: Env = {
  now: 0,
  pid: 1,
  isAlive: () => true,
  uuidFor: (name) => `uuid of ${name}`,
  images: "/",
  boot: () => 0,
  ip: () => 0
}

/** The host as the rules know it. */
const stateOf = ({ vms, tags, registry, memory: sizes }: FakeAnka): State => {
  const dated = { created: date(ENV.now), accessed: date(ENV.now) }
  const clone = ({ uuid, name, status, memory }: AnkaVm): Vm => ({
    ...{ uuid, name, status: status === "stopped" ? "stopped" : "running", tags: [], ...dated },
    ...(memory === undefined ? {} : { memory })
  })
  const template = (name: string, tags: ReadonlyArray<string>): Vm => {
    const tag = tags.at(-1)
    const memory = sizes.get(name)
    return {
      ...{ uuid: name, name, status: "stopped", tags: [...tags], ...dated },
      ...(tag === undefined ? {} : { tag }),
      ...(memory === undefined ? {} : { memory })
    }
  }
  return {
    version: "3.9.1",
    license: { status: "valid", type: "com.veertu.anka.entplus" },
    limit: 2,
    phantoms: 0,
    free: 10 ** 12,
    secondPull: "error",
    registry: {
      name: "local",
      url: "http://registry",
      down: false,
      templates: [...registry].map(([name, tags]) => ({ uuid: name, name, tags: [...tags], size: 0 }))
    },
    vms: [...[...vms.values()].map(clone), ...[...tags].map(([name, tags]) => template(name, tags))]
  }
}

/** Keep what a step has changed. */
const keep = (fake: FakeAnka, { vms }: State): void => {
  const clones = vms.filter(({ tags }) => tags.length === 0)
  for (const name of fake.vms.keys()) if (!clones.some((vm) => vm.name === name)) fake.vms.delete(name)
  for (const { uuid, name, status, memory } of clones) {
    const known = fake.vms.get(name)
    const size = memory === undefined ? {} : { memory }
    fake.vms.set(name, { uuid, tag: Option.none(), ip: Option.none(), ...size, ...known, name, status })
  }
  for (const { uuid, tags } of vms) if (tags.length > 0) fake.tags.set(uuid, tags)
  const running = clones.filter(({ status }) => status === "running").length
  fake.peak = Math.max(fake.peak, running)
}

/** What went wrong, in the words that the daemon gets for it. */
const failed = (argv: ReadonlyArray<string>, code: number, detail: string) =>
  new AnkaError({ reason: classify(detail, code), command: `anka ${argv.join(" ")}`, code, detail })

const decodeVm = Schema.decodeUnknownSync(schemas.Vm)

const decodeTags = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ tag: Schema.String })))

const tagOf = ({ tag }: Template) => Option.match(tag, { onNone: () => [], onSome: (tag) => ["--tag", tag] })

const toVm = (body: unknown): AnkaVm => {
  const { uuid, name, status, version, ip, ram_size, cpu_cores } = decodeVm(body)
  return {
    ...{ uuid, name, status, tag: version, ip },
    ...(Option.isSome(ram_size) ? { memory: ram_size.value } : {}),
    ...(Option.isSome(cpu_cores) ? { cores: cpu_cores.value } : {})
  }
}

/** `Anka` over a fake. */
export const layer = (fake: FakeAnka) => {
  const dies = mortal(fake)

  /** Carry a command out: `verb` names it in `takes` and `instead`, and with `about` in the journal. */
  const perform = (verb: string, about: string, argv: ReadonlyArray<string>) =>
    dies(
      Effect.gen(function* () {
        const call = parse(argv)
        fake.calls.push(`${verb} ${about}`.trim())
        const first = begin(stateOf(fake), call, ENV)
        // half a clone is there from the first moment on
        if (first._tag === "Later") keep(fake, first.state)
        yield* Effect.sleep(fake.takes[verb] ?? 0)
        yield* fake.instead[verb] ?? Effect.void
        let step = first._tag === "Later" ? first.next(stateOf(fake), ENV) : begin(stateOf(fake), call, ENV)
        keep(fake, step.state)
        while (step._tag === "Later") {
          step = step.next(stateOf(fake), ENV)
          keep(fake, step.state)
        }
        if (step._tag === "Inside") return undefined
        const { code, message, body } = step.result
        return code === 0 ? body : yield* failed(argv, code, message)
      })
    )

  return Layer.succeed(
    Anka,
    Anka.of({
      version: Effect.succeed({ product: "Anka", version: "3.9.1" }),
      license: Effect.succeed({ status: "valid", type: "com.veertu.anka.entplus" }),
      list: Effect.map(perform("list", "", ["list"]), (body) => (Array.isArray(body) ? body.map(toVm) : [])),
      show: (name) => Effect.map(perform("show", name, ["show", name]), toVm),
      localTags: (template) =>
        Effect.map(perform("tags", template, ["show", template, "tag"]), (body) =>
          decodeTags(body).map(({ tag }) => tag)
        ),
      registry: () => Effect.asVoid(perform("registry", "", ["registry", "list"])),
      imageDirectory: Effect.succeed("/"),
      pullSize: () => Effect.succeedNone,
      pull: (template) =>
        perform("pull", `${template}`, ["registry", "pull", ...tagOf(template), template.id]).pipe(
          Effect.mapError((error) =>
            error.reason === "NotFound" ? new AnkaError({ ...error, reason: "TagUnknown" }) : error
          ),
          Effect.asVoid
        ),
      clone: (template, name) =>
        Effect.asVoid(perform("clone", `${template} ${name}`, ["clone", ...tagOf(template), template.id, name])),
      start: (name) => Effect.asVoid(perform("start", name, ["start", name])),
      run: (name, command, { stdin }) =>
        Effect.zipRight(
          perform("run", `${name} ${command.join(" ")}`, ["run", name, ...command]),
          dies(Effect.suspend(() => fake.guest(name, command, stdin)))
        ),
      copyIn: (name, path) => Effect.asVoid(perform("cp", `${path} ${name}`, ["cp", path, `${name}:`])),
      stop: (name) => Effect.asVoid(perform("stop", name, ["stop", name])),
      delete: (name) =>
        perform("delete", name, ["delete", "--yes", name]).pipe(
          Effect.catchIf(
            ({ reason }) => reason === "NotFound",
            () => Effect.void
          ),
          Effect.asVoid
        )
    })
  )
}
