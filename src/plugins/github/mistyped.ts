/** Labels as people mistype them: what was probably meant, and what can never be meant. Pure. */
import * as Option from "effect/Option"
import { distance } from "fastest-levenshtein"
import { without } from "../../secrets/Secrets.ts"

/** Characters of a label that a person is shown. */
const SHOWN = 80

/** A text of a stranger's as a person is shown it: in quotes, so that its ends are seen, and not without end. */
export const quote = (text: string): string => {
  const told = without(text)
  return JSON.stringify(told.length > SHOWN ? `${told.slice(0, SHOWN)}…` : told)
}

/** Without spaces, control characters and characters of no width at its ends: nobody sees them. */
export const trim = (text: string): string => text.replace(/^[\s\p{Cc}\p{Cf}]+|[\s\p{Cc}\p{Cf}]+$/gu, "")

/** A kind of label that Anklet reads. */
interface Key {
  /** How it is written. */
  readonly right: string
  /** The letters of words that are taken for it when they are near. */
  readonly letters: ReadonlyArray<string>
  /** Letters by which a word may differ. */
  readonly far: number
  /** Whether the word must have a value after it: too many other labels have such words. */
  readonly valued: boolean
}

const TEMPLATE: Key = { right: "anka-template:<uuid>", letters: ["ankatemplate"], far: 2, valued: false }
const TAG: Key = { right: "anka-template-tag:<tag>", letters: ["ankatemplatetag", "ankatag"], far: 2, valued: false }

const KEYS: ReadonlyArray<Key> = [
  TAG,
  TEMPLATE,
  { right: "run-id:<run id>", letters: ["runid"], far: 1, valued: true },
  { right: "unique-id:<id>", letters: ["uniqueid"], far: 1, valued: true },
  { right: "anklet-priority-<0 to 9>", letters: ["ankapriority", "ankaprio"], far: 2, valued: false }
]

/** A word that is longer than this is none of ours. */
const WORD = 40

/** As one reads it: full-width letters and colons, and dashes of all kinds, look like plain ones. */
const plain = (label: string) =>
  trim(label)
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/\p{Pd}/gu, "-")

const meant = (label: string): Key | undefined => {
  const text = plain(label)
  const [word = "", ...values] = text.split(/[:=]/)
  const letters = word.replaceAll(/[^a-z]/g, "").replace(/^anklet/, "anka")
  const near = (key: Key) => Math.min(...key.letters.map((known) => distance(known, letters)))
  const [key] =
    word.length > WORD
      ? []
      : KEYS.filter((key) => near(key) <= key.far && (values.length > 0 || !key.valued)).sort(
          (a, b) => near(a) - near(b)
        )
  return key ?? (/ank(a|let)[^a-z0-9]*template/.test(text) ? TEMPLATE : undefined)
}

/** One label where several were meant: behind a comma or a space stands one of ours, or one that all runners have. */
const isSeveral = (text: string) =>
  /[,;\s[]["']?(anka-template(-tag)?|run-id|unique-id)\s?:|[,;\s]["']?anklet-priority-/i.test(text) ||
  /[,;]\s?["']?(self-hosted|anka|macos|arm64|x64)["'\]]?\s?([,;]|$)/i.test(text)

const SEVERAL = "holds several labels in one: give each on a line of its own under `runs-on`"

const say = (label: string, key: Key) =>
  isSeveral(label) ? `its label ${quote(label)} ${SEVERAL}` : `its label ${quote(label)} should be "${key.right}"`

/** Labels of a job that names no template, and one of which looks as if it was meant to: what to say of it. */
export const template = (labels: ReadonlyArray<string>): Option.Option<string> =>
  Option.fromNullable(
    labels.flatMap((label) => {
      const key = meant(label)
      return key === TEMPLATE || key === TAG ? [say(label, key)] : []
    })[0]
  )

/** What is probably not meant as it is written, among the labels that Anklet does not read. */
export const doubts = (labels: ReadonlyArray<string>): ReadonlyArray<string> =>
  labels.flatMap((label) => {
    const key = meant(label)
    return key === undefined ? [] : [`${say(label, key)}, and is not read as it is`]
  })

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?=.)/i
/** Pairs of characters that people put around a value, and that no template or tag has around it. */
const AROUND = /^(".*"|'.*'|`.*`|“.*”|‘.*’|<.*>|\{.*\})$/

/** What can never be meant: the label of this key with this value. */
export const value = (key: string, value: string): Option.Option<string> => {
  const label = `${key}:${value}`
  const so = (why: string) => Option.some(`its label ${quote(label)} ${why}`)
  if (/\$\{\{|\{\{|\}\}/.test(value)) {
    return so(
      "holds an expression that GitHub did not replace: write `${{ … }}` whole, and in no other quotes than YAML's"
    )
  }
  if (isSeveral(value)) return so(SEVERAL)
  if (AROUND.test(value)) return so("has quotes or brackets around its value: leave them out")
  if (UUID.test(value))
    return so("goes on behind the UUID: give each label on a line of its own, a tag as anka-template-tag:<tag>")
  return Option.none()
}
