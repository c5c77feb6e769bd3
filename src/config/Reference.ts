/**
 * `${NAME}` as a value of the config: the value of a variable of the environment, as the type that the key wants. Pure,
 * except for reading the environment.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as AST from "effect/SchemaAST"
import * as Credential from "./Credential.ts"

type Path = ReadonlyArray<PropertyKey>

/** A reference to an environment variable: always a whole value. */
export const VARIABLE = /^\s*\$\{(\w+)\}\s*$/

const READS_IT = Symbol.for("anklet/ReadsReference")

/** Annotation of a schema that reads references by itself, because the value is a secret. */
export const readsIt = { [READS_IT]: true }

/** What is wrong with a variable that a config refers to; undefined if nothing is. */
export const problemOf = (name: string, value: string | undefined): string | undefined => {
  if (value !== undefined && value.trim() !== "") return undefined
  return Credential.isTellable(name)
    ? `the environment variable ${name} is ${value === undefined ? "not set" : "blank"}`
    : "expected the name of an environment variable between ${ and }"
}

/** The variables that the values refer to, with their values. */
const read = (written: unknown): Effect.Effect<ReadonlyMap<string, string>> => {
  const names = new Set<string>()
  const collect = (value: unknown): void => {
    if (typeof value === "string") {
      const [, name] = value.match(VARIABLE) ?? []
      if (name !== undefined) names.add(name)
    } else if (typeof value === "object" && value !== null) Object.values(value).forEach(collect)
  }
  collect(written)
  return Effect.map(
    Effect.forEach(names, (name) =>
      Effect.map(Effect.option(Config.string(name)), (value) =>
        Option.map(value, (value): [string, string] => [name, value])
      )
    ),
    (all) => new Map(all.flatMap(Option.toArray))
  )
}

/** The types of value that a key takes. */
type Kind = "text" | "number" | "flag" | "list"

const WORDS: Readonly<Record<Kind, string>> = {
  text: "text",
  number: "a number",
  flag: "true or false",
  list: "a list with commas between its entries"
}

/** The parts of a schema that say what may be written, each without what refines or transforms it. */
const members = (ast: AST.AST): ReadonlyArray<AST.AST> => {
  switch (ast._tag) {
    case "Refinement":
    case "Transformation":
      return members(ast.from)
    case "Suspend":
      return members(ast.f())
    case "Union":
      return ast.types.flatMap(members)
    default:
      return [ast]
  }
}

const readsByItself = (ast: AST.AST): boolean => {
  if (Option.isSome(AST.getAnnotation(ast, READS_IT))) return true
  if (AST.isUnion(ast)) return ast.types.some(readsByItself)
  if (AST.isSuspend(ast)) return readsByItself(ast.f())
  return (AST.isRefinement(ast) || AST.isTransformation(ast)) && readsByItself(ast.from)
}

const kindsOf = (ast: AST.AST): ReadonlySet<Kind> =>
  new Set(
    members(ast).flatMap((member): ReadonlyArray<Kind> => {
      switch (member._tag) {
        case "StringKeyword":
        case "TemplateLiteral":
          return ["text"]
        case "NumberKeyword":
          return ["number"]
        case "BooleanKeyword":
          return ["flag"]
        case "Literal":
          return typeof member.literal === "string"
            ? ["text"]
            : typeof member.literal === "number"
              ? ["number"]
              : typeof member.literal === "boolean"
                ? ["flag"]
                : []
        case "Enums":
          return ["text"]
        case "TupleType":
          return ["list"]
        case "UnknownKeyword":
        case "AnyKeyword":
          return ["flag", "number", "text"]
        default:
          return []
      }
    })
  )

/** The schema of what is below a key or an index, as far as it is known. */
const below = (ast: AST.AST, key: PropertyKey): AST.AST | undefined => {
  for (const member of members(ast)) {
    if (AST.isTupleType(member) && typeof key === "number")
      return member.elements[key]?.type ?? member.rest[0]?.type ?? undefined
    if (!AST.isTypeLiteral(member)) continue
    const property = member.propertySignatures.find(({ name }) => name === key)
    const found = property?.type ?? member.indexSignatures[0]?.type
    if (found !== undefined) return found
  }
  return undefined
}

