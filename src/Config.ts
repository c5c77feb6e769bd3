/** `config.yml`: what a person writes, read strictly, with every problem told at once. */
import { Path } from "@effect/platform/Path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import * as Database from "./config/Database.ts"
import * as Network from "./config/Network.ts"
import * as Older from "./config/Older.ts"
import { ConfigError, nearest, ofParseError, Problem, pathOf } from "./config/Problem.ts"
import { expand, type Home, home } from "./Home.ts"

export { ConfigError, Problem } from "./config/Problem.ts"
export { PrivateKey, Secret } from "./config/Secret.ts"

const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optionalWith(schema, { as: "Option", exact: true })
const withDefault = <A, I, R>(schema: Schema.Schema<A, I, R>, value: A) =>
  Schema.optionalWith(schema, { exact: true, default: () => value })

/** Default time between two passes, in seconds. */
export const SLEEP_INTERVAL = 10

/** Keys that every service has; all others are its plugin's. */
export const Common = Schema.Struct({
  name: Schema.NonEmptyString,
  plugin: Schema.NonEmptyString,
  sleep_interval: withDefault(Schema.Number.pipe(Schema.between(0.1, 86_400)), SLEEP_INTERVAL),
  database: optional(Database.Written)
})

/** Where metrics are served over TCP: to this Mac alone, unless told otherwise. */
const Metrics = Schema.Struct({
  port: Database.Port,
  host: withDefault(Schema.NonEmptyString, "127.0.0.1")
})

const TopLevel = Schema.Struct({
  work_dir: withDefault(Schema.NonEmptyString, "."),
  pid_file_dir: optional(Schema.NonEmptyString),
  state_dir: optional(Schema.NonEmptyString),
  log: withDefault(Schema.Struct({ file_dir: withDefault(Schema.NonEmptyString, ".") }), { file_dir: "." }),
  metrics: optional(Metrics),
  ...Network.fields,
  services: Schema.Array(Schema.Record({ key: Schema.String, value: Schema.Unknown })).pipe(
    Schema.minItems(1, { message: () => "expected at least one service" })
  )
})

/** A service as it is written: its own keys are not read yet, because only its plugin knows them. */
export interface RawService {
  readonly name: string
  readonly plugin: string
  readonly sleepInterval: Duration.Duration
  /** The store that it shares with other hosts; none: it needs nothing but this one. */
  readonly database: Option.Option<Database.Database>
  /** Where it stands in the file. */
  readonly index: number
  /** The keys that belong to the plugin. */
  readonly own: Readonly<Record<string, unknown>>
}

/** What the daemon itself is told. All paths are absolute. */
export interface Daemon {
  readonly file: string
  readonly workDir: string
  readonly pidFileDir: string
  readonly stateDir: string
  readonly logDir: string
  /** Where metrics are served over TCP; none: nowhere. */
  readonly metrics: Option.Option<typeof Metrics.Type>
  /** What is written about the way to GitHub. */
  readonly network: Network.Written
}

/** A file that was read: the daemon's part, the services, and the problems found so far. */
export interface Raw {
  readonly daemon: Daemon
  readonly services: ReadonlyArray<RawService>
  readonly problems: ReadonlyArray<Problem>
  /** As it is written, secrets and all. */
  readonly content: Readonly<Record<string, unknown>>
  /** Line of a path in the file, counted from 1. */
  readonly lineOf: (path: ReadonlyArray<PropertyKey>) => number | undefined
}

const keysOf = <A, I, R>(schema: Schema.Schema<A, I, R>): ReadonlyArray<string> =>
  AST.getPropertySignatures(AST.encodedAST(schema.ast)).map(({ name }) => String(name))

const SENTINEL_KEYS = ["name", "nodes", "user", "password"]

/** Known keys at a path of the file; `own` are those of the service's plugin. */
const knownKeys =
  (own: ReadonlyArray<string>) =>
  (path: ReadonlyArray<PropertyKey>): ReadonlyArray<string> => {
    if (path.length === 0) return keysOf(TopLevel)
    if (path[0] === "log") return ["file_dir"]
    if (path[0] === "metrics") return keysOf(Metrics)
    if (path.at(-1) === "sentinel") return SENTINEL_KEYS
    return path.at(-1) === "database" ? keysOf(Database.Written) : [...keysOf(Common), ...own]
  }

const strict = { errors: "all", onExcessProperty: "error" } as const

