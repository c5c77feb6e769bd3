/** A config file as YAML: its text, YAML's own complaints in words for people, and the line of every key. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { type Document, isCollection, isNode, isPair, LineCounter, parseDocument, visit } from "yaml"
import { ConfigError, Problem } from "./Problem.ts"

/** No config is as large as this, in bytes. */
const SIZE_LIMIT = 1 << 20

/** Where one of YAML's messages begins to quote the file, which holds secrets. */
const QUOTES = /[:"'`]| at line \d+/
/** One mistake makes many complaints: the first ones tell it. */
const ERRORS = 3

/** A file that is valid YAML. */
export interface Yaml {
  readonly content: unknown
  /** Line of a path in the file, or of the nearest one above it, counted from 1. */
  readonly lineOf: (path: ReadonlyArray<PropertyKey>) => number | undefined
}

const readText = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem
  const refuse = (message: string) => new ConfigError({ file, problems: [Problem.make({ path: "", message })] })
  const bytes = yield* fs.stat(file).pipe(
    Effect.filterOrFail(
      ({ type }) => type !== "Directory",
      () => refuse("it is a directory; name the file itself with -c")
    ),
    Effect.filterOrFail(
      ({ size }) => size <= SIZE_LIMIT,
      () => refuse(`it is larger than ${SIZE_LIMIT} bytes; this cannot be a config`)
    ),
    Effect.zipRight(fs.readFile(file)),
    Effect.catchIf(
      (error) => error._tag === "SystemError" || error._tag === "BadArgument",
      (error) =>
        refuse(
          error._tag === "SystemError" && error.reason === "NotFound"
            ? "there is no such file; write one as the README shows, or name another with -c"
            : `it cannot be read (${error._tag === "SystemError" ? error.reason : error.message}); check its owner and permissions`
        )
    )
  )
  return yield* Effect.mapError(
    Either.try(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes)),
    () => refuse("it is not text in UTF-8")
  )
})

/** YAML's own complaints, with a hint for the mistake that the sample of older versions makes. */
const yamlProblems = (document: Document.Parsed, text: string): ReadonlyArray<Problem> => {
  const lines = text.split("\n")
  const misindented = lines.findIndex((line, index) => {
    const [, indent, space] = lines[index - 1]?.match(/^(\s*)-(\s+)name\s*:/) ?? []
    const own = line.match(/^(\s*)\w+\s*:/)?.[1]
    return (
      indent !== undefined && space !== undefined && own !== undefined && own.length > indent.length + 1 + space.length
    )
  })
  if (misindented !== -1 && document.errors.length > 0) {
    const column = (lines[misindented - 1]?.indexOf("name") ?? 0) + 1
    return [
      Problem.make({
        path: "services",
        line: misindented + 1,
        message: `the keys of a service must be aligned with its \`name\`: begin this one and those below it in column ${column}`
      })
    ]
  }
  return document.errors.slice(0, ERRORS).map(({ code, linePos, message }) =>
    Problem.make({
      path: "",
      ...(linePos === undefined ? {} : { line: linePos[0].line }),
      message:
        code === "TAB_AS_INDENT"
          ? "YAML is indented with spaces, not with tabs"
          : code === "DUPLICATE_KEY"
            ? "this key is there twice"
            : `not valid YAML: ${message.split(QUOTES)[0]?.trim() ?? ""}`
    })
  )
}

/** Offset of a key (not of its value) in the text. */
const offsetOf = (document: Document.Parsed, path: ReadonlyArray<PropertyKey>): number | undefined => {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  const key = path.at(-1)
  let found: number | undefined
  if (isCollection(parent)) {
    visit(parent, {
      Pair: (_, pair, ancestors) => {
        if (ancestors.at(-1) === parent && isPair(pair) && isNode(pair.key) && String(pair.key) === String(key)) {
          found = pair.key.range?.[0]
          return visit.BREAK
        }
        return ancestors.at(-1) === parent ? visit.SKIP : undefined
      }
    })
  }
  if (found !== undefined) return found
  const node = document.getIn([...path], true)
  return isNode(node) ? (node.range?.[0] ?? undefined) : undefined
}

/** Read a file as YAML, or tell all that is wrong with it. */
export const read = Effect.fnUntraced(function* (file: string) {
  const text = yield* readText(file)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true, prettyErrors: true })
  const fail = (problems: ReadonlyArray<Problem>) => new ConfigError({ file, problems })
  if (document.errors.length > 0) return yield* fail(yamlProblems(document, text))
  const content = yield* Effect.mapError(
    Either.try((): unknown => document.toJS({ maxAliasCount: 100 })),
    () => fail([Problem.make({ path: "", message: "its aliases refer to each other too often" })])
  )
  const yaml: Yaml = {
    content,
    lineOf: (path) => {
      for (let length = path.length; length > 0; length--) {
        const found = offsetOf(document, path.slice(0, length))
        if (found !== undefined) return lines.linePos(found).line
      }
      return undefined
    }
  }
  return yaml
})
