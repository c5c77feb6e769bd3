/**
 * Describes for people what does not fit a schema: where, and what was expected. Never quotes a value, which may be a
 * secret. Pure.
 */
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as AST from "effect/SchemaAST"

/** One mismatch. */
export interface Misfit {
  readonly kind: "Missing" | "Unexpected" | "Wrong"
  readonly path: ReadonlyArray<PropertyKey>
  readonly message: string
}

/**
 * What the refinements of a schema require of a value, in JSON Schema's terms, which all of Effect's own filters
 * provide.
 */
interface Limits {
  readonly [name: string]: unknown
}

const limitsOf = (ast: AST.AST): Limits => {
  const own = Option.getOrElse(AST.getJSONSchemaAnnotation(ast), () => ({}))
  return AST.isRefinement(ast) ? { ...limitsOf(ast.from), ...own } : { ...own }
}

const amount = ({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Limits): string => {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  const [least, most] = [minimum ?? exclusiveMinimum, maximum ?? exclusiveMaximum]
  return [
    least === undefined ? "" : minimum === undefined ? ` above ${least}` : ` of at least ${least}`,
    most === undefined ? "" : maximum === undefined ? ` below ${most}` : ` of at most ${most}`
  ].join(least !== undefined && most !== undefined ? " and" : "")
}

const text = (limits: Limits, actual: unknown): string => {
  if (actual !== undefined && actual !== null && !Predicate.isString(actual)) return "text in quotes"
  if (actual === "") return "text that is not empty"
  if (limits.pattern !== undefined) return `text of the form ${limits.pattern}`
  if (limits.maxLength !== undefined) return `text of at most ${limits.maxLength} characters`
  return limits.minLength === undefined || limits.minLength === 1
    ? "text"
    : `text of at least ${limits.minLength} characters`
}

const either = (words: ReadonlyArray<string>): string => {
  const all = [...new Set(words)]
  return all.length < 3 ? all.join(" or ") : `${all.slice(0, -1).join(", ")} or ${all.at(-1)}`
}

const isNothing = (ast: AST.AST) =>
  AST.isUndefinedKeyword(ast) || AST.isVoidKeyword(ast) || (AST.isLiteral(ast) && ast.literal === null)

/** What a schema accepts. `actual` selects wording that suits the value found. */
const kind = (ast: AST.AST, actual: unknown, limits: Limits = limitsOf(ast)): string => {
  switch (ast._tag) {
    case "StringKeyword":
      return text(limits, actual)
    case "TemplateLiteral":
      return "text of another form"
    case "NumberKeyword":
    case "BigIntKeyword":
      return `a ${limits.type === "integer" || AST.isBigIntKeyword(ast) ? "whole " : ""}number${amount(limits)}`
    case "BooleanKeyword":
      return "true or false"
    case "Literal":
      return ast.literal === null ? "nothing" : JSON.stringify(String(ast.literal))
    case "Enums":
      return either(ast.enums.map(([, value]) => JSON.stringify(value)))
    case "Union":
      return either(ast.types.filter((member) => !isNothing(member)).map((member) => kind(member, actual)))
    case "TupleType":
      return limits.minItems === undefined ? "a list" : `a list of at least ${limits.minItems}`
    case "TypeLiteral":
    case "ObjectKeyword":
      return "keys and values"
    case "Refinement":
    case "Transformation":
      return kind(ast.from, actual, AST.isRefinement(ast) ? limits : limitsOf(ast.from))
    case "Suspend":
      return kind(ast.f(), actual)
    case "UndefinedKeyword":
    case "VoidKeyword":
    case "NeverKeyword":
      return "nothing"
    default:
      return "another value"
  }
}

const expected = (ast: AST.AST, actual: unknown): string =>
  `${actual === null || actual === undefined ? "has no value: " : ""}expected ${kind(ast, actual)}`

/** The message that the schema's author wrote for this issue. */
const written = (ast: AST.AST, issue: ParseResult.ParseIssue, inner: boolean): string | undefined => {
  const said = Option.getOrUndefined(AST.getMessageAnnotation(ast))?.(issue)
  if (said === undefined) return undefined
  if (Predicate.isString(said)) return inner ? undefined : said
  // a message that is an Effect is not run here
  return "override" in said && Predicate.isString(said.message) && (said.override || !inner) ? said.message : undefined
}

/** Whether a message of Effect's own quotes the value. */
const quotes = (message: string, actual: unknown) =>
  Predicate.isString(actual) && actual !== "" && message.includes(JSON.stringify(actual))

type Path = ReadonlyArray<PropertyKey>

const isMany = <A>(value: A | ReadonlyArray<A>): value is ReadonlyArray<A> => Array.isArray(value)
const listed = <A>(value: A | ReadonlyArray<A>): ReadonlyArray<A> => (isMany(value) ? value : [value])

/** Reports a union as one choice, or by the member that was probably meant: the one that matches deepest. */
const ofUnion = (ast: AST.Union, issue: ParseResult.Composite, path: Path): ReadonlyArray<Misfit> => {
  const members = listed(issue.issues)
    .filter((member) => !(member._tag === "Type" && isNothing(member.ast)))
    .map((member) => leaves(member, path))
  const [only] = members
  if (only !== undefined && members.length === 1) return only
  const deep = members
    .filter((all) => all.some((misfit) => misfit.path.length > path.length))
    .sort((a, b) => a.length - b.length)
  return deep[0] ?? [{ kind: "Wrong", path, message: expected(ast, issue.actual) }]
}

/** `refined`: the whole schema, if it requires more than the part that did not match. */
const leaves = (issue: ParseResult.ParseIssue, path: Path, refined?: AST.AST): ReadonlyArray<Misfit> => {
  const wrong = (message: string): ReadonlyArray<Misfit> => [{ kind: "Wrong", path, message }]
  switch (issue._tag) {
    case "Pointer":
      return leaves(issue.issue, [...path, ...listed(issue.path)])
    case "Missing":
      return [{ kind: "Missing", path, message: "is missing" }]
    case "Unexpected":
      return [{ kind: "Unexpected", path, message: "is not known" }]
    case "Forbidden":
      return wrong(expected(issue.ast, issue.actual))
    case "Type": {
      const said = written(issue.ast, issue, false) ?? issue.message
      return wrong(
        said === undefined || quotes(said, issue.actual) ? expected(refined ?? issue.ast, issue.actual) : said
      )
    }
    case "Composite": {
      const said = written(issue.ast, issue, true)
      if (said !== undefined) return wrong(said)
      return AST.isUnion(issue.ast)
        ? ofUnion(issue.ast, issue, path)
        : listed(issue.issues).flatMap((inner) => leaves(inner, path))
    }
    case "Refinement": {
      const said = written(issue.ast, issue, issue.kind === "From")
      if (said !== undefined) return wrong(said)
      if (issue.kind === "From") return leaves(issue.issue, path, refined ?? issue.ast)
      return issue.issue._tag === "Type" && issue.issue.message === undefined
        ? wrong(expected(issue.ast, issue.actual))
        : leaves(issue.issue, path)
    }
    case "Transformation": {
      const said = written(issue.ast, issue, issue.kind !== "Transformation")
      return said === undefined ? leaves(issue.issue, path) : wrong(said)
    }
  }
}

/** All mismatches, each with its path. */
export const misfits = ({ issue }: ParseResult.ParseError): ReadonlyArray<Misfit> => leaves(issue, [])

/** `services[0].token` for `["services", 0, "token"]`. */
export const pathOf = (path: Path): string =>
  path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : text === "" ? String(key) : `${text}.${String(key)}`),
    ""
  )

/** Maximum number of mismatches named in one line. */
const NAMED = 3

/** A failed decoding on one line, for input that no person wrote. */
export const inOneLine = (error: ParseResult.ParseError): string => {
  const all = misfits(error)
  const some = all.slice(0, NAMED).map(({ path, message }) => `${pathOf(path)}${path.length > 0 ? ": " : ""}${message}`)
  return `${some.join("; ")}${all.length > NAMED ? `; and ${all.length - NAMED} more` : ""}`
}
