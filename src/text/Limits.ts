/**
 * Limits on the text, lists, numbers and answers that enter the daemon from outside. Each names the external limit that
 * it comes from or, where nobody documents one, what legitimate use needs. The schemas of all inputs are built from
 * these. Pure.
 */
import * as Schema from "effect/Schema"
import { isOurName } from "../domain/Job.ts"
import { bounded } from "./Text.ts"

/** Maximum number of labels of a runner: GitHub's API, "Create configuration for a just-in-time runner". */
export const LABELS = 100
/** Maximum number of characters of a label: LabelsValidator in src/Runner.Listener/Configuration/Validators.cs of github.com/actions/runner. */
export const LABEL = 256
/**
 * Maximum number of labels of a job, and of UTF-16 units of each, that are kept: more than can be valid, so that the
 * refusal can name both limits.
 */
export const SEEN = 1000
/**
 * Maximum number of UTF-16 units kept of a name that others chose (of a job, workflow, run, VM, runner or host).
 * Workflows name jobs freely; GitHub's page shows about 100 characters.
 */
export const NAME = 250
/** Maximum number of UTF-16 units kept of an error message from a command or a server. */
export const WORDS = 500
/** Maximum number of UTF-16 units kept of a reason that Anklet gives, which may quote such a message. */
export const REASON = 2000
/**
 * Maximum number of characters of an address: the longest that all browsers open. GitHub's have about 100. A longer one
 * is treated as absent.
 */
export const ADDRESS = 2048
/** Maximum number of bytes of one answer from GitHub: a page of 100 jobs with 150 steps each has about 3 MB. */
export const ANSWER = 4 << 20
/** Maximum number of bytes of all pages of one list from GitHub. */
export const LIST = 64 << 20
/**
 * Maximum number of pages of a list from GitHub, 100 items each. The longest list read here is of all runners of a
 * group, at most 10,000 (docs.github.com, "Self-hosted runners reference", limits).
 */
export const PAGES = 100
/** Maximum depth of nested JSON. GitHub's answers have 6 levels, `anka`'s 4, our own 8. */
export const DEPTH = 64
/** Maximum number of characters of a job's request in Redis; ours have about 2,000. */
export const REQUEST = 64 << 10
/** Maximum number of characters of what a plugin keeps of a job, as JSON: it is part of the job's request. */
export const DETAIL = 16 << 10
/**
 * Maximum number of characters of what a host publishes about itself to other hosts: 32 services with a job each take
 * about 20,000.
 */
export const TOLD = 64 << 10
/** Maximum number of hosts of a scope that are read for display: far more Macs than any fleet has. */
export const HOSTS = 10_000
/**
 * Maximum number of characters of a message from another host: `wake` and the name of a service, or a credential's
 * fingerprint and a time.
 */
export const MESSAGE = 300
/** Maximum number of distinct messages that wait on one channel. A dropped wake-up is made good by the next poll. */
export const MESSAGES = 1000
/**
 * Maximum number of lines of `anka`'s output that are searched for its result, which is the last line, after the
 * progress of a pull.
 */
export const LINES = 1000

/**
 * The last moment that a date can represent, in milliseconds since the epoch: ECMA-262, "Time Values and Time Range".
 */
export const LAST_MOMENT = 8.64e15

/** A server's numeric identifier: an integer that JavaScript represents exactly. */
export const Id = Schema.Number.pipe(
  Schema.filter((id) => Number.isSafeInteger(id) && id > 0, { description: "a whole number from 1 to 2^53 - 1" })
)

/** A count, e.g. of attempts. */
export const Count = Schema.Number.pipe(
  Schema.filter((count) => Number.isSafeInteger(count) && count >= 0, {
    description: "a whole number from 0 to 2^53 - 1"
  })
)

/** A moment in milliseconds since the epoch that a date can represent. */
export const Moment = Schema.Number.pipe(
  Schema.filter((at) => at >= 0 && at <= LAST_MOMENT, { description: "milliseconds since the epoch" })
)

/**
 * Whether every surrogate in a text is paired. Ill-formed text cannot be encoded in UTF-8, and makes
 * `encodeURIComponent` throw.
 */
export const isWellFormed = (text: string): boolean => !/\p{Cs}/u.test(text)

/** The text with U+FFFD in place of each unpaired surrogate. */
export const wellFormed = (text: string): string => (isWellFormed(text) ? text : text.replace(/\p{Cs}/gu, "\ufffd"))

/** The beginning of an untrusted text, at most `most` UTF-16 units, well-formed. */
export const kept = (text: string, most: number): string => wellFormed(bounded(text, most))

/** A text of which at most `most` UTF-16 units are kept. */
export const Kept = (most: number) =>
  Schema.transform(Schema.String, Schema.String, {
    strict: true,
    decode: (text) => kept(text, most),
    encode: (text) => text
  })

/** An address; empty if the text is too long or ill-formed to be one. */
export const address = (text: string): string => (text.length <= ADDRESS && isWellFormed(text) ? text : "")

/**
 * Whether a text can name an Anka template: a UUID, or a name of letters, digits, spaces and `_ . + -` that does not
 * begin like an option. Anything else would become part of a path or of an address at a registry. The VM of a job is
 * not a template.
 */
export const isTemplate = (id: string): boolean =>
  id.length <= LABEL && /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} _.+-]*[\p{L}\p{M}\p{N}_.+-])?$/u.test(id) && !isVm(id)

const isVm = (id: string): boolean => isOurName(id.toLowerCase())

/**
 * Whether a text can be a template's tag: like a template's name, plus `: @ = ~ , #`, which people use to name what
 * they installed.
 */
export const isTag = (tag: string): boolean =>
  tag.length <= LABEL && /^[\p{L}\p{N}_](?:[\p{L}\p{M}\p{N} _.+:@=~,#-]*[\p{L}\p{M}\p{N}_.+:@=~,#-])?$/u.test(tag)

const OPENS: ReadonlySet<number> = new Set([0x5b, 0x7b])
const CLOSES: ReadonlySet<number> = new Set([0x5d, 0x7d])
const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Whether the values in this JSON are nested at most `DEPTH` levels deep. Checked before parsing, because a parser, a
 * schema and an error's text all recurse as deep as an untrusted sender chooses. The answer for text that is not JSON
 * is unspecified.
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

/** Text of at most `most` characters that holds JSON of at most `DEPTH` levels. */
export const Json = (most: number) =>
  Schema.String.pipe(
    Schema.filter((text) => text.length <= most && isShallow(text), {
      description: `JSON of at most ${most} characters and ${DEPTH} levels`
    })
  )
