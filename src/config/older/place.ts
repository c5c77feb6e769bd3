/** A part of an older config while it is rewritten. */
import { isNode, type Pair, type YAMLMap } from "yaml"
import { isTellable } from "../Problem.ts"
import { append, keyOf, pairOf, put, remove, rename, setValue, valueOf } from "./edit.ts"
import type { Kind, Report } from "./Report.ts"
import { KEYS } from "./words.ts"

/** What all places of a config share. */
export interface Rewriting {
  readonly report: Report
  readonly lineAt: (node: unknown) => number | undefined
  /** Variables of the environment that gave values, by their entries, where the report names them with the entry. */
  readonly given: Map<Pair, string>
  /** All variables that gave values, by their entries. */
  readonly origins: Map<Pair, string>
  /** Entries whose value is one for all services, where that is reported. */
  readonly copied: Set<Pair>
}

/** The keys of one service, of its database, or of the daemon. */
export class Place {
  readonly map: YAMLMap
  /** Precedes the name of each key, e.g. `database.`. */
  readonly prefix: string
  readonly service: string | undefined
  readonly rewriting: Rewriting
  constructor(
    map: YAMLMap,
    rewriting: Rewriting,
    at: { readonly prefix: string; readonly service: string | undefined }
  ) {
    this.map = map
    this.rewriting = rewriting
    this.prefix = at.prefix
    this.service = at.service
  }

  /** The keys below one of these. */
  below(map: YAMLMap, key: string): Place {
    return new Place(map, this.rewriting, { prefix: `${this.prefix}${key}.`, service: this.service })
  }

  /** Reports what became of an entry. */
  tell(kind: Kind, pair: Pair, message: string, to?: string): void {
    const variable = this.rewriting.given.get(pair)
    const name = keyOf(pair)
    // other text in the place of a key may be a misplaced secret
    const key = isTellable(name, KEYS) ? `${this.prefix}${name}` : `${this.prefix}(a key)`
    this.rewriting.report.add(kind, variable === undefined ? key : `environment ${variable}`, message, {
      line: variable === undefined ? this.rewriting.lineAt(pair.key) : undefined,
      service: this.service,
      to
    })
  }

  /** Sets a key to what a variable of the environment says. */
  set(key: string, value: string | number | boolean, variable: string): void {
    const pair = put(this.map, key, value)
    this.rewriting.given.set(pair, variable)
    this.rewriting.origins.set(pair, variable)
  }

  /** Sets a key to what is said for all services, where that is reported. */
  copy(key: string, from: Pair): void {
    const own = pairOf(this.map, key)
    const pair = own ?? append(this.map, key, null)
    if (own !== undefined && (valueOf(own) ?? "") !== "")
      this.tell("left out", own, `\`${keyOf(from)}\` wins, as before`)
    this.rewriting.copied.add(pair)
    const variable = this.rewriting.origins.get(from)
    pair.value = isNode(from.value) ? from.value.clone() : null
    this.rewriting.given.delete(pair)
    if (variable === undefined) this.rewriting.origins.delete(pair)
    else this.rewriting.origins.set(pair, variable)
  }

  /** Leaves an entry as it is; one that was copied has been reported. */
  keep(pair: Pair, message = ""): void {
    const { copied, given } = this.rewriting
    if (copied.has(pair)) return
    if (given.has(pair)) this.tell("became", pair, message, `${this.prefix}${keyOf(pair)}`)
    else this.tell("kept", pair, message)
  }

  /** Removes an entry. */
  drop(pair: Pair, message: string, kind: Kind = "left out", to?: string): void {
    this.tell(kind, pair, message, to)
    remove(this.map, pair)
  }

  /** Gives an entry another name, and another value if one is given. */
  become(pair: Pair, name: string, message: string, kind: Kind = "became", value?: string | number | boolean): void {
    this.tell(kind, pair, message, `${this.prefix}${name}`)
    rename(pair, name)
    if (value !== undefined) setValue(pair, value)
  }

  /** Adds an entry that the older config did not need. */
  add(key: string, value: string | number | boolean, why: string): void {
    append(this.map, key, value)
    this.rewriting.report.add("added", `${this.prefix}${key}`, `${value} (${why})`, { service: this.service })
  }
}
