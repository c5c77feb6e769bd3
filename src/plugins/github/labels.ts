/** From a job's labels to what it wants: a pure function. */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { Template } from "../../domain/Job.ts"
import * as Limits from "../../text/Limits.ts"
import * as mistyped from "./mistyped.ts"

/** What a job's labels ask for. */
export interface Plan {
  readonly template: Template
  /** Value of `unique-id`, or the whole `<run id>-<n>` label; none when nothing pins the runner to the job. */
  readonly uniqueId: Option.Option<string>
  /** 0 to 9, lower ones first. */
  readonly priority: Option.Option<number>
  /** What is probably not meant as it is written, for the one who wrote the workflow; the job runs all the same. */
  readonly doubts: ReadonlyArray<string>
}

/** Why labels cannot be satisfied, for the one who wrote the workflow. */
export type Refusal = string

const TEMPLATE = "anka-template"
const TAG = "anka-template-tag"
const RUN_ID = "run-id"
const UNIQUE_ID = "unique-id"
const PRIORITY = "anklet-priority-"
const KEYS = [TEMPLATE, TAG, RUN_ID, UNIQUE_ID]

/** A label's key and value, without the space around them; GitHub matches labels whatever their case, and so do we. */
interface Read {
  /** As much of it as can be a label: what is longer takes time, and is refused. */
  readonly label: string
  readonly key: string
  readonly value: string
}

const readOf = (whole: string): Read => {
  const label = whole.slice(0, Limits.LABEL + 1)
  const text = mistyped.trim(label)
  if (text.toLowerCase().startsWith(PRIORITY)) return { label, key: PRIORITY, value: text.slice(PRIORITY.length) }
  const colon = text.indexOf(":")
  return {
    label,
    key: colon < 0 ? "" : mistyped.trim(text.slice(0, colon)).toLowerCase(),
    value: mistyped.trim(text.slice(colon + 1))
  }
}

/** Number of these; more than are kept of what GitHub sends may have been more still. */
const counted = ({ length }: { readonly length: number }): string =>
  length < Limits.SEEN ? `${length}` : `at least ${length}`

const valuesOf = (read: ReadonlyArray<Read>, wanted: string): ReadonlyArray<string> => [
  ...new Set(read.filter(({ key }) => key === wanted).map(({ value }) => value))
]

/**
 * Read a job's labels. None: the job names no template, nor anything like one, so it is not ours.
 *
 * A template or tag that Anka cannot have is refused: it would be read as an option, or become a part of a path at a registry.
 */
export const plan = (labels: ReadonlyArray<string>, runId: number): Option.Option<Either.Either<Plan, Refusal>> => {
  const read = labels.map(readOf)
  const templates = valuesOf(read, TEMPLATE)
  const tags = valuesOf(read, TAG)
  const runIds = valuesOf(read, RUN_ID)
  const uniqueIds = valuesOf(read, UNIQUE_ID)
  const priorities = valuesOf(read, PRIORITY)
  const [template] = templates
  const refuse = (why: string) => Option.some(Either.left(why))
  const others = read.filter(({ key }) => key !== PRIORITY && !KEYS.includes(key)).map(({ label }) => label)
  if (template === undefined) {
    const meant = Option.orElse(mistyped.template(others), () =>
      Option.map(
        Arr.head(tags),
        (tag) => `its label ${mistyped.quote(`${TAG}:${tag}`)} names no template: add ${TEMPLATE}:<uuid>`
      )
    )
    return Option.map(meant, Either.left)
  }
  const tooLong = labels.find(({ length }) => length > Limits.LABEL)
  if (labels.length > Limits.LABELS) {
    return refuse(`it has ${counted(labels)} labels, and GitHub gives a runner ${Limits.LABELS} at most`)
  }
  if (tooLong !== undefined) {
    return refuse(
      `its label ${mistyped.quote(tooLong)} has ${counted(tooLong)} characters, and a runner's labels have ${Limits.LABEL} at most`
    )
  }
  if (templates.length > 1)
    return refuse(`it asks for ${templates.length} templates; give one ${TEMPLATE}:<uuid> label`)
  if (tags.length > 1) return refuse(`it asks for ${tags.length} tags; give one ${TAG}:<tag> label`)
  if (uniqueIds.length > 1) return refuse(`it has ${uniqueIds.length} ${UNIQUE_ID}: labels; give one`)
  if (priorities.length > 1 || priorities.some((value) => !/^[0-9]$/.test(value))) {
    return refuse(`its priority must be one label ${PRIORITY}0 (first) to ${PRIORITY}9 (last)`)
  }
  const [tag] = tags
  const wrong = Option.firstSomeOf([
    mistyped.value(TEMPLATE, template),
    Option.flatMap(Option.fromNullable(tag), (tag) => mistyped.value(TAG, tag)),
    ...runIds.map((value) => mistyped.value(RUN_ID, value))
  ])
  if (Option.isSome(wrong)) return refuse(wrong.value)
  if (!Limits.isTemplate(template)) {
    return refuse(
      `${mistyped.quote(template)} cannot be a template's UUID, nor its name: give the UUID that "anka list" shows`
    )
  }
  if (tag !== undefined && !Limits.isTag(tag)) {
    return refuse(`${mistyped.quote(tag)} cannot be a template's tag: give one that "anka show <uuid> tag" shows`)
  }
  const uniqueId = uniqueIds[0] ?? labels.find((label) => label.startsWith(`${runId}-`))
  if (uniqueId !== undefined && !Limits.isWellFormed(uniqueId)) {
    return refuse(`${mistyped.quote(uniqueId)}, which pins it, holds half a character`)
  }
  if (runIds.some((value) => value !== String(runId))) {
    return refuse(`its ${RUN_ID}: label names another run than its own, ${runId}: no runner may take it`)
  }
  return Option.some(
    Either.right({
      template: Template.make({ id: template, tag: Option.fromNullable(tag) }),
      uniqueId: Option.fromNullable(uniqueId),
      priority: Option.map(Option.fromNullable(priorities[0]), Number),
      doubts: [
        ...mistyped.doubts(others),
        ...uniqueIds.flatMap((value) => Option.toArray(mistyped.value(UNIQUE_ID, value)))
      ]
    })
  )
}
