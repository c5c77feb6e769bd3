/** A config file as YAML: its content, YAML's errors in words for people, and the line of every key. */

import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap
} from "yaml"
import { said } from "../files/said.ts"
import * as Advice from "../text/Advice.ts"
import { ConfigError, Problem } from "./Problem.ts"

/** Maximum size of a config, in bytes. */
const SIZE_LIMIT = 1 << 20

/** Where a message of the YAML parser begins to quote the file, which holds secrets. */
const QUOTES = /[:"'`]| at line \d+/
/** Maximum number of YAML errors reported: one mistake causes many, and the first ones explain it. */
const ERRORS = 3

/** Valid YAML. */
export interface Yaml {
  readonly text: string
  readonly document: Document.Parsed
  readonly content: unknown
  /** Line of a path in the text, or of its nearest known ancestor, counted from 1. */
  readonly lineOf: (path: ReadonlyArray<PropertyKey>) => number | undefined
  /** Line at which a node begins, counted from 1; undefined for one that is not in the text. */
  readonly lineAt: (node: unknown) => number | undefined
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
            ? `there is no such file; \`${Advice.anklet("init")}\` writes one, or name another with -c`
            : `it cannot be read (${said(error)}); check its owner and permissions`
        )
    )
  )
  return yield* Effect.mapError(
    Either.try(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes)),
    () => refuse("it is not text in UTF-8")
  )
})

/** YAML's errors, with a hint for the mistake in the sample config of older versions. */
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
            ? "this key appears twice"
            : `not valid YAML: ${message.split(QUOTES)[0]?.trim() ?? ""}`
    })
  )
}

/**
 * Maximum number of characters of the content if every alias were written out: aliases of aliases could fill the
 * memory.
 */
const SHARED_LIMIT = 16 << 20

/** Whether a key is `<<`, unquoted, which merges the keys of other maps, as in YAML 1.1 (yaml.org/type/merge.html). */
const isMerge = ({ key }: Pair): boolean =>
  isScalar(key) && typeof key.value === "symbol" && key.value.description === "<<"

/** The node itself, or the one that an alias refers to. */
const meant = (document: Document.Parsed, node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node)

/** The nodes that `<<` names: one map, or several. */
const sourcesOf = (document: Document.Parsed, { value }: Pair): ReadonlyArray<unknown> => {
  const source = meant(document, value)
  return isSeq(source) ? source.items.map((item) => meant(document, item)) : [source]
}

/** Aliases and merges that cannot be resolved. */
const aliasProblems = (document: Document.Parsed, lines: LineCounter): ReadonlyArray<Problem> => {
  const problems: Array<Problem> = []
  const wrong = (node: unknown, message: string) => {
    const offset = isNode(node) ? node.range?.[0] : undefined
    problems.push(
      Problem.make({ path: "", ...(offset === undefined ? {} : { line: lines.linePos(offset).line }), message })
    )
  }
  visit(document, {
    Alias: (_, alias, ancestors) => {
      const target = alias.resolve(document)
      if (target === undefined)
        wrong(
          alias,
          "`*` begins an alias, and no anchor of that name precedes it; put text that begins with * in quotes"
        )
      else if (ancestors.includes(target)) wrong(alias, "this alias refers to a node that contains it")
    },
    Pair: (_, pair) => {
      if (!isMerge(pair) || problems.length > 0) return
      if (!sourcesOf(document, pair).every((source) => isMap(source)))
        wrong(pair.key, "`<<` merges keys: expected *NAME of an anchor that has keys and values, or a list of such")
    }
  })
  return problems.slice(0, ERRORS)
}

/** The entry of a key: the map's own, or one merged into it. */
const entryOf = (document: Document.Parsed, map: YAMLMap, key: string): Pair | undefined => {
  const own = map.items.find((pair) => !isMerge(pair) && String(pair.key) === key)
  if (own !== undefined) return own
  for (const pair of map.items.filter(isMerge)) {
    for (const source of sourcesOf(document, pair)) {
      const found = isMap(source) ? entryOf(document, source, key) : undefined
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** Offset in the text of the last key of a path (not of its value), or of its nearest known ancestor. */
const offsetOf = (document: Document.Parsed, path: ReadonlyArray<PropertyKey>): number | undefined => {
  let node: unknown = document.contents
  let offset: number | undefined
  const at = (found: unknown) => {
    const place: Node | undefined = isNode(found) ? found : undefined
    offset = place?.range?.[0] ?? offset
  }
  for (const key of path) {
    const within = meant(document, node)
    if (isMap(within)) {
      const entry = entryOf(document, within, String(key))
      if (entry === undefined) return offset
      at(entry.key)
      node = entry.value
    } else if (isSeq(within)) {
      node = within.items[Number(key)]
      at(node)
    } else return offset
  }
  return offset
}

/** Parses text as YAML, or says everything that is wrong with it. */
export const parse = (text: string): Either.Either<Yaml, ReadonlyArray<Problem>> => {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    strict: true,
    uniqueKeys: true,
    prettyErrors: true,
    merge: true
  })
  if (document.errors.length > 0) return Either.left(yamlProblems(document, text))
  const wrong = aliasProblems(document, lines)
  if (wrong.length > 0) return Either.left(wrong)
  const at = (offset: number | undefined) => (offset === undefined ? undefined : lines.linePos(offset).line)
  return Either.try({
    try: (): Yaml => ({
      text,
      document,
      content: document.toJS({ maxAliasCount: SHARED_LIMIT / text.length }),
      lineOf: (path) => at(offsetOf(document, path)),
      lineAt: (node) => at(isNode(node) ? node.range?.[0] : undefined)
    }),
    catch: () => [Problem.make({ path: "", message: "its aliases refer to each other too often" })]
  })
}

/** Reads a file as YAML, or reports everything that is wrong with it. */
export const read = Effect.fnUntraced(function* (file: string) {
  const text = yield* readText(file)
  return yield* Effect.mapError(parse(text), (problems) => new ConfigError({ file, problems }))
})
