/** `database` of a service of an older config. */
import type { Pair } from "yaml"
import { asText, flagOf, keyOf, numberOf, pairOf, valueOf } from "./edit.ts"
import type { Place } from "./place.ts"
import * as Words from "./reasons.ts"
import type { Era } from "./words.ts"

/** What is written, and was written for all services; those win. */
export interface Given {
  readonly era: Era
  /** Names of the keys that were set for all services: they alone had an effect where TLS is concerned. */
  readonly global: ReadonlySet<string>
}

const RENAMED: Readonly<Record<string, string>> = {
  cluster_mode: "cluster",
  tls_enabled: "tls",
  tls_insecure: "insecure"
}

/** The name of a key today. */
export const nameOf = (key: string): string => RENAMED[key] ?? key

/** Rewrites one. */
export const database = (place: Place, { era, global }: Given): void => {
  for (const pair of [...place.map.items]) {
    const key = keyOf(pair)
    const name = RENAMED[key]
    if (name !== undefined) flag(place, pair, name, global.has(key))
    else if (/^(max_retries|retry_delay|retry_backoff_factor)$/.test(key)) place.drop(pair, Words.NO_EFFECT)
    else if (key === "url" && valueOf(pair) === "") place.drop(pair, "it has no value")
    else if (key === "port" && numberOf(pair) === 0) place.drop(pair, "0 is no port: the default is 6379")
    else if (/^(url|user|password)$/.test(key)) {
      asText(pair)
      place.keep(pair)
    } else if (/^(enabled|port|database|tls|ca|insecure|sentinel|cluster)$/.test(key)) place.keep(pair)
    else if (era === 2) place.drop(pair, Words.UNKNOWN)
  }
  const { map } = place
  const enabled = pairOf(map, "enabled")
  const isOn = flagOf(enabled)
  if (era === 2 && pairOf(map, "url") !== undefined && enabled === undefined)
    place.add("enabled", true, "Anklet 2 used every database with a `url`")
  else if (era === 2 && pairOf(map, "url") !== undefined && enabled !== undefined && isOn === false)
    place.tell(
      "look at",
      enabled,
      "false, but Anklet 2 did not read it and used that Redis: write true to share the queue, or remove the url"
    )
  const tls = flagOf(pairOf(map, "tls")) === true || /^rediss:/i.test(String(valueOf(pairOf(map, "url")) ?? ""))
  const insecure = pairOf(map, "insecure")
  if (!tls && insecure !== undefined && flagOf(insecure) === true)
    place.drop(insecure, "it is about TLS, which is not on")
  const number = pairOf(map, "database")
  if (flagOf(pairOf(map, "cluster")) === true && number !== undefined && (numberOf(number) ?? 0) !== 0)
    place.drop(number, "a Redis cluster has database 0 only")
}

/** A choice about TLS or a cluster. Anklet 2 read it for all services alone. */
const flag = (place: Place, pair: Pair, name: string, isGlobal: boolean) => {
  const value = flagOf(pair)
  if (value !== true) return place.drop(pair, value === false ? "false is the default" : Words.NO_EFFECT)
  if (isGlobal) place.become(pair, name, "", "became", true)
  else
    place.become(
      pair,
      name,
      `it takes effect now, for Anklet 2 read only \`global_database_${keyOf(pair)}\`: keep it if the Redis is reached that way, else remove it`,
      "look at",
      true
    )
}

/** Puts the values for all services into one database. */
export const fold = (place: Place, values: ReadonlyArray<readonly [key: string, pair: Pair]>): void => {
  for (const [key, given] of values) place.copy(key, given)
}
