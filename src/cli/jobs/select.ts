/** Which of the jobs a person asked for. Pure. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { hasFailed } from "../../control/Stats.ts"
import type { Past } from "../../services/History.ts"
import { UsageError } from "../anklet.ts"
import { durationOf } from "../duration.ts"

/** The time that `--since` names; fails if it names none. */
export const ageOf = (since: Option.Option<string>): Effect.Effect<Option.Option<Duration.Duration>, UsageError> =>
  Effect.transposeMapOption(since, (text) =>
    Effect.mapError(
      durationOf(text),
      () => new UsageError({ detail: "--since expects a time such as 90s, 30m, 12h, 1d or 2w" })
    )
  )

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
