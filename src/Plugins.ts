/** Finding a plugin by its name: built in, or a file of the user's. */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { ConfigError, type Problem, problemAt, type Raw, type RawService, readOwn } from "./Config.ts"
import { nearest } from "./config/Problem.ts"
import { home } from "./Home.ts"
import { type Plugin, PluginError } from "./Plugin.ts"
import type { Capabilities } from "./PluginApi.ts"
import { github } from "./plugins/github/index.ts"
import type { Service } from "./Service.ts"

/** A plugin whose own types are its own business. */
interface Loaded {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  /** Read a service's own keys, and close the pass over them. */
  readonly bind: (
    raw: Raw,
    service: RawService,
    directory: string
  ) => Effect.Effect<Either.Either<Service<Capabilities>, ReadonlyArray<Problem>>, never, FileSystem | Path>
  /** Read a service's own keys, to show them. */
  readonly read: (raw: Raw, service: RawService) => Effect.Effect<Option.Option<Reading>, never, FileSystem | Path>
}

/** What a plugin makes of a service's own keys. */
export interface Reading {
  readonly schema: Schema.Schema.All
  readonly value: unknown
}

const loaded = <C, I>(plugin: Plugin<C, I, Capabilities>): Loaded => ({
  name: plugin.name,
  files: plugin.files ?? {},
  bind: (raw, service, directory) =>
    Effect.map(
      readOwn(raw, service, plugin.config),
      Either.map((config) => ({
        name: service.name,
        plugin: plugin.name,
        sleepInterval: service.sleepInterval,
        database: service.database,
        // a plugin of the user's may throw where it should return an Effect: that too is its own failure
        pass: Effect.suspend(() =>
          plugin.run({ name: service.name, sleepInterval: service.sleepInterval, directory }, config)
        ),
        find: (job) =>
          Effect.suspend(
            () =>
              plugin.find?.({ name: service.name, sleepInterval: service.sleepInterval, directory }, config, job) ??
              Effect.succeedNone
          ),
        examine: (around) =>
          Effect.suspend(
            () =>
              plugin.examine?.(
                { name: service.name, sleepInterval: service.sleepInterval, directory },
                config,
                around
              ) ?? Effect.succeed([])
          )
      }))
    ),
  read: (raw, service) =>
    Effect.map(readOwn(raw, service, plugin.config), (read) =>
      Option.map(Option.getRight(read), (value) => ({ schema: plugin.config, value }))
    )
})

const BUILT_IN: ReadonlyMap<string, Loaded> = new Map([[github.name, loaded(github)]])

const isPlugin = (value: unknown): value is Plugin<unknown, unknown, Capabilities> =>
  Predicate.isRecord(value) &&
  Predicate.isString(value.name) &&
  Schema.isSchema(value.config) &&
  Predicate.isFunction(value.run)

