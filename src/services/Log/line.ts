/** One log line, in a public format: flat JSON, keys in a fixed order. Pure. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import type * as HashMap from "effect/HashMap"
import * as Inspectable from "effect/Inspectable"
import type * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import { excerpt, visible, visibleJson } from "../../text/Text.ts"

/** Keys after `time`, `level`, `msg` and `ankletVersion`, in their order; others follow, `err` is last. */
const KEYS = [
  "serviceName",
  "plugin",
  "repo",
  "owner",
  "workflowName",
  "workflowRunName",
  "workflowRunId",
  "workflowJobId",
  "workflowJobName",
  "uniqueId",
  "ankaTemplate",
  "ankaTemplateTag",
  "jobURL",
  "uniqueRunKey",
  "vmName",
  "runnerName"
] as const

/** Maximum number of UTF-16 units of a message, and of a field, which is the name of something. */
const LONGEST = 1 << 20
const FIELD = 2_000

/** The parts of a line. */
export interface Entry {
  readonly level: LogLevel.LogLevel
  readonly message: unknown
  readonly cause: Cause.Cause<unknown>
  readonly annotations: HashMap.HashMap<string, unknown>
  readonly date: DateTime.Zoned
}

/** The four levels that a log shows. */
export const levelOf = ({ level }: Entry): "DEBUG" | "INFO" | "WARN" | "ERROR" => {
  switch (level._tag) {
    case "Fatal":
    case "Error":
      return "ERROR"
    case "Warning":
      return "WARN"
    case "Info":
      return "INFO"
    default:
      return "DEBUG"
  }
}

/** A value as it is logged; a secret becomes `<redacted>`, wherever it is. */
const plain = (value: unknown): string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : Redacted.isRedacted(value)
      ? String(value)
      : Inspectable.toStringUnknown(value, 0)

const textOf = (value: unknown): string => (value instanceof Error ? value.message : String(plain(value)))

/** The message, and the errors logged with it. */
export const partsOf = (entry: Entry, stacks: boolean): { readonly msg: string; readonly err: string | undefined } => {
  const parts = Arr.ensure(entry.message)
  const errors = parts.filter((part) => part instanceof Error)
  const words = parts.filter((part) => !(part instanceof Error))
  const said = errors.map((error) => (stacks ? (error.stack ?? error.message) : error.message))
  if (!Cause.isEmpty(entry.cause)) {
    said.push(
      stacks || Cause.isDie(entry.cause)
        ? Cause.pretty(entry.cause)
        : Cause.prettyErrors(entry.cause)
            .map((error) => error.message)
            .join("; ")
    )
  }
  const [first = "", ...rest] = words.length > 0 ? words.map(textOf) : said.splice(0, 1)
  return { msg: [first, ...rest].join(" "), err: said.length > 0 ? said.join("; ") : undefined }
}

/** The fields of a line, in their order. */
export const fieldsOf = (entry: Entry, version: string, stacks: boolean): ReadonlyArray<readonly [string, unknown]> => {
  const known = new Map(entry.annotations)
  const { err } = partsOf(entry, stacks)
  const rest = [...known.keys()].filter((key) => !KEYS.some((name) => name === key)).sort()
  return [
    ["ankletVersion", version],
    ...[...KEYS, ...rest].flatMap((key) => (known.has(key) ? [[key, plain(known.get(key))] as const] : [])),
    ...(err === undefined ? [] : [["err", err] as const])
  ]
}

/** As JSON that any file viewer can show safely; each text in it is an excerpt. */
const jsonOf = (fields: unknown, indent?: number): string =>
  visibleJson(
    JSON.stringify(
      fields,
      (key, it: unknown) =>
        typeof it === "string" ? excerpt(it, key === "msg" || key === "err" ? LONGEST : FIELD) : it,
      indent
    )
  )

/** The line as JSON. */
export const json = (entry: Entry, version: string, stacks: boolean): string =>
  jsonOf(
    Object.fromEntries([
      ["time", DateTime.formatIsoOffset(entry.date)],
      ["level", levelOf(entry)],
      ["msg", partsOf(entry, stacks).msg],
      ...fieldsOf(entry, version, stacks)
    ])
  )

/**
 * Where a line comes from: the name of the span in which it was logged, and that span's source location as a line of a
 * stack trace.
 */
export interface Source {
  readonly name: string
  readonly at: string
}

const COLOURS = { DEBUG: 36, INFO: 32, WARN: 33, ERROR: 31 } as const

/** The line for people: time, coloured level, message, and the fields as indented JSON with the source location. */
export const dev = (entry: Entry, version: string, source: Source | undefined): string => {
  const level = levelOf(entry)
  const fields = Object.fromEntries([
    ...fieldsOf(entry, version, true),
    ...(source === undefined ? [] : [["source", placeOf(source)] as const])
  ])
  const time = DateTime.formatIsoOffset(entry.date).slice(11, 23)
  return `[${time}] \u001b[${COLOURS[level]}m${level}\u001b[0m: ${visible(partsOf(entry, true).msg)}\n${jsonOf(fields, 2)}`
}

/** `at Vm.make (/src/Vm.ts:12:3)` as function, file and line. */
const placeOf = ({ name, at }: Source) => {
  const [, file = at.trim(), line = ""] = at.match(/([^\s(]+?):(\d+)(?::\d+)?\)?\s*$/) ?? []
  return { function: name, file, line: Number(line) || undefined }
}
