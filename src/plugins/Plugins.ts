/** Finding a plugin by its name: built in, or a file of the user's. */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { ConfigError, fillOwn, type Problem, problemAt, type Raw, type RawService, readOwn } from "../config/Config.ts"
import { home } from "../config/Home.ts"
import { distinct, isTellable, nearest } from "../config/Problem.ts"
import type { Filled } from "../config/Reference.ts"
import * as Files from "../files/Files.ts"
import * as AddedFiles from "./AddedFiles.ts"
import type { DirectPlugin } from "./DirectPlugin.ts"
import { github } from "./github/index.ts"
import {
  type ExamineContext,
  type Plugin,
  PluginError,
  type PluginParts,
  type Service,
  type ServiceContext
} from "./Plugin.ts"
import type { Capabilities } from "./PluginApi.ts"
import * as PluginFiles from "./PluginFiles.ts"

/** A plugin whose own types are its own business. */
interface Loaded {
  readonly name: string
  /** The files that it needs, in its folder on this host. */
  readonly files: (directory: string) => Effect.Effect<ReadonlyArray<PluginFiles.PluginFile>, never, Path>
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
  /** The keys as written, and which of their values come from the environment. */
  readonly written: Filled
}

const filesIn = <C, I>({ files = {}, refuse }: Plugin<C, I, Capabilities>, directory: string) =>
  Effect.map(Path, (paths) =>
    Object.entries(files).map(([name, text]): PluginFiles.PluginFile => {
      const path = paths.join(directory, name)
      return { path, text, refuse: (found) => refuse?.(path, found) ?? Option.none() }
    })
  )

const loaded = <C, I>(plugin: Plugin<C, I, Capabilities>): Loaded => ({
  name: plugin.name,
  files: (directory) => filesIn(plugin, directory),
  bind: (raw, service, directory) =>
    Effect.gen(function* () {
      const context = yield* Effect.context<FileSystem | Path>()
      const about: ServiceContext = {
        name: service.name,
        sleepInterval: service.sleepInterval,
        registry: service.registry,
        directory,
        checkFiles: filesIn(plugin, directory).pipe(
          Effect.flatMap(Effect.forEach(PluginFiles.check, { discard: true })),
          Effect.mapError((error) => new PluginError({ reason: "Failed", detail: error.message, cause: error })),
          Effect.provide(context)
        ),
        additions: AddedFiles.look(directory).pipe(
          Effect.flatMap(({ additions, wrong: [first] }) =>
            first === undefined
              ? Effect.succeed(additions)
              : new PluginError({ reason: "Failed", detail: `${first.path} ${AddedFiles.detailOf(first)}` })
          ),
          Effect.provide(context)
        )
      }
      return Either.map(yield* readOwn(raw, service, plugin.config, plugin.rule), (config) => ({
        name: service.name,
        plugin: plugin.name,
        sleepInterval: service.sleepInterval,
        registry: service.registry,
        database: service.database,
        // a plugin of the user's may throw where it should return an Effect: that too is its own failure
        pass: Effect.suspend(() => plugin.run(about, config)),
        ...(plugin.look === undefined
          ? {}
          : { look: Effect.suspend(() => plugin.look?.(about, config) ?? Effect.void) }),
        ...(plugin.intakes === undefined ? {} : { intakes: Effect.sync(() => plugin.intakes?.(about, config) ?? []) }),
        find: (job: string) => Effect.suspend(() => plugin.find?.(about, config, job) ?? Effect.succeedNone),
        missing: (text: string) => Effect.suspend(() => plugin.missing?.(config, text) ?? Effect.succeedNone),
        ...(plugin.words === undefined ? {} : { words: plugin.words }),
        ...(plugin.rateLimits === undefined ? {} : { rateLimits: plugin.rateLimits }),
        examine: (context: ExamineContext) =>
          Effect.suspend(() => plugin.examine?.(about, config, context) ?? Effect.succeed([]))
      }))
    }),
  read: (raw, service) =>
    Effect.zipWith(
      readOwn(raw, service, plugin.config, plugin.rule),
      fillOwn(service, plugin.config),
      (read, written) => Option.map(Option.getRight(read), (value) => ({ schema: plugin.config, value, written }))
    )
})

const BUILT_IN: ReadonlyMap<string, Loaded> = new Map([[github.name, loaded(github)]])

const hasParts = (value: unknown, part: "run" | "ci"): value is PluginParts<unknown, unknown, Capabilities> =>
  Predicate.isRecord(value) &&
  Predicate.isString(value.name) &&
  Schema.isSchema(value.config) &&
  Predicate.isFunction(value[part]) &&
  value[part === "run" ? "ci" : "run"] === undefined

const isPlugin = (value: unknown): value is Plugin<unknown, unknown, Capabilities> => hasParts(value, "run")

const isDirect = (value: unknown): value is DirectPlugin<unknown, unknown, Capabilities> => hasParts(value, "ci")

/** A plugin from disk is the user's own code in our process: trusted, but checked for its shape. */
const fromDisk = Effect.fnUntraced(function* (file: string) {
  const refuse = (detail: string, cause?: unknown) =>
    new PluginError({ reason: "Failed", detail: `${file}: ${detail}`, cause })
  const { api, withRun } = yield* Effect.promise(() => import("./PluginApi.ts"))
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
  if (isPlugin(plugin)) return loaded(plugin)
  if (isDirect(plugin)) return loaded(withRun(plugin))
  return yield* refuse("its function must return an object with `name`, `config` (a Schema), and either `run` or `ci`")
})

/** Names of all plugins there are. */
const known = Effect.gen(function* () {
  const fs = yield* FileSystem
  const { plugins } = yield* home
  const onDisk = yield* Effect.orElseSucceed(fs.readDirectory(plugins), () => [])
  return [...new Set([...BUILT_IN.keys(), ...onDisk])].sort()
})

