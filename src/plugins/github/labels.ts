/** From a job's labels to what it wants: a pure function. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { Template } from "../../Job.ts"

/** What a job's labels ask for. */
export interface Plan {
  readonly template: Template
  /** Value of `unique-id`, or the whole `<run id>-<n>` label; none when nothing pins the runner to the job. */
  readonly uniqueId: Option.Option<string>
  /** 0 to 9, lower ones first. */
  readonly priority: Option.Option<number>
}

/** Why labels cannot be satisfied, for the one who wrote the workflow. */
export type Refusal = string

const TEMPLATE = "anka-template:"
const TAG = "anka-template-tag:"
const RUN_ID = "run-id:"
const UNIQUE_ID = "unique-id:"
const PRIORITY = "anklet-priority-"

const valuesOf = (labels: ReadonlyArray<string>, prefix: string): ReadonlyArray<string> => [
  // GitHub matches labels whatever their case, and so do we; values stay as they are
  ...new Set(
    labels.filter((label) => label.toLowerCase().startsWith(prefix)).map((label) => label.slice(prefix.length))
  )
]

/**
 * Read a job's labels. None: the job names no template, so it is not ours.
 *
 * A template or tag that begins with `-` or holds a control character is refused: it would be read as an option.
 */
export const plan = (labels: ReadonlyArray<string>, runId: number): Option.Option<Either.Either<Plan, Refusal>> => {
  const templates = valuesOf(labels, TEMPLATE)
  const tags = valuesOf(labels, TAG)
  const runIds = valuesOf(labels, RUN_ID)
  const uniqueIds = valuesOf(labels, UNIQUE_ID)
  const priorities = valuesOf(labels, PRIORITY)
  const [template] = templates
  if (template === undefined) return Option.none()
  const refuse = (why: string) => Option.some(Either.left(why))
  if (templates.length > 1) return refuse(`it asks for ${templates.length} templates; give one ${TEMPLATE}<uuid> label`)
  if (tags.length > 1) return refuse(`it asks for ${tags.length} tags; give one ${TAG}<tag> label`)
  if (uniqueIds.length > 1) return refuse(`it has ${uniqueIds.length} ${UNIQUE_ID} labels; give one`)
  if (priorities.length > 1 || priorities.some((value) => !/^[0-9]$/.test(value))) {
    return refuse(`its priority must be one label ${PRIORITY}0 (first) to ${PRIORITY}9 (last)`)
  }
  if (!isName(template)) return refuse(`"${template}" cannot be a template's UUID`)
  const [tag] = tags
  if (tag !== undefined && !isName(tag)) return refuse(`"${tag}" cannot be a template's tag`)
  if (runIds.some((value) => value !== String(runId))) {
    return refuse(`its ${RUN_ID} label names another run than its own, ${runId}: no runner may take it`)
  }
  return Option.some(
    Either.right({
      template: Template.make({ id: template, tag: Option.fromNullable(tag) }),
      uniqueId: Option.orElse(Option.fromNullable(uniqueIds[0]), () =>
        Option.fromNullable(labels.find((label) => label.startsWith(`${runId}-`)))
      ),
      priority: Option.map(Option.fromNullable(priorities[0]), Number)
    })
  )
}

// control characters, and what the hypervisor would read as an option
const isName = (value: string) => value !== "" && !value.startsWith("-") && !/[\p{Cc}]/u.test(value)
