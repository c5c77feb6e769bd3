/** Formats lines of the log for people, and selects the requested ones. Pure. */
import { stripVTControlCharacters } from "node:util"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { join, line, type Text } from "../shown.ts"
import { cut } from "../table.ts"
import type { Screen } from "../terminal.ts"

/** The levels, least severe first. */
export const LEVELS = ["debug", "info", "warn", "error"] as const

/** A level as the command line names it. */
export type Level = (typeof LEVELS)[number]

const text = Schema.optionalWith(Schema.String, { default: () => "" })
const number = Schema.optionalWith(Schema.Number, { as: "Option" })

const Grade = Schema.Literal("DEBUG", "INFO", "WARN", "ERROR")
const isGrade = Schema.is(Grade)

/** The fields of a line that are shown or selected by; the whole line is a public format (services/Log/line.ts). */
const Line = Schema.parseJson(
  Schema.Struct({
    time: Schema.String,
    level: Grade,
    msg: Schema.String,
    serviceName: text,
    workflowJobName: text,
    workflowJobId: number,
    workflowRunId: number,
    jobURL: text,
    err: text
  })
)
type Line = typeof Line.Type

const decode = Schema.decodeOption(Line)

/** A job as a person names it: by its address or number, or by those of its whole run. */
export type Job =
  | { readonly _tag: "Job"; readonly id: number }
  | { readonly _tag: "Run"; readonly id: number }
  | { readonly _tag: "Number"; readonly id: number }

/** Parses `https://github.com/o/r/actions/runs/1/job/2`, or a number; otherwise returns what is wrong. */
export const jobOf = (named: string): Either.Either<Job, string> => {
  const [, job] = named.match(/^https?:\/\/\S+\/jobs?\/(\d+)/) ?? []
  const [, run] = named.match(/^https?:\/\/\S+\/runs\/(\d+)/) ?? []
  if (job !== undefined) return Either.right({ _tag: "Job", id: Number(job) })
  if (run !== undefined) return Either.right({ _tag: "Run", id: Number(run) })
  return /^\d+$/.test(named)
    ? Either.right({ _tag: "Number", id: Number(named) })
    : Either.left(`"${named}" is not a job: give its address at GitHub, or its number`)
}

/** What a person asked for. */
export interface Wanted {
  readonly service: Option.Option<string>
  readonly job: Option.Option<Job>
  readonly level: Option.Option<Level>
}

const concerns = (line: Line, job: Job): boolean =>
  (job._tag !== "Run" && Option.contains(line.workflowJobId, job.id)) ||
  (job._tag !== "Job" && Option.contains(line.workflowRunId, job.id))

/**
 * Whether a line was asked for. A line that is not JSON has no service, job or level, and matches only if everything
 * was asked for.
 */
export const matches =
  ({ service, job, level }: Wanted) =>
  (raw: string): boolean => {
    if (Option.isNone(service) && Option.isNone(job) && Option.isNone(level)) return true
    return Option.exists(
      decode(raw),
      (line) =>
        Option.match(service, { onNone: () => true, onSome: (name) => line.serviceName === name }) &&
        Option.match(job, { onNone: () => true, onSome: (job) => concerns(line, job) }) &&
        Option.match(level, { onNone: () => true, onSome: (least) => rank(line.level) >= LEVELS.indexOf(least) })
    )
  }

const rank = (level: Line["level"]): number => LEVELS.findIndex((name) => name.toUpperCase() === level)

const COLOURS = { DEBUG: "dim", INFO: "green", WARN: "yellow", ERROR: "red" } as const

/** Maximum number of columns of a service's name. */
const NAME_WIDTH = 24

/** How an entry begins with `LOG_LEVEL=dev` (services/Log/line.ts), without its colour. */
const DEV = /^(\[[\d:.]{12}\]) (DEBUG|INFO|WARN|ERROR): (.*)$/s

/**
 * Formats entries for people: time, level, service, message, and the job's address. A line that is not JSON is shown as
 * it is, made safe.
 */
export const forPeople = ({ paint }: Screen, services: ReadonlyArray<string>) => {
  const width = Math.min(NAME_WIDTH, Math.max(...[...services, "anklet"].map(({ length }) => length)))
  const other = (raw: string): Text => {
    const [, time = "", level = "", msg = ""] = stripVTControlCharacters(raw).match(DEV) ?? []
    return isGrade(level) ? line`${time} ${paint(COLOURS[level], level)}: ${msg}` : raw
  }
  return (raw: string): Text =>
    Option.match(decode(raw), {
      onNone: () => other(raw),
      onSome: ({ time, level, msg, serviceName, workflowJobName, jobURL, err }) =>
        join(
          [
            paint("dim", time.slice(0, 19).replace("T", " ")),
            paint(COLOURS[level], level.padEnd(5)),
            paint("cyan", cut(serviceName || "anklet", width).padEnd(width)),
            level === "INFO" ? said(msg, err) : paint(COLOURS[level], said(msg, err)),
            ...where(jobURL || (workflowJobName && `job "${workflowJobName}"`)).map((it) => paint("dim", it))
          ],
          "  "
        )
    })
}

const where = (job: string): ReadonlyArray<string> => (job === "" ? [] : [job])
/** Keeps tabs, which are common in the output of programs. */
const said = (msg: string, err: string): Text => join((err === "" ? msg : `${msg}: ${err}`).split("\t"), "\t")
