/**
 * Every value of a config with its origin: the file, a default, the environment, another file. Secrets are hidden.
 * Pure.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as AST from "effect/SchemaAST"
import { expand, type Home } from "./Home.ts"
import { sourceOf } from "./Secret.ts"

/** Where a value came from. */
export type Origin =
  | { readonly from: "line"; readonly line: number | undefined }
  | { readonly from: "default" }
  | { readonly from: "environment"; readonly name: string; readonly line: number | undefined }
  | { readonly from: "file"; readonly path: string; readonly line: number | undefined }
  | { readonly from: "unset" }

/** One value, ready to be shown. */
export interface Setting {
  readonly path: ReadonlyArray<string | number>
  readonly value: unknown
  readonly origin: Origin
}

/** Replaces a secret. */
export const HIDDEN = "<hidden>"

type Path = ReadonlyArray<string | number>
type LineOf = (path: ReadonlyArray<PropertyKey>) => number | undefined

/** A key that a schema knows. */
interface Key {
  readonly name: string
  readonly type: AST.AST | undefined
  readonly whenMissing: Option.Option<unknown>
}

const keysOf = (ast: AST.AST): ReadonlyArray<Key> => {
  switch (ast._tag) {
    case "Refinement":
      return keysOf(ast.from)
    case "Suspend":
      return keysOf(ast.f())
    case "Union": {
      // blank values are literals, the others are not
      const [only, ...others] = ast.types.filter((member) => !AST.isLiteral(member))
      return only === undefined || others.length > 0 ? [] : keysOf(only)
    }
    case "TypeLiteral":
      return ast.propertySignatures.map(({ name, type }) => ({ name: String(name), type, whenMissing: Option.none() }))
    case "Transformation": {
      const { from, transformation } = ast
      if (transformation._tag !== "TypeLiteralTransformation") return keysOf(from)
      return keysOf(from).map((key) => {
        const change = transformation.propertySignatureTransformations.find(({ from }) => from === key.name)
        return change === undefined ? key : { ...key, whenMissing: change.decode(Option.none()) }
      })
    }
    default:
      return []
  }
}

const unwrapped = (value: unknown): unknown => (Option.isOption(value) ? Option.getOrUndefined(value) : value)

const holdsSecret = (value: unknown, depth = 0): boolean => {
  const inner = unwrapped(value)
  if (Redacted.isRedacted(inner)) return true
  return depth < 8 && Predicate.isObject(inner) && Object.values(inner).some((it) => holdsSecret(it, depth + 1))
}

/** Names of secrets: a user's own plugin may declare them as plain text. */
export const SECRET_NAME = /token|secret|passw|passphrase|credential|(private|api|access)_?key/i

/** An address without its user, password and parameters. */
export const withoutUser = (text: string): string =>
  /^\w[\w+.-]*:\/\//.test(text) ? text.replace(/:\/\/.*@/s, `://${HIDDEN}@`).replace(/\?.*$/s, `?${HIDDEN}`) : text

/** The origin of a secret that is kept elsewhere; a file by its whole path. */
export const originOf = (
  source: NonNullable<ReturnType<typeof sourceOf>>,
  places: Home,
  line: number | undefined
): Origin => (source.from === "file" ? { ...source, path: expand(source.path, places), line } : { ...source, line })

/** A value of the file as it may be shown; `read` is what it was decoded to. */
const shown = (name: string, written: unknown, read: unknown): unknown => {
  const inner = unwrapped(read)
  if (Array.isArray(written)) {
    return written.map((item, index) => shown(name, item, Array.isArray(inner) ? inner[index] : inner))
  }
  if (Predicate.isRecord(written)) {
    return Object.fromEntries(
      Object.entries(written).map(([key, value]) => [
        key,
        shown(key, value, Predicate.hasProperty(inner, key) ? inner[key] : undefined)
      ])
    )
  }
  if (holdsSecret(inner)) return HIDDEN
  if (typeof written !== "string") return SECRET_NAME.test(name) && typeof written === "number" ? HIDDEN : written
  return SECRET_NAME.test(name) ? HIDDEN : withoutUser(written)
}

/** A default as it may be shown. */
const plain = (name: string, value: unknown): unknown =>
  holdsSecret(value) || (SECRET_NAME.test(name) && typeof value === "string" && value !== "") ? HIDDEN : value

/**
 * All keys that a schema knows, and all keys written, with value and origin. `read` is what `written` was decoded to.
 *
 * `places` defines where paths begin that start with `~` or are relative.
 */
export const settingsOf = (
  schema: { readonly ast: AST.AST },
  written: Readonly<Record<string, unknown>>,
  read: unknown,
  context: { readonly at: Path; readonly lineOf: LineOf; readonly places: Home }
): ReadonlyArray<Setting> => {
  const known = keysOf(schema.ast)
  const others = Object.keys(written).filter((name) => !known.some((key) => key.name === name))
  const all = [...known, ...others.map((name): Key => ({ name, type: undefined, whenMissing: Option.none() }))]
  return all.flatMap(({ name, type, whenMissing }): ReadonlyArray<Setting> => {
    const path = [...context.at, name]
    if (!(name in written)) {
      const value = unwrapped(Option.getOrUndefined(whenMissing))
      return [
        value === undefined
          ? { path, value: undefined, origin: { from: "unset" } }
          : { path, value: plain(name, value), origin: { from: "default" } }
      ]
    }
    const value = written[name]
    const inner = unwrapped(Predicate.hasProperty(read, name) ? read[name] : undefined)
    if (Predicate.isRecord(value) && !Redacted.isRedacted(inner)) {
      return settingsOf({ ast: type ?? AST.unknownKeyword }, value, inner, { ...context, at: path })
    }
    const line = context.lineOf(path)
    const source =
      typeof value === "string" && type !== undefined && Redacted.isRedacted(inner)
        ? sourceOf(type, value, context.places.user)
        : undefined
    return [
      {
        path,
        value: shown(name, value, inner),
        origin: source === undefined ? { from: "line", line } : originOf(source, context.places, line)
      }
    ]
  })
}
