/** `Anka` by means of the command itself: arguments, timeouts, and the meaning of its answers. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Template } from "../../domain/Job.ts"
import { without } from "../../secrets/Secrets.ts"
import { inOneLine } from "../../text/Expected.ts"
import * as Limits from "../../text/Limits.ts"
import { Anka, AnkaError, type AnkaVm } from "../Anka.ts"
import { told } from "../Each.ts"
import { Exec, type ExecError, type ExecOptions, type ExecResult } from "../Exec.ts"
import { Once } from "../Once.ts"
import { judge } from "./envelope.ts"
import * as schemas from "./schemas.ts"

/**
 * Timeout of each command. Veertu's controller allows 90 s for a start; a full copy of an untagged template takes
 * minutes.
 */
const WITHIN = {
  ask: Duration.seconds(30),
  registry: Duration.seconds(60),
  clone: Duration.minutes(2),
  start: Duration.minutes(2),
  copy: Duration.minutes(2),
  stop: Duration.seconds(60),
  forceStop: Duration.seconds(30),
  delete: Duration.minutes(2),
  pull: Duration.hours(12)
} as const

/** Where Veertu's installer puts the command. */
export const INSTALLED = "/usr/local/bin/anka"

/**
 * Exit codes by which `anka run` says that it lost, or never reached, the guest; a command in the guest could exit with
 * them too.
 */
const LOST: ReadonlySet<number> = new Set([124, 125])

/** Commands that connect to a registry. */
const CONNECTS: ReadonlySet<string> = new Set(["registry", "pull"])

/** Stands for a missing list: Anka prints none if there is nothing to list. */
const NOTHING = { items: [], unreadable: [] }

const failed = (args: ReadonlyArray<string>, reason: AnkaError["reason"], code: number, detail: string) =>
  Effect.fail(new AnkaError({ reason, command: `anka ${args.join(" ")}`, code, detail }))

/**
 * The end of the output, where `anka`'s own message is. What the guest wrote before it could keep a pattern busy
 * forever.
 */
const ending = (said: string): string => said.slice(-Limits.WORDS)

const tailOf = ({ stdout, stderr }: ExecResult) => {
  const said = ending(without(stderr.trim() || stdout.trim()))
  return said === "" ? "" : `: ${said}`
}

const ofExec = (args: ReadonlyArray<string>) => (error: ExecError) => {
  const of = (reason: AnkaError["reason"], detail: string) =>
    new AnkaError({ reason, command: `anka ${args.join(" ")}`, detail })
  switch (error.reason) {
    case "NotFound":
      return of(
        "Missing",
        `there is no "anka" in PATH or at ${INSTALLED}; install Anka from https://veertu.com/download-anka-build/`
      )
    case "NotExecutable":
      return of("Missing", "it may not be executed; check its permissions")
    case "Timeout":
      return of("Timeout", error.detail)
    default:
      return of("Failed", error.detail)
  }
}

/** In an answer of the registry, "not found" refers to the template or tag there. */
const ofRegistry = (error: AnkaError) =>
  error.reason === "NotFound" ? new AnkaError({ ...error, reason: "TagUnknown" }) : error

const unfit = (what: string, word: string): Effect.Effect<void, AnkaError> =>
  Effect.fail(
    new AnkaError({
      reason: "NotFound",
      command: "anka",
      detail: `${JSON.stringify(Limits.kept(word, Limits.NAME))} cannot be the name of a ${what}: not found`
    })
  )

/**
 * Checks an id of a VM or template of this host, as the hypervisor or its user gave it: `anka` must not read it as an
 * option, a port or a path in a VM.
 */
const checked = (id: string): Effect.Effect<void, AnkaError> =>
  id === "" || id.startsWith("-") || id.includes(":") || id.length > Limits.NAME
    ? unfit("VM or template", id)
    : Effect.void

/** Checks a template and its tag, as a job requests them, once more: the registry receives nothing else. */
const checkedTemplate = ({ id, tag }: Template): Effect.Effect<void, AnkaError> =>
  Limits.isTemplate(id)
    ? Option.match(tag, {
        onNone: () => Effect.void,
        onSome: (tag) => (Limits.isTag(tag) ? Effect.void : unfit("tag", tag))
      })
    : unfit("template", id)

