/**
 * How much of what others write enters the daemon: texts, lists, numbers and answers, each with the outside limit that it
 * comes from, or with what honest use needs where nobody names one. The schemas of every entrance are made of these. Pure.
 */
import * as Schema from "effect/Schema"
import { VM_PREFIX } from "../domain/Job.ts"
import { bounded } from "./Text.ts"

/** Maximum number of labels of a runner: GitHub's API, "Create configuration for a just-in-time runner". */
export const LABELS = 100
/** Maximum number of characters of a label: LabelsValidator in src/Runner.Listener/Configuration/Validators.cs of github.com/actions/runner. */
export const LABEL = 256
/** Maximum number of labels of a job, and of UTF-16 units of each, that are kept: more than can be right, so that the refusal tells of both. */
export const SEEN = 1000
/** Maximum number of UTF-16 units that are kept of what somebody named (a job, workflow, run, VM, runner or host). Workflows name jobs as they like; GitHub's page shows some 100 characters. */
export const NAME = 250
/** Maximum number of UTF-16 units that are kept of what a command or a server says of a failure. */
export const WORDS = 500
/** Maximum number of UTF-16 units that are kept of a reason of ours, which may quote such words. */
export const REASON = 2000
/** Maximum number of characters of an address: the longest that all browsers open; one of GitHub's has some 100. A longer one counts as none. */
export const ADDRESS = 2048
/** Maximum number of bytes of one answer of GitHub: a page of 100 jobs with 150 steps each has about 3 MB. */
export const ANSWER = 4 << 20
/** Maximum number of bytes of all pages of one list of GitHub. */
export const LIST = 64 << 20
/** Maximum number of pages of a list of GitHub, 100 items each: the longest one here is of all runners of a group, at most 10,000 (docs.github.com, "Self-hosted runners reference", limits). */
export const PAGES = 100
/** Maximum number of levels of JSON within each other. GitHub's answers have 6, `anka`'s 4, our own 8. */
export const DEPTH = 64
/** Maximum number of characters of a job's request in Redis: one of ours has some 2,000. */
export const REQUEST = 64 << 10
/** Maximum number of characters of what a host tells other hosts of itself: 32 services with a job each are some 20,000. */
export const TOLD = 64 << 10
/** Maximum number of hosts of a scope that are read for people: far more Macs than a fleet has. */
export const HOSTS = 10_000
/** Maximum number of characters of a message of another host: `wake` and the name of a service, or a credential's fingerprint and a time. */
export const MESSAGE = 300
/** Maximum number of different messages of one channel that wait to be heard; a wake-up that is dropped comes with the next look. */
export const MESSAGES = 1000
/** Maximum number of lines of what `anka` prints that are searched for its result: it is the last one, behind the progress of a pull. */
export const LINES = 1000

/** The last moment that a date can tell, in milliseconds since the epoch: ECMA-262, "Time Values and Time Range". */
export const LAST_MOMENT = 8.64e15

/** A number by which a server knows something: a whole one that JavaScript can tell from its neighbours. */
export const Id = Schema.Number.pipe(
  Schema.filter((id) => Number.isSafeInteger(id) && id > 0, { description: "a whole number from 1 to 2^53 - 1" })
)

/** A count, e.g. of attempts. */
export const Count = Schema.Number.pipe(
  Schema.filter((count) => Number.isSafeInteger(count) && count >= 0, {
    description: "a whole number from 0 to 2^53 - 1"
  })
)

/** A moment in milliseconds since the epoch that a date can tell. */
export const Moment = Schema.Number.pipe(
  Schema.filter((at) => at >= 0 && at <= LAST_MOMENT, { description: "milliseconds since the epoch" })
)

/** Whether every surrogate of a text has its other half. What is ill-formed cannot be told in UTF-8, and makes `encodeURIComponent` throw. */
export const isWellFormed = (text: string): boolean => !/\p{Cs}/u.test(text)

/** The text with U+FFFD in place of each half of a character. */
export const wellFormed = (text: string): string => (isWellFormed(text) ? text : text.replace(/\p{Cs}/gu, "\ufffd"))

/** As much of a text of strangers as is kept, well-formed. */
export const kept = (text: string, most: number): string => wellFormed(bounded(text, most))

/** A text of which at most `most` UTF-16 units are kept. */
export const Kept = (most: number) =>
  Schema.transform(Schema.String, Schema.String, {
    strict: true,
    decode: (text) => kept(text, most),
    encode: (text) => text
  })

/** An address; empty where it is too long or ill-formed to be one. */
export const address = (text: string): string => (text.length <= ADDRESS && isWellFormed(text) ? text : "")

/**
 * What a template of Anka can be called: by its UUID, or by a name of letters, digits, blanks and `_ . + -`, which does not
 * begin like an option. Whatever else is written would be a part of a path or an address at a registry. A job's VM is no template.
 */
export const isTemplate = (id: string): boolean =>
  id.length <= LABEL && /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} _.+-]*[\p{L}\p{M}\p{N}_.+-])?$/u.test(id) && !isVm(id)

const isVm = (id: string): boolean => id.toLowerCase().startsWith(VM_PREFIX)

/** What a tag of a template can be called: as a template's name, and with `: @ = ~ , #` in it, as people name what they installed. */
export const isTag = (tag: string): boolean =>
  tag.length <= LABEL && /^[\p{L}\p{N}_](?:[\p{L}\p{M}\p{N} _.+:@=~,#-]*[\p{L}\p{M}\p{N}_.+:@=~,#-])?$/u.test(tag)

const OPENS: ReadonlySet<number> = new Set([0x5b, 0x7b])
const CLOSES: ReadonlySet<number> = new Set([0x5d, 0x7d])
const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Whether no value in this JSON lies deeper than `DEPTH` levels; told before it is parsed, since a parser, a schema and an
 * error's text all walk as deep as a stranger likes. What is no JSON may be called either.
 */
export const isShallow = (json: string | Uint8Array): boolean => {
  const at = typeof json === "string" ? (n: number) => json.charCodeAt(n) : (n: number) => json[n] ?? 0
  let depth = 0
  let isText = false
  for (let n = 0; n < json.length; n++) {
    const unit = at(n)
    if (isText) {
      if (unit === BACKSLASH) n++
      else if (unit === QUOTE) isText = false
    } else if (unit === QUOTE) isText = true
    else if (OPENS.has(unit)) {
      if (++depth > DEPTH) return false
    } else if (CLOSES.has(unit)) depth--
  }
  return true
}

/** Text of at most so many characters that holds JSON of at most `DEPTH` levels. */
export const Json = (most: number) =>
  Schema.String.pipe(
    Schema.filter((text) => text.length <= most && isShallow(text), {
      description: `JSON of at most ${most} characters and ${DEPTH} levels`
    })
  )
