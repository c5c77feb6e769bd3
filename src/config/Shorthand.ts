/**
 * Two ways to write less: `defaults`, whose keys every service has unless it has its own, and `count`, which makes several
 * services of one. Both are replaced by what they stand for before a config is decoded. Pure.
 */
import * as Predicate from "effect/Predicate"

type Path = ReadonlyArray<PropertyKey>
type Keys = Readonly<Record<string, unknown>>

/** What is wrong with them, at a path of the file. */
interface Mistake {
  readonly path: Path
  readonly message: string
}

/** A config without them. */
export interface Expanded {
  readonly content: Keys
  readonly mistakes: ReadonlyArray<Mistake>
  /** Where the value at a path of this content is written in the file. */
  readonly written: (path: Path) => Path
}

/** The key at the top of the file, and the one of a service. */
export const DEFAULTS = "defaults"
export const COUNT = "count"

/** Maximum number of services that one may stand for. */
const MOST = 32

/** A blank value counts as missing. */
const isGiven = (value: unknown) => value !== undefined && value !== null

/** A service's keys over the defaults; maps are merged key by key. */
const merged = (own: Keys, defaults: Keys): Keys => {
  const all: Record<string, unknown> = { ...defaults }
  for (const [key, value] of Object.entries(own)) {
    const given = Object.hasOwn(defaults, key) ? defaults[key] : undefined
    if (Predicate.isRecord(value) && Predicate.isRecord(given)) all[key] = merged(value, given)
    else if (isGiven(value) || !isGiven(given)) all[key] = value
  }
  return all
}

/** Whether the value at a path of merged keys is the service's own, or where both have none. */
const isOwn = (own: unknown, defaults: unknown, [key, ...rest]: Path): boolean => {
  if (key === undefined || !Predicate.isRecord(defaults)) return true
  const name = String(key)
  if (!isGiven(defaults[name])) return true
  if (!Predicate.isRecord(own) || !isGiven(own[name])) return false
  return isOwn(own[name], defaults[name], rest)
}

const mistakesIn = (defaults: unknown): ReadonlyArray<Mistake> => {
  if (!isGiven(defaults)) return []
  if (!Predicate.isRecord(defaults))
    return [{ path: [DEFAULTS], message: "expected keys of a service and their values" }]
  return ["name", COUNT]
    .filter((key) => key in defaults)
    .map((key) => ({ path: [DEFAULTS, key], message: `\`${key}\` belongs to each service, not to the defaults` }))
}

/** Replaces `defaults` and `count` in the content of a config. */
export const expand = (content: Keys): Expanded => {
  const { [DEFAULTS]: given, ...rest } = content
  const defaults = Predicate.isRecord(given)
    ? Object.fromEntries(Object.entries(given).filter(([key]) => key !== "name" && key !== COUNT))
    : {}
  const mistakes: Array<Mistake> = [...mistakesIn(given)]
  if (!Array.isArray(content.services)) return { content: rest, mistakes, written: (path) => path }
  const services: Array<{ readonly index: number; readonly own: unknown; readonly value: unknown }> = []
  for (const [index, own] of content.services.entries()) {
    if (!Predicate.isRecord(own)) {
      services.push({ index, own, value: own })
      continue
    }
    const { [COUNT]: count, ...keys } = own
    const value = merged(keys, defaults)
    const isNumber = typeof count === "number" && Number.isInteger(count) && count >= 1 && count <= MOST
    if (isGiven(count) && !isNumber)
      mistakes.push({ path: ["services", index, COUNT], message: `expected a whole number from 1 to ${MOST}` })
    if (!isNumber) services.push({ index, own: keys, value })
    else
      for (let n = 1; n <= count; n++)
        services.push({
          index,
          own: keys,
          value: typeof keys.name === "string" && keys.name !== "" ? { ...value, name: `${keys.name}-${n}` } : value
        })
  }
  return {
    content: { ...rest, services: services.map(({ value }) => value) },
    mistakes,
    written: (path) => {
      const [first, at, ...within] = path
      const service = first === "services" ? services[Number(at)] : undefined
      if (service === undefined) return path
      return isOwn(service.own, defaults, within) ? ["services", service.index, ...within] : [DEFAULTS, ...within]
    }
  }
}