const toVm = ({ uuid, name, status, version, ip, ram_size, cpu_cores }: typeof schemas.Vm.Type): AnkaVm => ({
  uuid,
  name,
  status,
  tag: version,
  ip,
  ...(Option.isSome(ram_size) ? { memory: ram_size.value } : {}),
  ...(Option.isSome(cpu_cores) ? { cores: cpu_cores.value } : {})
})

/** The command found in PATH, or else where Veertu's installer puts it. */
export const layer = Layer.effect(
  Anka,
  Effect.gen(function* () {
    const exec = yield* Exec
    const fs = yield* FileSystem
    const once = Once.make()

    const anka = (args: ReadonlyArray<string>, options: ExecOptions): Effect.Effect<ExecResult, AnkaError> => {
      const command = args.find((word) => word !== "-j") ?? ""
      const kind = CONNECTS.has(command) ? "registry" : "anka"
      const clean = { ...options, kind, env: { ...options.env, ANKA_MACHINE_READABLE: undefined } } as const
      return exec.run("anka", args, clean).pipe(
        Effect.catchIf(
          (error) => error.reason === "NotFound",
          (error) =>
            Effect.if(
              Effect.orElseSucceed(fs.exists(INSTALLED), () => false),
              {
                onTrue: () => exec.run(INSTALLED, args, clean),
                onFalse: () => Effect.fail(error)
              }
            )
        ),
        Effect.mapError(ofExec(args)),
        Effect.tap(({ code }) => Effect.logDebug(`anka ${args.join(" ")} exited with ${code}`))
      )
    }

    /** Runs a command that answers with a result object. */
    const call = (args: ReadonlyArray<string>, options: ExecOptions) =>
      Effect.flatMap(anka(["-j", ...args], options), (result) =>
        Either.match(judge(result), {
          onRight: Effect.succeed,
          onLeft: (failure) =>
            failure === undefined
              ? failed(args, "Protocol", result.code, `printed no result${tailOf(result)}`)
              : failed(args, failure.reason, failure.code, failure.detail)
        })
      )

    /**
     * Runs a query. It is repeated once if the answer is empty or missing, which happens in races (release notes 2.4.1,
     * 2.5.4).
     */
    const ask = <A, I>(
      schema: Schema.Schema<A, I>,
      args: ReadonlyArray<string>,
      within: Duration.Duration = WITHIN.ask
    ) =>
      call(args, { timeout: within }).pipe(
        Effect.retry({
          while: ({ reason }) => reason === "Protocol",
          schedule: Schedule.intersect(Schedule.spaced("200 millis"), Schedule.recurs(1))
        }),
        Effect.flatMap(({ body }) =>
          Effect.mapError(
            Schema.decodeUnknown(schema)(body),
            (error) =>
              new AnkaError({
                reason: "Protocol",
                command: `anka ${args.join(" ")}`,
                detail: `answered with something unknown: ${inOneLine(error)}`
              })
          )
        )
      )

    const found = <A>(effect: Effect.Effect<A, AnkaError>) =>
      effect.pipe(
        Effect.asSome,
        Effect.catchIf(
          ({ reason }) => reason === "NotFound",
          () => Effect.succeedNone
        )
      )

    const list = ask(Schema.NullishOr(schemas.Vms), ["list"]).pipe(
      Effect.map((vms) => vms ?? NOTHING),
      Effect.tap((vms) =>
        told(once, "anka list", vms, (it) =>
          Option.isSome(schemas.unclear(it))
            ? "until that is known it counts as running, and occupies one of this Mac's VM slots"
            : "it is left out"
        )
      ),
      Effect.map(({ items, unreadable }) => [
        ...items.map(toVm),
        ...unreadable.flatMap((it) => Option.toArray(schemas.unclear(it)))
      ])
    )
    const show = (vm: string) => Effect.map(Effect.zipRight(checked(vm), ask(schemas.Vm, ["show", vm])), toVm)
    const stop = (vm: string, { force }: { readonly force: boolean }) =>
      Effect.zipRight(
        checked(vm),
        call(["stop", ...(force ? ["--force"] : []), vm], { timeout: force ? WITHIN.forceStop : WITHIN.stop })
      ).pipe(Effect.asVoid)
    const tagOf = ({ tag }: Template) => Option.match(tag, { onNone: () => [], onSome: (tag) => ["--tag", tag] })

    const remoteOf = (registry: Option.Option<string>) =>
      Option.match(registry, { onNone: () => [], onSome: (url) => ["--remote", url] })

    return Anka.of({
      version: Effect.map(ask(schemas.Version, ["version"]), ({ product, version }) => ({
        product,
        version: version.match(/\d+\.\d+\.\d+/)?.[0] ?? version
      })),
      license: Effect.map(ask(schemas.License, ["license", "show"]), ({ status, license_type }) => ({
        status,
        type: license_type
      })),
      list,
      show,
      localTags: (template) =>
        Effect.zipRight(checked(template), ask(Schema.NullishOr(schemas.Tags), ["show", template, "tag"])).pipe(
          Effect.flatMap((tags) => told(once, `anka show ${template} tag`, tags ?? NOTHING)),
          Effect.map((tags) => tags.map(({ tag }) => tag))
        ),
      registry: (registry) =>
        Effect.asVoid(call(["registry", ...remoteOf(registry), "list"], { timeout: WITHIN.registry })),
      imageDirectory: Effect.flatMap(anka(["config", "img_lib_dir"], { timeout: WITHIN.ask }), (result) =>
        // a single key is printed as it is, without a result object (Veertu's reference of `anka config`)
        result.code === 0 && result.stdout.trim().startsWith("/")
          ? Effect.succeed(result.stdout.trim())
          : failed(["config", "img_lib_dir"], "Protocol", result.code, `printed no path${tailOf(result)}`)
      ),
      pullSize: (template, registry) =>
        Effect.zipRight(
          checkedTemplate(template),
          ask(
            Schema.Union(schemas.Size, Schema.Unknown),
            ["pull", template.id, "--check-download-size", ...tagOf(template), ...Option.toArray(registry)],
            WITHIN.registry
          )
        ).pipe(
          Effect.map((size) =>
            Option.map(Schema.decodeUnknownOption(schemas.Size)(size), ({ size, cached, available }) => ({
              missing: Math.max(0, size - cached),
              available
            }))
          ),
          Effect.mapError(ofRegistry)
        ),
      pull: (template, registry, started) =>
        Effect.zipRight(
          checkedTemplate(template),
          call(["registry", ...remoteOf(registry), "pull", ...tagOf(template), template.id], {
            timeout: WITHIN.pull,
            started
          })
        ).pipe(Effect.mapError(ofRegistry), Effect.asVoid),
      clone: (template, vm, started) =>
        Effect.zipRight(
          checkedTemplate(template),
          call(["clone", ...tagOf(template), template.id, vm], { timeout: WITHIN.clone, started })
        ).pipe(Effect.asVoid),
      start: (vm) => Effect.asVoid(call(["start", vm], { timeout: WITHIN.start })),
      run: (vm, command, options) =>
        Effect.flatMap(anka(["run", vm, ...command], options), (result) =>
          LOST.has(result.code) ||
          (result.code !== 0 && /anka: .*communication (timeout|broken|error)/i.test(ending(result.stderr)))
            ? failed(
                ["run", vm, ...command],
                "GuestUnreachable",
                result.code,
                `the VM does not answer${tailOf(result)}`
              )
            : result.code !== 0 && /^-?anka: .*: not found\s*$/im.test(ending(result.stderr))
              ? failed(["run", vm, ...command], "NotFound", result.code, ending(result.stderr).trim())
              : Effect.succeed(result)
        ),
      copyIn: (vm, hostPath, guestPath) =>
        Effect.asVoid(call(["cp", "-a", hostPath, `${vm}:${guestPath}`], { timeout: WITHIN.copy })),
      stop,
      delete: (vm) =>
        Effect.gen(function* () {
          yield* checked(vm)
          const before = yield* found(show(vm))
          if (Option.isNone(before)) return
          // a failed force-stop does not matter: running VMs can be deleted too
          if (before.value.status === "running") yield* Effect.ignore(stop(vm, { force: true }))
          yield* found(call(["delete", "--yes", vm], { timeout: WITHIN.delete }))
          if ((yield* list).some(({ name, uuid }) => name === vm || uuid === vm)) {
            return yield* failed(["delete", "--yes", vm], "Failed", 0, "reported success, but the VM is still listed")
          }
        })
    })
  })
)
