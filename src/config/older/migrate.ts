/**
 * A config of Anklet 1 or 2 as one of today, and what became of each of its keys. Pure; nothing else knows what the older
 * keys mean.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { isMap, isSeq, type Pair, type YAMLMap, type YAMLSeq } from "yaml"
import { parse, type Yaml } from "../Yaml.ts"
import * as Daemon from "./daemon.ts"
import * as Database from "./database.ts"
import { flagOf, pairOf, rename, unshare, valueOf, within } from "./edit.ts"
import { Place, type Rewriting } from "./place.ts"
import { type Entry, Report } from "./Report.ts"
import * as Service from "./service.ts"
import * as Words from "./words.ts"

/** An older config, rewritten. */
export interface Migration {
  readonly era: Words.Era
  /** The new config, secrets included, as the older one had them. */
  readonly text: string
  /** The same as values. */
  readonly content: unknown
  /** What became of each key, in the order of the file. */
  readonly entries: ReadonlyArray<Entry>
  /** Line in the older config of a path in the new one, or of its nearest known ancestor, counted from 1. */
  readonly lineOf: Yaml["lineOf"]
  /** The variable of the environment that gave the value at a path of the new config. */
  readonly variableOf: (path: ReadonlyArray<PropertyKey>) => string | undefined
}

/** The environment: the variables that are set. */
export type Environment = ReadonlyMap<string, string>

/** What a variable says, as a value of the config. Secrets stay in the environment, and the config names the variable. */
const valueFrom = (key: string, sort: Words.Sort, variable: string, text: string): string | number | boolean => {
  switch (sort) {
    case "secret":
      // the path of a key's file is no secret
      return key.endsWith("private_key") && /^(~|\.{0,2})\/|\.pem$/.test(text) ? text : `\${${variable}}`
    case "number":
      return /^\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : text
    case "flag":
      return text === "true"
    default:
      return text
  }
}

/** Sets what the environment says. */
const apply = (
  place: Place,
  sorts: Readonly<Record<string, Words.Sort>>,
  variableOf: (key: string) => string,
  environment: Environment
) => {
  for (const [key, sort] of Object.entries(sorts)) {
    const variable = variableOf(key)
    const text = environment.get(variable)
    if (text !== undefined) place.set(key, valueFrom(key, sort, variable, text), variable)
  }
}

/** Sets what the environment says of one service. */
const ofEnvironment = (place: Place, name: string, environment: Environment) => {
  apply(place, Words.SERVICE, (key) => Words.serviceVariable(name, key), environment)
  const variableOf = (key: string) => Words.serviceVariable(name, `database_${key}`)
  if (!Object.keys(Words.DATABASE).some((key) => environment.has(variableOf(key)))) return
  apply(place.below(within(place.map, "database"), "database"), Words.DATABASE, variableOf, environment)
}

/** Puts what is said for all services into each of them. */
const fold = (top: Place, services: ReadonlyArray<Place>): ReadonlySet<string> => {
  const all = (key: string) => pairOf(top.map, key)
  const tell = (pair: Pair, to: string, users: ReadonlyArray<Place>, unused: string) =>
    users.length > 0 ? top.drop(pair, "", "became", to) : top.drop(pair, unused)
  const names = (places: ReadonlyArray<Place>) => places.map(({ service }) => service).join(", ")

  const key = all("global_private_key")
  if (key !== undefined && (valueOf(key) ?? "") !== "") {
    const users = services.filter(
      ({ map }) => (valueOf(pairOf(map, "app_id")) ?? 0) !== 0 && (valueOf(pairOf(map, "private_key")) ?? "") === ""
    )
    for (const service of users) service.copy("private_key", key)
    tell(key, `private_key of ${names(users)}`, users, "no service signs in as a GitHub App without a key of its own")
  }
  const token = all("global_token")
  if (token !== undefined && (valueOf(token) ?? "") !== "") {
    const users = services.filter(
      (service) => !Service.isApp(service) && (valueOf(pairOf(service.map, "token")) ?? "") === ""
    )
    for (const service of users) service.copy("token", token)
    tell(token, `token of ${names(users)}`, users, "every service signs in by itself")
  }
  const values: Array<readonly [string, Pair]> = []
  for (const name of Object.keys(Words.DATABASE)) {
    const pair = all(`global_database_${name}`)
    if (pair === undefined) continue
    const value = Words.DATABASE[name] === "flag" ? flagOf(pair) : valueOf(pair)
    if ([undefined, "", 0, false].some((none) => none === value))
      top.drop(pair, "it has no value, or that of the default")
    else values.push([name, pair])
  }
  if (values.length > 0)
    for (const service of services) Database.fold(service.below(within(service.map, "database"), "database"), values)
  for (const [name, pair] of values)
    tell(pair, `database.${Database.nameOf(name)} of each service`, services, "there is no service")
  return new Set(values.map(([name]) => name))
}