/** A plugin from disk is the user's own code in our process: trusted, but checked for its shape. */
const fromDisk = Effect.fnUntraced(function* (file: string) {
  const refuse = (detail: string, cause?: unknown) =>
    new PluginError({ reason: "Failed", detail: `${file}: ${detail}`, cause })
  const { api } = yield* Effect.promise(() => import("./PluginApi.ts"))
  const module = yield* Effect.tryPromise({
    try: (): Promise<unknown> => import(`file://${encodeURI(file)}`),
    catch: (cause) => refuse(`cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  })
  const make = Predicate.hasProperty(module, "default") ? module.default : undefined
  if (!Predicate.isFunction(make)) return yield* refuse("must default-export a function of the plugin API")
  const plugin = yield* Effect.try({
    try: (): unknown => make(api),
    catch: (cause) => refuse(`its function failed: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  })
  return isPlugin(plugin)
    ? loaded(plugin)
    : yield* refuse("its function must return an object with `name`, `config` (a Schema) and `run`")
})

/** Names of all plugins there are. */
const known = Effect.gen(function* () {
  const fs = yield* FileSystem
  const { plugins } = yield* home
  const onDisk = yield* Effect.orElseSucceed(fs.readDirectory(plugins), () => [])
  return [...new Set([...BUILT_IN.keys(), ...onDisk])].sort()
})

const find = Effect.fnUntraced(function* (name: string) {
  const builtIn = BUILT_IN.get(name)
  if (builtIn !== undefined) return Option.some(builtIn)
  const fs = yield* FileSystem
  const paths = yield* Path
  const file = paths.join((yield* home).plugins, name, "index.mjs")
  const exists = /^[\w.-]+$/.test(name) && (yield* Effect.orElseSucceed(fs.exists(file), () => false))
  return exists ? Option.some(yield* fromDisk(file)) : Option.none<Loaded>()
})

/** Every service of a config with its plugin found and its keys read, or all that is wrong with any of them. */
export const resolve = Effect.fn("Plugins.resolve")(function* (raw: Raw) {
  const paths = yield* Path
  const places = yield* home
  const problems: Array<Problem> = [...raw.problems]
  const services: Array<Service<Capabilities>> = []
  for (const service of raw.services) {
    const at = ["services", service.index, "plugin"]
    const plugin = yield* Effect.either(find(service.plugin))
    if (Either.isLeft(plugin)) {
      problems.push(problemAt(at, plugin.left.message, raw.lineOf))
    } else if (Option.isNone(plugin.right)) {
      const names = yield* known
      const near = nearest(service.plugin, names)
      const hint = near === undefined ? `known are ${names.join(", ")}` : `did you mean "${near}"?`
      problems.push(problemAt(at, `there is no plugin "${service.plugin}": ${hint}`, raw.lineOf))
    } else {
      const bound = yield* plugin.right.value.bind(raw, service, paths.join(places.plugins, plugin.right.value.name))
      Either.match(bound, {
        onLeft: (found) => void problems.push(...found),
        onRight: (service) => void services.push(service)
      })
    }
  }
  if (problems.length > 0) {
    const sorted = problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
    return yield* new ConfigError({ file: raw.daemon.file, problems: sorted })
  }
  return services
})

/** What its plugin makes of a service's own keys; none where the plugin is not found or the keys are wrong. */
export const read = Effect.fn("Plugins.read")(function* (raw: Raw, service: RawService) {
  const plugin = yield* Effect.map(Effect.option(find(service.plugin)), Option.flatten)
  return yield* Option.match(plugin, {
    onNone: () => Effect.succeedNone,
    onSome: (plugin) => plugin.read(raw, service)
  })
})

/** The files that the plugins of these services need, as they come with them: path and text. */
export const filesOf = Effect.fnUntraced(function* (services: ReadonlyArray<{ readonly plugin: string }>) {
  const paths = yield* Path
  const { plugins } = yield* home
  const found = yield* Effect.forEach(new Set(services.map(({ plugin }) => plugin)), (name) =>
    Effect.map(Effect.option(find(name)), (plugin) =>
      Object.entries(Option.isSome(plugin) && Option.isSome(plugin.value) ? plugin.value.value.files : {}).map(
        ([file, text]) => ({ path: paths.join(plugins, name, file), text })
      )
    )
  )
  return found.flat()
})

/** Write the files that plugins need into their folders, where they are missing; the user's own stay as they are. */
export const writeFiles = Effect.fn("Plugins.writeFiles")(function* (
  services: ReadonlyArray<{ readonly plugin: string }>
) {
  const fs = yield* FileSystem
  const paths = yield* Path
  for (const { path, text } of yield* filesOf(services)) {
    yield* fs.makeDirectory(paths.dirname(path), { recursive: true }).pipe(
      Effect.zipRight(fs.writeFileString(path, text, { flag: "wx", mode: 0o755 })),
      Effect.catchIf(
        (error) => error._tag === "SystemError" && error.reason === "AlreadyExists",
        () => Effect.void
      ),
      Effect.mapError(
        (error) =>
          new PluginError({
            reason: "Failed",
            detail: `${path} cannot be written: check the owner and permissions of the folder (${error.message})`
          })
      )
    )
  }
})
