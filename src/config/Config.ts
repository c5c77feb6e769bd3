/** `config.yml`: what a person writes, parsed strictly, with all problems reported at once. */
import { Path } from "@effect/platform/Path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { keepAll } from "../secrets/held.ts"
import * as Secrets from "../secrets/Secrets.ts"
import { misfits } from "../text/Expected.ts"
import { Registry } from "./Address.ts"
import * as Database from "./Database.ts"
import { optional, withDefault } from "./fields.ts"
import { Base, expand, type Home, home } from "./Home.ts"
import * as Network from "./Network.ts"
import * as Notify from "./Notify.ts"
import * as Environment from "./older/environment.ts"
import { type Entry, needsPerson } from "./older/Report.ts"
import { type Era, eraOf, namesIn } from "./older/words.ts"
import { ConfigError, distinct, nearest, ofParseError, Problem, pathOf } from "./Problem.ts"
import * as Reference from "./Reference.ts"
import { SECRET_NAME } from "./Setting.ts"
import * as Shorthand from "./Shorthand.ts"
import * as Update from "./Update.ts"

export { ConfigError, Problem } from "./Problem.ts"
export { AppKey, PrivateKey, Secret, Token } from "./Secret.ts"

/** Default interval between two passes, in seconds. */
export const SLEEP_INTERVAL = 10

/** Keys that every service has; all others belong to its plugin. */
export const Common = Schema.Struct({
  name: Schema.NonEmptyString,
  plugin: Schema.NonEmptyString,
  sleep_interval: withDefault(Schema.Number.pipe(Schema.between(0.1, 86_400)), SLEEP_INTERVAL),
  registry_url: optional(Registry),
  database: optional(Database.Written)
})

/** Where metrics are served over TCP; by default on this Mac only. */
const Metrics = Schema.Struct({
  port: Database.Port,
  host: withDefault(
    Schema.String.pipe(
      Schema.pattern(/^[\w.:-]+$/, {
        message: () => "expected a name or a number of this Mac; the port is a key of its own"
      })
    ),
    "127.0.0.1"
  )
})

/** The daemon's own keys. */
const TopLevel = Schema.Struct({
  work_dir: withDefault(Schema.NonEmptyString, "."),
  pid_file_dir: optional(Schema.NonEmptyString),
  state_dir: optional(Schema.NonEmptyString),
  log: withDefault(Schema.Struct({ file_dir: optional(Schema.NonEmptyString) }), { file_dir: Option.none() }),
  metrics: optional(Metrics),
  notify: optional(Notify.Written),
  update: withDefault(Update.Written, Update.UNWRITTEN),
  ...Network.fields,
  services: optional(Schema.Unknown)
})

/** Where the environment may give a value; all other keys of a service are its plugin's. */
const Written = Schema.Struct({
  ...TopLevel.fields,
  defaults: Schema.Struct(Common.fields),
  services: Schema.Array(Schema.Struct({ ...Common.fields, count: Schema.Number }))
})

/** Keys that determine which daemon a command means, and where its files are. */
const PLACES: ReadonlyArray<string> = ["work_dir", "pid_file_dir", "state_dir", "log"]

/** A service as written. The plugin's keys are not decoded yet, because only the plugin knows them. */
export interface RawService {
  readonly name: string
  /** Empty if the file does not name one. */
  readonly plugin: string
  readonly sleepInterval: Duration.Duration
  /** Where templates are pulled from, as Anka is asked for it; none is Anka's default registry. */
  readonly registry: Option.Option<string>
  /** The store shared with other hosts; none if the service needs only this host. */
  readonly database: Option.Option<Database.Database>
  /** Its position among the services of the content. */
  readonly index: number
  /** The keys that belong to the plugin. */
  readonly own: Readonly<Record<string, unknown>>
}

/** The daemon's own settings. All paths are absolute. */
export interface Daemon {
  readonly file: string
  readonly workDir: string
  readonly pidFileDir: string
  readonly stateDir: string
  readonly logDir: string
  /** Where metrics are served over TCP; none: nowhere. */
  readonly metrics: Option.Option<typeof Metrics.Type>
  /** Who hears of what a person must act on; none: nobody. */
  readonly notify: Option.Option<Notify.Notify>
  /** Where new versions come from. */
  readonly update: Update.Update
  /** The settings of the network between here and GitHub, as written. */
  readonly network: Network.Written
}

/**
 * A config file as read: the daemon's part, the services, and the problems found so far. Invalid keys are treated as
 * absent.
 */