/** Read a config file: YAML, the daemon's part, and the common part of each service. What its plugins say comes on top. */
export const read = Effect.fn("Config.read")(function* (file: string) {
  const paths = yield* Path
  const places = yield* home
  // the parser is a quarter of what an idle daemon would load, and is needed once
  const Yaml = yield* Effect.promise(() => import("./config/Yaml.ts"))
  const { content, lineOf } = yield* Yaml.read(file)
  const fail = (problems: ReadonlyArray<Problem>) => new ConfigError({ file, problems })
  if (!Predicate.isRecord(content)) {
    return yield* fail([
      Problem.make({
        path: "",
        message:
          content === null || content === undefined ? "it is empty" : "expected keys and values, as the README shows"
      })
    ])
  }
  const older = Older.recognise(content)
  if (Option.isSome(older)) return yield* fail([problemAt(older.value.path, older.value.message, lineOf)])
  const whole = yield* Effect.either(Schema.decodeUnknown(TopLevel)(content, strict))
  // unknown keys do not keep us from reading on: all problems at once
  const top = Either.isRight(whole) ? whole : yield* Effect.either(Schema.decodeUnknown(TopLevel)(content))
  const unknown = Either.isLeft(whole) ? ofParseError(whole.left, [], knownKeys([]), lineOf) : []
  if (Either.isLeft(top)) {
    const services = Array.isArray(content.services) ? content.services.filter(Predicate.isRecord) : []
    const common = yield* readCommon(services, lineOf)
    return yield* fail([...unknown, ...common.problems])
  }
  const { services, problems } = yield* readCommon(top.right.services, lineOf)
  const daemon = daemonOf(file, top.right, places, paths)
  const raw: Raw = { daemon, services, problems: [...unknown, ...problems], content, lineOf }
  return raw
})

const daemonOf = (file: string, top: typeof TopLevel.Type, places: Home, paths: Path): Daemon => {
  const workDir = paths.resolve(expand(top.work_dir, places))
  const at = (path: string) => paths.resolve(workDir, expand(path, places))
  return {
    file,
    workDir,
    pidFileDir: at(Option.getOrElse(top.pid_file_dir, () => places.pid)),
    stateDir: at(Option.getOrElse(top.state_dir, () => places.state)),
    // like the shell's: from where anklet is started
    logDir: paths.resolve(expand(top.log.file_dir, places)),
    metrics: top.metrics,
    network: Network.of(top)
  }
}

const readCommon = Effect.fnUntraced(function* (
  written: ReadonlyArray<Readonly<Record<string, unknown>>>,
  lineOf: Raw["lineOf"]
) {
  const commonKeys = new Set(keysOf(Common))
  const problems: Array<Problem> = []
  const services: Array<RawService> = []
  const names = new Map<string, number>()
  for (const [index, service] of written.entries()) {
    const entries = Object.entries(service)
    const common = Object.fromEntries(entries.filter(([key]) => commonKeys.has(key)))
    const decoded = yield* Effect.either(Schema.decodeUnknown(Common)(common, strict))
    if (Either.isLeft(decoded)) {
      problems.push(...ofParseError(decoded.left, ["services", index], knownKeys([]), lineOf))
      // a mistyped `name` or `plugin` is named here: without them the plugin cannot be asked
      for (const [key] of entries) {
        const near = commonKeys.has(key) ? undefined : nearest(key, ["name", "plugin"])
        if (near !== undefined && !(near in service))
          problems.push(problemAt(["services", index, key], `\`${key}\`: did you mean \`${near}\`?`, lineOf))
      }
      continue
    }
    const { name, plugin, sleep_interval, database } = decoded.right
    const store = Option.match(database, { onNone: () => Option.none(), onSome: Database.resolve })
    const wrong = Option.isOption(store) ? [] : store
    for (const { path, message } of wrong) {
      problems.push(problemAt(["services", index, "database", ...path], message, lineOf))
    }
    const first = names.get(name)
    if (first !== undefined) {
      problems.push(
        problemAt(
          ["services", index, "name"],
          `service "${name}" is there already (line ${lineOf(["services", first, "name"])}); names must differ`,
          lineOf
        )
      )
    }
    names.set(name, first ?? index)
    services.push({
      name,
      plugin,
      sleepInterval: Duration.seconds(sleep_interval),
      database: Option.isOption(store) ? store : Option.none(),
      index,
      own: Object.fromEntries(entries.filter(([key]) => !commonKeys.has(key)))
    })
  }
  return { services, problems }
})

/** What the environment holds for Anklet 1 or 2, and nothing reads: a sentence for a person, if any. */
export const olderEnvironment = ({ services, content }: Pick<Raw, "services" | "content">) =>
  Effect.map(
    Older.ignoredVariables(
      services.map(({ name }) => name),
      content
    ),
    Older.warningOf
  )

/** A problem at a path of the file. */
export const problemAt = (path: ReadonlyArray<PropertyKey>, message: string, lineOf: Raw["lineOf"]): Problem => {
  const line = lineOf(path)
  return Problem.make({ path: pathOf(path), ...(line === undefined ? {} : { line }), message })
}

/** Read the keys that belong to a service's plugin, by the plugin's schema. */
export const readOwn = <A, I, R>(
  raw: Raw,
  service: RawService,
  schema: Schema.Schema<A, I, R>
): Effect.Effect<Either.Either<A, ReadonlyArray<Problem>>, never, R> =>
  Effect.map(
    Effect.either(Schema.decodeUnknown(schema)(service.own, strict)),
    Either.mapLeft((error) => ofParseError(error, ["services", service.index], knownKeys(keysOf(schema)), raw.lineOf))
  )
