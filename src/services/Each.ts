/** Decodes lists from outside item by item, so that one unreadable item does not invalidate the others. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { misfits } from "../text/Expected.ts"
import * as Limits from "../text/Limits.ts"
import { excerpt, visibleJson } from "../text/Text.ts"
import type { Once } from "./Once.ts"

/**
 * An item that was left out: its position in the list, counted from 1, the beginning of its value, and what is wrong
 * with it.
 */
const Unreadable = Schema.Struct({ place: Schema.Number, value: Schema.Unknown, why: Schema.String })
export type Unreadable = typeof Unreadable.Type

/** The items of a list, and what was left out. */
export interface Each<A> {
  readonly items: ReadonlyArray<A>
  readonly unreadable: ReadonlyArray<Unreadable>
}

/** Maximum number of characters shown of an untrusted value. */
const SHOWN = 200
/** Maximum number of levels, and of parts of each, kept of such a value, which may have any size. */
const LEVELS = 4
const PARTS = 50
/** Maximum number of entries of one answer that are logged on a line each. */
const NAMED = 10

/** The beginning of a value that JSON can represent: Octokit reads a number beyond 2^53 as a bigint. */
const begun = (value: unknown, levels = LEVELS): unknown => {
  if (typeof value === "string") return value.slice(0, Limits.NAME)
  // converting a very long one to digits takes long
  if (typeof value === "bigint") return BigInt.asIntN(128, value) === value ? `${value}` : "a very long number"
  if (typeof value !== "object" || value === null) return value
  if (levels === 0) return "…"
  return Array.isArray(value)
    ? value.slice(0, PARTS).map((part) => begun(part, levels - 1))
    : Object.fromEntries(
        Object.keys(value)
          .slice(0, PARTS)
          .map((key) => [key.slice(0, Limits.NAME), begun(Reflect.get(value, key), levels - 1)])
      )
}

/** An untrusted value on one line, as JSON. */
const shown = (value: unknown): string => excerpt(visibleJson(JSON.stringify(begun(value)) ?? String(value)), SHOWN)

const at = (value: unknown, path: ReadonlyArray<PropertyKey>): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value
  )

/** What is wrong with a value, quoting it. */
const why = (value: unknown, error: ParseResult.ParseError): string => {
  const [misfit] = misfits(error)
  if (misfit === undefined || misfit.path.length === 0) return "it is something else"
  const wrong = at(value, misfit.path)
  return `${shown(misfit.path.join("."))} is ${wrong === undefined ? "missing" : shown(wrong)}`
}

/** What identifies an entry while other parts of it change: its name, or else its position. */
const identityOf = ({ place, value }: Unreadable): string => {
  const names = ["uuid", "id", "name"].map((key) => at(value, [key]))
  return shown(names.find((name) => typeof name === "string" || typeof name === "number") ?? place)
}

const BROKEN = "it is something else"

/** A list of such items, and the values in it that are not. */
export const each = <A, I>(item: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(item)
  const encode = Schema.encodeSync(item)
  return Schema.transform(
    Schema.Array(Schema.Unknown),
    Schema.Struct({ items: Schema.Array(Schema.typeSchema(item)), unreadable: Schema.Array(Unreadable) }),
    {
      strict: true,
      decode: (values) => {
        const items: Array<A> = []
        const unreadable: Array<Unreadable> = []
        for (const [index, value] of values.entries()) {
          // a value that makes its schema throw is unreadable, too
          const read = Either.flatMap(
            Either.try(() => decode(value)),
            (read) => Either.mapLeft(read, (error) => why(value, error))
          )
          if (Either.isRight(read)) items.push(read.right)
          else
            unreadable.push({
              place: index + 1,
              value: begun(value),
              why: typeof read.left === "string" ? read.left : BROKEN
            })
        }
        return { items, unreadable }
      },
      encode: ({ items }): ReadonlyArray<unknown> => items.map((item) => encode(item))
    }
  )
}

/** A list of such items; other values are left out without a message. */
export const readable = <A, I>(item: Schema.Schema<A, I>) =>
  Schema.transform(each(item), Schema.Array(Schema.typeSchema(item)), {
    strict: true,
    decode: ({ items }) => items,
    encode: (items) => ({ items, unreadable: [] })
  })

/**
 * Logs what could not be read at WARN, each entry once, and only the first of many; returns the items. `list` names the
 * list, e.g. `anka list`.
 */
export const told = <A>(
  { once }: Once["Type"],
  list: string,
  { items, unreadable }: Each<A>,
  consequence: (unreadable: Unreadable) => string = () => "it is left out"
): Effect.Effect<ReadonlyArray<A>> =>
  Effect.forEach(
    unreadable.slice(0, NAMED),
    (it) =>
      once(
        `${list}: ${identityOf(it)}, ${it.why}`,
        Effect.logWarning(
          `${list}: entry ${it.place} cannot be read, ${it.why}; ${consequence(it)}: ${shown(it.value)}`
        )
      ),
    { discard: true }
  ).pipe(
    Effect.zipRight(
      unreadable.length > NAMED
        ? once(`${list}: more`, Effect.logWarning(`${list}: ${unreadable.length - NAMED} more entries cannot be read`))
        : Effect.void
    ),
    Effect.as(items)
  )