/** The list of services, under the key of today. */
const listOf = (top: Place): { readonly list: YAMLSeq | undefined; readonly key: Pair | undefined } => {
  const [plugins, services] = [pairOf(top.map, "plugins"), pairOf(top.map, "services")]
  if (plugins === undefined) return { list: isSeq(services?.value) ? services.value : undefined, key: services }
  if (services === undefined) {
    top.tell("became", plugins, "", "services")
    rename(plugins, "services")
    return { list: isSeq(plugins.value) ? plugins.value : undefined, key: plugins }
  }
  const list = isSeq(services.value) ? services.value : undefined
  if (list !== undefined && isSeq(plugins.value)) list.items.push(...plugins.value.items)
  top.drop(plugins, "there are `services` as well, which Anklet 2 did not read: keep those that are meant", "look at")
  return { list, key: services }
}

const isHandler = (map: YAMLMap) => {
  const plugin = valueOf(pairOf(map, "plugin"))
  return plugin === undefined || plugin === "github"
}

/** Rewrites the services, and what is said for all of them. */
const services = (top: Place, era: Words.Era, environment: Environment) => {
  const { list, key } = listOf(top)
  const places: Array<Place> = []
  let receivers = 0
  for (const item of [...(list?.items ?? [])]) {
    if (!isMap(item)) continue
    const name = String(valueOf(pairOf(item, "name")) ?? "")
    const place = new Place(item, top.rewriting, { prefix: "", service: name === "" ? undefined : name })
    if (name !== "") ofEnvironment(place, name, environment)
    const plugin = pairOf(item, "plugin")
    if (plugin !== undefined && Words.RECEIVERS.includes(valueOf(plugin))) {
      receivers++
      place.tell(
        "left out",
        plugin,
        `${valueOf(plugin)}: Anklet 3 asks GitHub itself; switch the webhook off when the last older daemon is gone`
      )
      list?.items.splice(list.items.indexOf(item), 1)
    } else if (isHandler(item)) places.push(place)
  }
  const global = fold(top, places)
  for (const place of places) Service.service(place, { era, global })
  if (receivers > 0 && list?.items.length === 0 && key !== undefined)
    top.tell("no counterpart", key, "this config runs no jobs, it only receives webhooks: no daemon is needed for that")
}

/** The pair at the end of a path, if there is one. */
const at = (root: unknown, path: ReadonlyArray<PropertyKey>): Pair | undefined => {
  let node = root
  let pair: Pair | undefined
  for (const key of path) {
    pair = isMap(node) ? pairOf(node, String(key)) : undefined
    node = isSeq(node) ? node.items[Number(key)] : pair?.value
  }
  return pair
}

/**
 * Rewrites a config of Anklet 1 or 2. None for any other text, a config of today among them, which stays as it is. Keys
 * that a person must look at stay where that person finds them.
 */
export const migrate = (text: string, environment: Environment): Option.Option<Migration> => {
  const parsed = parse(text)
  if (Either.isLeft(parsed)) return Option.none()
  const { document, content, lineAt, lineOf } = parsed.right
  const era = Words.eraOf(content)
  if (Option.isNone(era)) return Option.none()
  const isPlain = unshare(document)
  const rewriting: Rewriting = { report: new Report(), lineAt, given: new Map(), origins: new Map(), copied: new Set() }
  const { report, origins } = rewriting
  const root = document.contents
  if (isPlain && isMap(root)) {
    const top = new Place(root as YAMLMap, rewriting, { prefix: "", service: undefined })
    apply(top, Words.GLOBAL, Words.globalVariable, environment)
    services(top, era.value, environment)
    Daemon.globals(top)
    Daemon.daemon(top, era.value, environment)
    for (const [name, why] of Words.USELESS)
      if (environment.has(name)) report.add("left out", `environment ${name}`, why)
  } else report.add("look at", "&", "its aliases refer to each other too often: write them out", { line: 1 })
  return Option.some({
    era: era.value,
    text: document.toString({ lineWidth: 0 }),
    content: document.toJS(),
    entries: report.entries.sort((a, b) => (a.line ?? Number.MAX_SAFE_INTEGER) - (b.line ?? Number.MAX_SAFE_INTEGER)),
    lineOf,
    variableOf: (path) => {
      const pair = at(document.contents, path)
      return pair === undefined ? undefined : origins.get(pair)
    }
  })
}