/** Names of the keys at a path below a schema; none where it has none, or is not known. */
export const keysAt = (ast: AST.AST, path: Path): ReadonlyArray<string> => {
  const at = path.reduce<AST.AST | undefined>((found, key) => found && below(found, key), ast)
  return at === undefined
    ? []
    : members(at)
        .filter(AST.isTypeLiteral)
        .flatMap(({ propertySignatures }) => propertySignatures.map(({ name }) => String(name)))
}

/** A text as the type that a key takes; undefined if it cannot be. */
const typed = (text: string, kinds: ReadonlySet<Kind>): unknown => {
  const word = text.trim()
  if (kinds.has("flag") && /^(true|false)$/i.test(word)) return word.toLowerCase() === "true"
  if (kinds.has("number") && /^[+-]?\d{1,15}(\.\d+)?$/.test(word)) return Number(word)
  if (kinds.has("text")) return text
  if (!kinds.has("list")) return undefined
  return word
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
}

const HALF =
  "only a whole value can be a reference to the environment: put all of it into the variable, and write ${NAME} alone"

/** Values in which the references are replaced. */
export interface Filled {
  /** A reference that is wrong stays as it is. */
  readonly content: Readonly<Record<string, unknown>>
  readonly mistakes: ReadonlyArray<{ readonly path: Path; readonly message: string }>
  /** The variable that gave the value at a path. */
  readonly variableOf: (path: Path) => string | undefined
  /** All of these values. */
  readonly given: ReadonlyArray<{ readonly path: Path; readonly name: string }>
  /** Whether the reference at a path, or one below it, is wrong. */
  readonly isWrong: (path: Path) => boolean
}

const idOf = (path: Path) => JSON.stringify(path.map(String))

/**
 * Replaces the references in what is written for the keys of a schema. Keys that the schema does not know stay as they
 * are, and so do secrets, which are read where they are decoded. With `isWhole`, a text that only contains a reference
 * is a mistake.
 */
export const fill = (
  { ast }: { readonly ast: AST.AST },
  written: Readonly<Record<string, unknown>>,
  { isWhole }: { readonly isWhole: boolean }
): Effect.Effect<Filled> =>
  Effect.map(read(written), (variables) => {
    const mistakes: Array<Filled["mistakes"][number]> = []
    const given: Array<Filled["given"][number]> = []
    const ofText = (text: string, type: AST.AST, path: Path): unknown => {
      const kinds = kindsOf(type)
      if (kinds.size === 0 || readsByItself(type)) return text
      const [, name] = text.match(VARIABLE) ?? []
      if (name === undefined) {
        if (isWhole && /\$\{\w+\}/.test(text)) mistakes.push({ path, message: HALF })
        return text
      }
      const found = variables.get(name)
      const wrong = problemOf(name, found)
      const value = found === undefined ? undefined : typed(found, kinds)
      if (wrong !== undefined || value === undefined) {
        const wanted = [...kinds].map((kind) => WORDS[kind]).join(" or ")
        mistakes.push({ path, message: wrong ?? `the environment variable ${name} must hold ${wanted}` })
        return text
      }
      given.push({ path, name })
      return value
    }
    const of = (value: unknown, type: AST.AST | undefined, path: Path): unknown => {
      if (type === undefined) return value
      if (typeof value === "string") return ofText(value, type, path)
      if (Array.isArray(value)) return value.map((each, index) => of(each, below(type, index), [...path, index]))
      return Predicate.isRecord(value) ? ofRecord(value, type, path) : value
    }
    const ofRecord = (record: Readonly<Record<string, unknown>>, type: AST.AST, path: Path) =>
      Object.fromEntries(
        Object.entries(record).map(([key, value]) => [key, of(value, below(type, key), [...path, key])])
      )
    const content = ofRecord(written, ast, [])
    const names = new Map(given.map(({ path, name }) => [idOf(path), name]))
    const wrong = mistakes.map(({ path }) => path.map(String))
    return {
      content,
      mistakes,
      given,
      variableOf: (path) => names.get(idOf(path)),
      isWrong: (path) => wrong.some((whole) => path.every((key, index) => whole[index] === String(key)))
    }
  })
