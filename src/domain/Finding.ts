/** What an examination of a host found: what is so, why it matters, what mends it. */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** How bad it is, worst first. A `problem` keeps jobs from running; a `warning` will, or costs something; a `note` is good to know. */
export const LEVELS = ["problem", "warning", "note", "ok"] as const
export type Level = (typeof LEVELS)[number]

/** A repair that can do no harm. */
export interface Fix {
  /** What it does, and did: `deletes VM x`, `deleted VM x`. */
  readonly does: string
  readonly did: string
  readonly run: Effect.Effect<void, { readonly message: string }>
}

/** One finding. */
export interface Finding {
  /** What it is about; findings of one subject are shown together. */
  readonly subject: string
  /** Which finding it is, for programs and the documentation; `ok` for what is as it should be. */
  readonly id: string
  readonly level: Level
  readonly what: string
  /** Empty with `ok`, as is `remedy`. */
  readonly why: string
  /** A command, or a sentence. */
  readonly remedy: string
  readonly fix?: Fix
}

/** Whether these are findings: a plugin from disk may answer with anything. */
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

/** What all findings of one id have in common, as the documentation tells it. */
export interface Kind {
  readonly level: Exclude<Level, "ok">
  readonly why: string
  readonly remedy: string
  /** Whether there can be a repair. */
  readonly fixable?: true
}

/** The kinds of findings about a subject, by their ids. */
export type Kinds = Readonly<Record<string, Kind>>

/** Makes findings about a subject. A remedy that names things stands in for the kind's own. */
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

/** Something is as it should be. */
export const ok = (subject: string, what: string): Finding => ({
  subject,
  id: "ok",
  level: "ok",
  what,
  why: "",
  remedy: ""
})
