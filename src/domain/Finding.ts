/** What an examination of a host found: the state, why it matters, and how to fix it. */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * How serious a finding is, worst first. A `problem` keeps jobs from running; a `warning` soon will, or has a cost; a
 * `note` is good to know.
 */
export const LEVELS = ["problem", "warning", "note", "ok"] as const
export type Level = (typeof LEVELS)[number]

/** A repair that can do no harm. */
export interface Fix {
  /** What it does, and what it did: `deletes VM x`, `deleted VM x`. */
  readonly does: string
  readonly did: string
  readonly run: Effect.Effect<void, { readonly message: string }>
}

/** One finding. */
export interface Finding {
  /** What it is about; findings with the same subject are shown together. */
  readonly subject: string
  /** Identifies the finding to programs and in the documentation; `ok` if nothing is wrong. */
  readonly id: string
  readonly level: Level
  readonly what: string
  /** Empty for `ok`, as is `remedy`. */
  readonly why: string
  /** A command, or a sentence. */
  readonly remedy: string
  readonly fix?: Fix
}

/** Whether a value is a list of findings: a plugin loaded from disk may answer with anything. */
export const areFindings = Schema.is(
  Schema.Array(
    Schema.Struct({
      subject: Schema.String,
      id: Schema.String,
      level: Schema.Literal(...LEVELS),
      what: Schema.String,
      why: Schema.String,
      remedy: Schema.String
    })
  )
)

/** What all findings with the same id share, as the documentation lists it. */
export interface Kind {
  readonly level: Exclude<Level, "ok">
  readonly why: string
  readonly remedy: string
  /** Whether there may be a repair. */
  readonly fixable?: true
}

/** The kinds of findings about a subject, by id. */
export type Kinds = Readonly<Record<string, Kind>>

/**
 * Returns a function that makes findings about a subject. `remedy` replaces the kind's own, to name the things at hand.
 */
export const about =
  <K extends Kinds>(subject: string, kinds: K) =>
  (
    id: Extract<keyof K, string>,
    what: string,
    more: { readonly remedy?: string; readonly fix?: Fix | undefined } = {}
  ): Finding => {
    const { level, why, remedy } = kinds[id] as Kind
    return {
      subject,
      id,
      level,
      what,
      why,
      remedy: more.remedy ?? remedy,
      ...(more.fix === undefined ? {} : { fix: more.fix })
    }
  }

/** A finding that says all is well. */
export const ok = (subject: string, what: string): Finding => ({
  subject,
  id: "ok",
  level: "ok",
  what,
  why: "",
  remedy: ""
})
