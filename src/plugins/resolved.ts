/** A whole config as it is meant: every value of the daemon and of its services, each with where it came from. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { Common, type Raw, type RawService } from "../config/Config.ts"
import * as Database from "../config/Database.ts"
import { Base, home } from "../config/Home.ts"
import * as Network from "../config/Network.ts"
import * as Notify from "../config/Notify.ts"
import { sourceOf } from "../config/Secret.ts"
import { HIDDEN, originOf, type Setting, settingsOf, withoutUser } from "../config/Setting.ts"
import * as Update from "../config/Update.ts"
import * as Plugins from "./Plugins.ts"

const at = (content: unknown, path: ReadonlyArray<string | number>): unknown =>
  path.reduce<unknown>((value, key) => (Predicate.hasProperty(value, key) ? value[key] : undefined), content)

/** The daemon's own settings; all folders are absolute. */
const daemon = ({ content, lineOf, daemon }: Raw): ReadonlyArray<Setting> =>
  (
    [
      [["work_dir"], daemon.workDir],
      [["pid_file_dir"], daemon.pidFileDir],
      [["state_dir"], daemon.stateDir],
      [["log", "file_dir"], daemon.logDir],
      ...Option.match(daemon.metrics, {
        onNone: () => [],
        onSome: ({ port, host }) =>
          [
            [["metrics", "port"], port],
            [["metrics", "host"], host]
          ] as const
      })
    ] as const
  ).map(([path, value]) => ({
    path,
    value,
    origin: at(content, path) === undefined ? { from: "default" } : { from: "line", line: lineOf(path) }
  }))

/** Who hears of trouble, if anybody. */
const notify = Effect.fnUntraced(function* ({ content: { notify: written }, daemon: { notify }, lineOf }: Raw) {
  const places = yield* home
  if (!Predicate.isRecord(written)) return []
  return settingsOf(Notify.Written, written, Option.getOrUndefined(notify), { at: ["notify"], lineOf, places }).map(
    (setting) =>
      setting.path[1] === "command"
        ? { ...setting, value: Option.getOrUndefined(Option.flatMap(notify, ({ command }) => command)) }
        : setting
  )
})

/** Where new versions come from, as far as somebody wrote it. */
const update = ({ content: { update: written }, daemon: { update }, lineOf }: Raw): ReadonlyArray<Setting> =>
  Update.KEYS.flatMap((key) => {
    const value = key === "url" || key === "keys" ? update[key] : Option.none<string>()
    const origin = { from: "line", line: lineOf(["update", key]) } as const
    return Option.isSome(value) && Predicate.isRecord(written)
      ? [{ path: ["update", key], value: value.value, origin }]
      : []
  })

/** The keys about the network, as far as somebody wrote them; where a proxy is, is no secret. */
const network = Effect.fnUntraced(function* (raw: Raw) {
  const places = yield* home
  const { shown } = yield* Effect.promise(() => import("../network/Proxy.ts"))
  const { network } = raw.daemon
  const tell = (key: string, read: Network.Choice, setting: Setting): Setting => {
    const written = raw.content[key]
    const source = typeof written === "string" ? sourceOf(AST.unknownKeyword, written, places.user) : undefined
    const line = raw.lineOf([key])
    return {
      ...setting,
      value: typeof read === "boolean" ? read : shown(read, HIDDEN),
      origin: source === undefined ? setting.origin : originOf(source, places, line)
    }
  }
  return settingsOf(Network.Written, raw.content, network, { at: [], lineOf: raw.lineOf, places })
    .filter(({ path: [key = ""] }) => key in Network.fields && key in raw.content)
    .map((setting) => {
      if (setting.path[0] === "vm_proxy") return tell("vm_proxy", network.vm_proxy, setting)
      return setting.path[0] === "proxy" && Option.isSome(network.proxy)
        ? tell("proxy", network.proxy.value, setting)
        : setting
    })
})

/** What is meant by the keys of a database that are not written, and a host name is no secret. */
const database = (setting: Setting, written: Readonly<Record<string, unknown>>): ReadonlyArray<Setting> => {
  const key = setting.path[3]
  const url = written.url
  if (key === "url" && typeof url === "string" && setting.origin.from === "line")
    return [{ ...setting, value: /@/.test(url) && !/:\/\//.test(url) ? HIDDEN : withoutUser(url) }]
  if (setting.origin.from !== "unset" || (key !== "url" && key !== "port" && key !== "database")) return [setting]
  // an address, sentinels and clusters tell by themselves
  const isPlain = !Predicate.isString(url) || !/^\w+:\/\/|^file:|^\$/.test(url)
  return isPlain && written.sentinel === undefined && (written.cluster ?? false) === false
    ? [{ ...setting, value: Database.DEFAULTS[key], origin: { from: "default" } }]
    : []
}

const service = Effect.fnUntraced(function* (raw: Raw, service: RawService) {
  const places = yield* home
  const path = ["services", service.index] as const
  const context = { at: path, lineOf: raw.lineOf, places }
  const written = at(raw.content, path)
  const all: Readonly<Record<string, unknown>> = Predicate.isRecord(written) ? written : {}
  const theirs = Object.fromEntries(Object.entries(all).filter(([key]) => !(key in service.own)))
  const store: Readonly<Record<string, unknown>> = Predicate.isRecord(all.database) ? all.database : {}
  const common = settingsOf(
    Common,
    { ...theirs, database: store },
    Option.getOrUndefined(yield* Effect.option(Schema.decodeUnknown(Common)(theirs))),
    context
  )
  const own = Option.match(yield* Plugins.read(raw, service), {
    onNone: () => [],
    onSome: ({ schema, value, written }) =>
      settingsOf(schema, written.content, value, context).map((setting) =>
        fromVariable(setting, written.variableOf(setting.path.slice(path.length)))
      )
  })
  const isUsed = store.enabled === true
  return [
    ...common.filter(({ path }) => path[2] !== "database"),
    ...own,
    ...common
      .filter(({ path }) => path[2] === "database")
      // of a database that is not used, only what somebody wrote
      .filter(
        ({ path, origin }) => isUsed || path[3] === "enabled" || (origin.from !== "default" && origin.from !== "unset")
      )
      .flatMap((setting) => (isUsed ? database(setting, store) : [setting]))
  ]
})

/** A value that comes from a variable of the environment, if it does. */
const fromVariable = (setting: Setting, name: string | undefined, isWritten = true): Setting =>
  name === undefined || setting.origin.from !== "line"
    ? setting
    : { ...setting, origin: { from: "environment", name, line: isWritten ? setting.origin.line : undefined } }

/** Every value of a config without problems. */
export const resolved = Effect.fn("config.resolved")(function* (raw: Raw) {
  return yield* Effect.gen(function* () {
    const services = yield* Effect.forEach(raw.services, (it) => service(raw, it))
    const all = [...daemon(raw), ...(yield* notify(raw)), ...update(raw), ...(yield* network(raw)), ...services.flat()]
    return all.map((setting) => {
      const name = raw.variableOf(setting.path)
      // an older config takes some from the environment without a line about it
      return fromVariable(setting, name, name !== undefined && raw.variables.includes(name))
    })
  }).pipe(Effect.provideService(Base, raw.daemon.workDir))
})
