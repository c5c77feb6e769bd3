/** Which of the jobs a person asked for. Pure. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { Past } from "../../services/History.ts"

/** Conclusions of a job that failed, in the words of its CI. */
const FAILED: ReadonlySet<string> = new Set(["failure", "timed_out", "startup_failure", "action_required"])

/** Whether a job failed, at its CI or before it ran. */
export const hasFailed = ({ conclusion, cause }: Pick<Past, "conclusion" | "cause">): boolean =>
  conclusion === undefined ? cause !== undefined : FAILED.has(conclusion)

const UNITS = { s: Duration.seconds, m: Duration.minutes, h: Duration.hours, d: Duration.days, w: Duration.weeks }

/** Parses `90s`, `30m`, `12h`, `1d` or `2w`; none for anything else. */
export const durationOf = (text: string): Option.Option<Duration.Duration> => {
  const [, amount, unit] = text.match(/^(\d{1,6}) ?([smhdw])$/) ?? []
  return unit === undefined ? Option.none() : Option.some(UNITS[unit as keyof typeof UNITS](Number(amount)))
}

/** What a person asked for. */
export interface Wanted {
  readonly failed: boolean
  /** Part of a template's name or tag, in any case. */
  readonly template: Option.Option<string>
  /** Maximum age of an end. */
  readonly since: Option.Option<Duration.Duration>
}

/** Whether a job has the template that was asked for. */
export const hasTemplate =
  ({ template }: Pick<Wanted, "template">) =>
  (job: { readonly template: string }): boolean =>
    Option.match(template, {
      onNone: () => true,
      onSome: (part) => job.template.toLowerCase().includes(part.toLowerCase())
    })

/** Whether an ended job was asked for. */
export const isWanted =
  (wanted: Wanted, now: number) =>
  (past: Past): boolean =>
    (!wanted.failed || hasFailed(past)) &&
    hasTemplate(wanted)(past.job) &&
    Option.match(wanted.since, { onNone: () => true, onSome: (age) => now - past.at <= Duration.toMillis(age) })