export interface Raw {
  readonly daemon: Daemon
  readonly services: ReadonlyArray<RawService>
  readonly problems: ReadonlyArray<Problem>
  /** Those of the problems that may make the daemon another one than the user means. */
  readonly daemonProblems: ReadonlyArray<Problem>
  /**
   * As written, secrets included, but without keys that only hold anchors, with `defaults` and `count` expanded, and
   * with the values of the environment in place of references to it, except in the plugins' keys.
   */
  readonly content: Readonly<Record<string, unknown>>
  /** Line of a path of the content in the file, counted from 1. */
  readonly lineOf: (path: ReadonlyArray<PropertyKey>) => number | undefined
  /** The version of Anklet that the file is for, if it is an older one. */
  readonly older: Option.Option<Era>
  /** The variable of the environment that gave the value at a path, except in the plugins' keys. */
  readonly variableOf: (path: ReadonlyArray<PropertyKey>) => string | undefined
  /** Names of the variables that the config refers to, except in the plugins' keys. */
  readonly variables: ReadonlyArray<string>
}

const keysOf = <A, I, R>(schema: Schema.Schema<A, I, R>): ReadonlyArray<string> =>
  AST.getPropertySignatures(AST.encodedAST(schema.ast)).map(({ name }) => String(name))

/** Names of the daemon's keys. */
export const TOP_LEVEL: ReadonlyArray<string> = [...keysOf(TopLevel), Shorthand.DEFAULTS]

const SENTINEL_KEYS = ["name", "nodes", "user", "password"]

/** Known keys at a path of the file; `own` is the schema of the keys of the service's plugin. */
const knownKeys =
  (own: AST.AST = Schema.Struct({}).ast) =>
  (path: ReadonlyArray<PropertyKey>): ReadonlyArray<string> => {
    if (path.length === 0) return TOP_LEVEL
    if (path[0] === "log") return ["file_dir"]
    if (path[0] === "metrics") return keysOf(Metrics)
    if (path[0] === "notify") return Notify.KEYS
    if (path[0] === "update") return Update.KEYS
    if (path.at(-1) === "sentinel") return SENTINEL_KEYS
    if (path.at(-1) === "database") return keysOf(Database.Written)
    const [, , ...inside] = path
    const names = Reference.keysAt(own, inside)
    return inside.length > 0 && names.length > 0 ? names : [...keysOf(Common), Shorthand.COUNT, ...names]
  }

const strict = { errors: "all", onExcessProperty: "error" } as const

/** The valid keys, decoded, and what is wrong with the others. */
interface Sound<A> {
  readonly value: Option.Option<A>
  readonly error: Option.Option<ParseResult.ParseError>
  readonly broken: ReadonlySet<PropertyKey>
}

/** Whether the value at a path is, or contains, a reference to a variable that cannot be used. */
type Unfilled = (path: ReadonlyArray<PropertyKey>) => boolean

/**
 * Decodes. Invalid keys are left out or, if they are required, replaced from `instead`; `isUnfilled` says for keys of
 * this schema that their value did not come from the environment.
 */
const sound = Effect.fnUntraced(function* <A, I, R>(
  schema: Schema.Schema<A, I, R>,
  written: Readonly<Record<string, unknown>>,
  instead: Readonly<Record<string, unknown>> = {},
  isUnfilled: Unfilled = () => false
) {
  const decoded = yield* Effect.either(Schema.decodeUnknown(schema)(written, strict))
  const unfilled = Object.keys(written).filter((key) => isUnfilled([key]))
  if (Either.isRight(decoded) && unfilled.length === 0) {
    const all: Sound<A> = { value: Option.some(decoded.right), error: Option.none(), broken: new Set() }
    return all
  }
  const error = Either.getLeft(decoded)
  const wrong = Option.match(error, { onNone: () => [], onSome: misfits })
  const broken = new Set<PropertyKey>([...wrong.flatMap(({ path }) => path.slice(0, 1)), ...unfilled])
  const rest = Object.fromEntries(Object.entries(written).filter(([key]) => !broken.has(key)))
  const value = yield* Effect.option(Schema.decodeUnknown(schema)({ ...instead, ...rest }))
  const some: Sound<A> = { value, error, broken }
  return some
})

/** Whether a top-level key only holds anchors, as in Compose files. */
const isHolder = (key: string) => key.startsWith("x-")

/**
 * Reads a config file: YAML, the daemon's part, and the common part of each service. Plugins decode their own keys
 * afterwards.
 */