/** The file of a plugin of the user's; none for one that comes with Anklet, or is nowhere. */
export const fileOf = Effect.fnUntraced(function* (name: string) {
  if (BUILT_IN.has(name) || !/^[\w.-]+$/.test(name)) return Option.none<string>()
  const fs = yield* FileSystem
  const paths = yield* Path
  const file = paths.join((yield* home).plugins, name, "index.mjs")
  const exists = yield* Effect.orElseSucceed(fs.exists(file), () => false)
  return exists ? Option.some(file) : Option.none<string>()
})

const find = Effect.fnUntraced(function* (name: string) {
  const builtIn = BUILT_IN.get(name)
  if (builtIn !== undefined) return Option.some(builtIn)
  const file = yield* fileOf(name)
  if (Option.isNone(file)) return Option.none<Loaded>()
  const paths = yield* Path
  // what it imports lies beside it, and runs as this user as well
  yield* Effect.mapError(
    Effect.zipRight(Files.lookAtGiven(file.value), Files.lookAtAll(paths.dirname(file.value))),
    ({ message }) => new PluginError({ reason: "Failed", detail: `${file.value} is not loaded: ${message}` })
  )
  return Option.some(yield* fromDisk(file.value))
})

/** Every service of a config with its plugin found and its keys read, or all that is wrong with any of them. */
export const resolve = Effect.fn("Plugins.resolve")(function* (raw: Raw) {
  const paths = yield* Path
  const places = yield* home
  const problems: Array<Problem> = [...raw.problems]
  const services: Array<Service<Capabilities>> = []
  for (const service of raw.services) {
    // told where the file was read
    if (service.plugin === "") continue
    const at = ["services", service.index, "plugin"]
    const plugin = yield* Effect.either(find(service.plugin))
    if (Either.isLeft(plugin)) {
      problems.push(problemAt(at, plugin.left.message, raw.lineOf))
    } else if (Option.isNone(plugin.right)) {
      const names = yield* known
      const near = nearest(service.plugin, names)
      const hint = near === undefined ? `known are ${names.join(", ")}` : `did you mean "${near}"?`
      const which = isTellable(service.plugin, names) ? `plugin "${service.plugin}"` : "such plugin"
      problems.push(problemAt(at, `there is no ${which}: ${hint}`, raw.lineOf))
    } else {
      const bound = yield* plugin.right.value.bind(raw, service, paths.join(places.plugins, plugin.right.value.name))
      Either.match(bound, {
        onLeft: (found) => void problems.push(...found),
        onRight: (service) => void services.push(service)
      })
    }
  }
  if (problems.length > 0) {
    const sorted = distinct(problems).toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
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

/** The files that the plugins of these services need, as they come with them. */
export const filesOf = Effect.fnUntraced(function* (services: ReadonlyArray<{ readonly plugin: string }>) {
  const paths = yield* Path
  const { plugins } = yield* home
  const found = yield* Effect.forEach(new Set(services.map(({ plugin }) => plugin)), (name) =>
    Effect.flatMap(Effect.option(find(name)), (plugin) =>
      Option.match(Option.flatten(plugin), {
        onNone: () => Effect.succeed([]),
        onSome: ({ files }) => files(paths.join(plugins, name))
      })
    )
  )
  return found.flat()
})

/** The folders of the plugins of these services. */
const foldersOf = Effect.fnUntraced(function* (services: ReadonlyArray<{ readonly plugin: string }>) {
  const paths = yield* Path
  const { plugins } = yield* home
  return [...new Set(services.map(({ plugin }) => paths.join(plugins, plugin)))]
})

/** What the user adds to the VMs of these services, plugin by plugin, and what of it cannot be used. */
export const addedTo = (services: ReadonlyArray<{ readonly plugin: string }>) =>
  Effect.flatMap(foldersOf(services), (folders) => Effect.forEach(folders, AddedFiles.look))

/** Additions that cannot be used, as errors. */
const wronglyAdded = (services: ReadonlyArray<{ readonly plugin: string }>) =>
  Effect.map(addedTo(services), (all) =>
    all
      .flatMap(({ wrong }) => wrong)
      .map((wrong) => new PluginFiles.PluginFileError({ path: wrong.path, detail: AddedFiles.detailOf(wrong) }))
  )

/** What would keep a start from using the files in the folders of these services' plugins; a missing one is no problem, because a start writes it. */
export const wrongFiles = Effect.fn("Plugins.wrongFiles")(function* (
  services: ReadonlyArray<{ readonly plugin: string }>
) {
  const fs = yield* FileSystem
  const there = yield* Effect.filter(yield* filesOf(services), ({ path }) =>
    Effect.orElseSucceed(fs.exists(path), () => true)
  )
  const tried = yield* Effect.forEach(there, (file) => Effect.either(PluginFiles.check(file)))
  return [...tried.filter(Either.isLeft).map(({ left }) => left), ...(yield* wronglyAdded(services))]
})

/** Write the files that plugins need into their folders, where they are missing; the user's own stay as they are, and are looked at. */
export const writeFiles = Effect.fn("Plugins.writeFiles")(function* (
  services: ReadonlyArray<{ readonly plugin: string }>
) {
  // one by one, so that each unusable file is reported
  const tried = yield* Effect.forEach(yield* filesOf(services), (file) => Effect.either(PluginFiles.write(file)))
  const wrong = [...tried.filter(Either.isLeft).map(({ left }) => left), ...(yield* wronglyAdded(services))]
  const [first, ...others] = wrong
  if (first === undefined) return
  const detail = [first.detail, ...others.map(({ message }) => message)].join("\n")
  return yield* new PluginFiles.PluginFileError({ path: first.path, detail })
})