export const read = Effect.fn("Config.read")(function* (file: string) {
  const paths = yield* Path
  const places = yield* home
  // loaded on demand: the parser would be a quarter of what an idle daemon keeps loaded, and is needed once
  const Yaml = yield* Effect.promise(() => import("./Yaml.ts"))
  const yaml = yield* Yaml.read(file)
  const { content: all } = yaml
  if (!Predicate.isRecord(all)) {
    const message = all === null || all === undefined ? "it is empty" : "expected keys and values, as the README shows"
    return yield* new ConfigError({ file, problems: [Problem.make({ path: "", message })] })
  }
  const older = Option.isSome(eraOf(all)) ? yield* migrated(yaml.text, all) : Option.none()
  const { content: written, lineOf } = Option.getOrElse(older, () => yaml)
  const content = Object.fromEntries(
    Object.entries(Predicate.isRecord(written) ? written : all).filter(([key]) => !isHolder(key))
  )
  const filled = yield* Reference.fill(Written, content, { isWhole: true })
  const expanded = Shorthand.expand(filled.content)
  const raw = yield* Effect.provideService(
    interpret(file, expanded, filled, lineOf),
    Base,
    workDirOf(filled.content.work_dir, places, paths)
  )
  return Option.match(older, {
    onNone: () => raw,
    onSome: ({ era, entries, variableOf }): Raw => ({
      ...held(raw, era, entries),
      older: Option.some(era),
      variableOf: (path) => raw.variableOf(path) ?? variableOf(expanded.written(path))
    })
  })
})

/** A config of an older version as one of today. */
const migrated = Effect.fnUntraced(function* (text: string, content: unknown) {
  const { migrate } = yield* Effect.promise(() => import("./older/migrate.ts"))
  return migrate(text, yield* Environment.variables(namesIn(content)))
})

/** A config of an older version is refused while a person must decide something; the rest is checked after that. */
const held = (raw: Raw, era: Era, entries: ReadonlyArray<Entry>): Raw => {
  const open = entries.filter(needsPerson)
  if (open.length === 0) return raw
  const problems = open.map(({ line, service, key, message }) =>
    Problem.make({
      path: service === undefined ? key : `${service}, ${key}`,
      ...(line === undefined ? {} : { line }),
      message
    })
  )
  const what = Problem.make({
    path: "",
    message: `this is a config of Anklet ${era}; \`anklet config migrate\` shows what becomes of its keys, and writes it for Anklet 3 with --write. First decide this:`
  })
  return { ...raw, services: [], problems: [what, ...problems] }
}

/** Decodes the content; relative paths in it begin in the `work_dir`. */
const interpret = Effect.fnUntraced(function* (
  file: string,
  { content, mistakes, written }: Shorthand.Expanded,
  filled: Reference.Filled,
  lineInFile: Raw["lineOf"]
) {
  const lineOf: Raw["lineOf"] = (path) => lineInFile(written(path))
  const isUnfilled: Unfilled = (path) => filled.isWrong(written(path))
  const unfilled = filled.mistakes.map(({ path, message }) => problemAt(path, message, lineInFile))
  const shorthand = mistakes
    .filter(({ path }) => !filled.isWrong(path))
    .map(({ path, message }) => problemAt(path, message, lineInFile))
  const top = yield* sound(TopLevel, content, {}, isUnfilled)
  const wrong = Option.match(top.error, {
    onNone: () => [],
    onSome: (error) => ofParseError(error, [], knownKeys(), lineOf, isUnfilled)
  })
  const { list, problems: unlisted } = listOf(content.services, lineOf)
  const { services, problems } = yield* readCommon(list, lineOf, isUnfilled)
  const said = yield* Effect.orElse(top.value, () => Effect.orDie(Schema.decodeUnknown(TopLevel)({})))
  const daemon = daemonOf(file, said, yield* home, yield* Path)
  const raw: Raw = {
    daemon,
    services,
    problems: distinct([...unfilled, ...wrong, ...shorthand, ...unlisted, ...problems]),
    // an unknown key does not change the meaning of the others; a secret may be known to the daemon's environment alone
    daemonProblems: [...top.broken].some((key) => PLACES.includes(String(key))) ? [...unfilled, ...wrong] : [],
    content,
    lineOf,
    older: Option.none(),
    variableOf: (path) => filled.variableOf(written(path)),
    variables: filled.given.map(({ name }) => name)
  }
  return raw
})

/** Reads a config file for the daemon's settings, whatever is wrong with its services. */
export const readDaemon = Effect.fn("Config.readDaemon")(function* (file: string) {
  const raw = yield* read(file)
  if (raw.daemonProblems.length > 0) return yield* new ConfigError({ file, problems: raw.daemonProblems })
  return raw
})

/** The services in the file, each with its index. */
const listOf = (written: unknown, lineOf: Raw["lineOf"]) => {
  const list: Array<readonly [index: number, service: Readonly<Record<string, unknown>>]> = []
  const none = (message: string) => ({ list, problems: [problemAt(["services"], message, lineOf)] })
  if (written === undefined) return none("is missing")
  if (written === null) return none("has no value: expected at least one service")
  if (!Array.isArray(written)) return none("expected a list of services: `- ` before the first key of each")
  if (written.length === 0) return none("expected at least one service")
  const problems: Array<Problem> = []
  for (const [index, service] of written.entries()) {
    if (Predicate.isRecord(service)) list.push([index, service])
    else problems.push(problemAt(["services", index], "expected the keys and values of a service", lineOf))
  }
  return { list, problems }
}

/** The daemon's working directory; relative to where anklet is started, which is also the default. */
const workDirOf = (written: unknown, places: Home, paths: Path): string =>
  paths.resolve(expand(typeof written === "string" && written !== "" ? written : ".", places))

const daemonOf = (file: string, top: typeof TopLevel.Type, places: Home, paths: Path): Daemon => {
  const at = (path: string) => paths.resolve(expand(path, places))
  return {
    file,
    workDir: places.base,
    pidFileDir: at(Option.getOrElse(top.pid_file_dir, () => places.pid)),
    stateDir: at(Option.getOrElse(top.state_dir, () => places.state)),
    // without a path: where anklet is started
    logDir: Option.match(top.log.file_dir, { onNone: () => paths.resolve("."), onSome: at }),
    metrics: top.metrics,
    notify: Option.map(top.notify, (written) => Notify.of(written, places)),
    update: Update.of(top.update, places),
    network: Network.of(top)
  }
}

const readCommon = Effect.fnUntraced(function* (
  written: ReadonlyArray<readonly [index: number, service: Readonly<Record<string, unknown>>]>,
  lineOf: Raw["lineOf"],
  isUnfilled: Unfilled
) {
  const commonKeys = new Set(keysOf(Common))
  const problems: Array<Problem> = []
  const services: Array<RawService> = []
  const names = new Map<string, number>()
  for (const [index, service] of written) {
    const at = ["services", index]
    const entries = Object.entries(service)
    const given = Object.fromEntries(entries.filter(([key]) => commonKeys.has(key)))
    const common = yield* sound(Common, given, { name: "?", plugin: "?" }, (path) => isUnfilled([...at, ...path]))
    if (Option.isSome(common.error)) {
      problems.push(...ofParseError(common.error.value, at, knownKeys(), lineOf, isUnfilled))
      // a mistyped `plugin` is reported here, because without it no plugin can be asked
      for (const [key] of common.broken.has("plugin") ? entries : []) {
        const near = commonKeys.has(key) ? undefined : nearest(key, ["name", "plugin"])
        if (near !== undefined && !(near in service))
          problems.push(problemAt([...at, key], `\`${key}\`: did you mean \`${near}\`?`, lineOf))
      }
    }
    const database = yield* readDatabase(service.database, common.broken.has("database"))
    for (const { path, message } of database.mistakes) {
      problems.push(problemAt([...at, "database", ...path], message, lineOf))
    }
    if (Option.isNone(common.value)) continue
    const { name, plugin, sleep_interval, registry_url } = common.value.value
    const first = common.broken.has("name") ? undefined : names.get(name)
    if (first !== undefined) {
      problems.push(
        problemAt(
          [...at, "name"],
          `service "${name}" already exists (line ${lineOf(["services", first, "name"])}); names must differ`,
          lineOf
        )
      )
    }
    if (!common.broken.has("name")) names.set(name, first ?? index)
    services.push({
      name,
      plugin: common.broken.has("plugin") ? "" : plugin,
      sleepInterval: Duration.seconds(sleep_interval),
      registry: registry_url,
      database: database.store,
      index,
      own: Object.fromEntries(entries.filter(([key]) => !commonKeys.has(key)))
    })
  }
  return { services, problems }
})

/** Environment variables of Anklet 1 or 2 that nothing reads: a sentence for a person, if any are set. */
export const olderEnvironment = ({
  services,
  content,
  variables,
  older
}: Pick<Raw, "services" | "content" | "variables" | "older">) =>
  Effect.map(
    Environment.ignored(
      services.map(({ name }) => name),
      { content, variables },
      Option.isSome(older)
    ),
    Environment.warningOf
  )

/** That a config of an older version is in use: a sentence for a person; none for one of today. */
export const olderConfig = ({ daemon, older }: Pick<Raw, "daemon" | "older">): Option.Option<string> =>
  Option.map(
    older,
    (era) =>
      `${daemon.file} is a config of Anklet ${era}, used as one of Anklet 3: \`anklet config migrate\` shows what becomes of its keys, and with --write rewrites it`
  )

/**
 * The store of a service, and conflicts between its keys. Problems within one key (`isBroken`) have been reported
 * already.
 */
const readDatabase = Effect.fnUntraced(function* (written: unknown, isBroken: boolean) {
  const none: { store: RawService["database"]; mistakes: ReadonlyArray<Database.Mistake> } = {
    store: Option.none(),
    mistakes: []
  }
  if (!Predicate.isRecord(written)) return none
  const { value, broken } = yield* sound(Database.Written, written)
  const store = Option.map(value, (value) => Database.resolve(value, broken))
  if (Option.isNone(store)) return none
  if (!Option.isOption(store.value)) return { ...none, mistakes: store.value }
  return isBroken ? none : { ...none, store: store.value }
})

/** A problem at a path of the file. */
export const problemAt = (path: ReadonlyArray<PropertyKey>, message: string, lineOf: Raw["lineOf"]): Problem => {
  const line = lineOf(path)
  return Problem.make({ path: pathOf(path), ...(line === undefined ? {} : { line }), message })
}

/**
 * A rule about keys that depend on each other. It sees them as written, so that it can report conflicts even if one of
 * them is invalid by itself.
 */
export type Rule = (
  written: Readonly<Record<string, unknown>>
) => ReadonlyArray<{ readonly path: ReadonlyArray<string | number>; readonly message: string }>

/** The keys that belong to a service's plugin, with the values of the environment in place of references to it. */
export const fillOwn = <A, I, R>(service: RawService, schema: Schema.Schema<A, I, R>) =>
  Reference.fill(schema, service.own, { isWhole: false })

/** The value below a key. */
const inside = (value: unknown, key: PropertyKey): unknown => {
  const whole = Option.isOption(value) ? Option.getOrUndefined(value) : value
  return Predicate.hasProperty(whole, key) ? whole[key] : undefined
}

/** Decodes the keys that belong to a service's plugin, by the plugin's schema and its rule. */
export const readOwn = <A, I, R>(
  raw: Raw,
  service: RawService,
  schema: Schema.Schema<A, I, R>,
  rule: Rule = () => []
): Effect.Effect<Either.Either<A, ReadonlyArray<Problem>>, never, R> =>
  Effect.gen(function* () {
    const filled = yield* fillOwn(service, schema)
    const decoded = yield* Effect.either(Schema.decodeUnknown(schema)(filled.content, strict))
    const at = ["services", service.index]
    const problemIn = ({ path, message }: { readonly path: ReadonlyArray<PropertyKey>; readonly message: string }) =>
      problemAt([...at, ...path], message, raw.lineOf)
    const isUnfilled: Unfilled = ([, , ...path]) => filled.isWrong(path)
    const problems = [
      ...filled.mistakes.map(problemIn),
      ...Option.match(Either.getLeft(decoded), {
        onNone: () => [],
        onSome: (error) => ofParseError(error, at, knownKeys(schema.ast), raw.lineOf, isUnfilled)
      }),
      ...rule(filled.content).map(problemIn)
    ]
    // a third-party plugin may use a schema of its own for secrets
    if (Either.isRight(decoded)) keepAll(decoded.right)
    for (const { path, name } of filled.given) {
      const value = path.reduce(inside, Option.getOrUndefined(Either.getRight(decoded)))
      if (!Redacted.isRedacted(value) && !SECRET_NAME.test(String(path.at(-1)))) continue
      Secrets.keepName(name)
      Secrets.keep(String(path.reduce(inside, filled.content)))
    }
    return Either.isRight(decoded) && problems.length === 0 ? Either.right(decoded.right) : Either.left(problems)
  }).pipe(Effect.provideService(Base, raw.daemon.workDir))
