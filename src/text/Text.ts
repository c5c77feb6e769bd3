/**
 * Text from elsewhere, made safe for where it is shown. Strangers name jobs, labels, VMs and hosts; a terminal obeys some of
 * their characters, and others deceive the eye (UTS #55, "Trojan Source"). Such a character is shown as its number. What
 * strangers echo of this process's secrets is hidden, before a bound can cut it.
 */
import * as Option from "effect/Option"
import { areKnown, without } from "../secrets/Secrets.ts"

/** Characters of a text that are shown; a longer one ends with an ellipsis. */
export const LONGEST = 2000
/** Marks on one character: more than the scripts of any language use, and they run into the lines above and below. */
const MARKS = 4

/** Text that can do no harm, and no more than most text has. */
const HARMLESS = /^[\x20-\x7e]*$/

const JOINED = ["Arab", "Beng", "Deva", "Knda", "Mlym", "Sinh", "Taml", "Telu"].map((it) => `\\p{scx=${it}}`).join("")
/** Joins emoji, or letters of scripts that are written joined: there it is part of honest text (UTS #46, CONTEXTJ). */
const JOINER = [
  "\\u200d(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f].)(?=\\p{Extended_Pictographic})",
  `[\\u200c\\u200d](?<=[${JOINED}]\\p{M}{0,${MARKS}}.)(?=[${JOINED}])`
].join("|")
/** Chooses between the forms of a character, once. */
const VARIATION = "[\\ufe0e\\ufe0f](?<=[\\p{S}\\p{N}\\p{P}\\p{Lo}].)"
/** Controls, lone surrogates, separators of lines, and all that is invisible (which has the marks of direction and tags). */
const UNSAFE =
  "[\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Noncharacter_Code_Point}\\p{Default_Ignorable_Code_Point}\\ufff9-\\ufffb]"

/** What may not be shown as it is, and before it what looks like that and may. */
const FOUND = new RegExp(`(?<honest>${JOINER}|${VARIATION})|${UNSAFE}|\\p{M}(?<=(?:^|\\p{M}{${MARKS}}).)`, "gu")

/** Make a text safe by a notation for what is not; most text stays as it is. */
const replaced = (text: string, notation: (found: string) => string): string =>
  HARMLESS.test(text)
    ? text
    : text.replace(FOUND, (found, ...more) => (more.at(-1).honest === undefined ? notation(found) : found))

const numbered = (found: string): string => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`

/** As a JSON string has it. */
const escaped = (found: string): string =>
  Array.from({ length: found.length }, (_, n) => `\\u${found.charCodeAt(n).toString(16).padStart(4, "0")}`).join("")

/** UTF-16 units in which a character that begins before a bound is sure to end. */
const MARGIN = 64

/** The beginning of a text: at most so many UTF-16 units of it, and no character in part. What is told of it is an `excerpt`. */
export const bounded = (text: string, most: number): string => {
  if (text.length <= most) return text
  let kept = 0
  // only here, as it takes memory
  for (const { index, segment } of new Intl.Segmenter().segment(text.slice(0, most + MARGIN))) {
    if (index + segment.length < most) kept = index + segment.length
  }
  return `${text.slice(0, kept)}…`
}

/** The beginning of a text without secrets. A name by which something is found again is `bounded`: it may be a word of a secret. */
export const excerpt = (text: string, most: number): string => bounded(without(text), most)

/** A text in one line, of at most `most` UTF-16 units, without secrets. Line breaks fold to a space; what is not safe to be shown is shown as `\u{1b}`. */
export const visible = (text: string, most = LONGEST): string => {
  const told = without(text)
  return HARMLESS.test(told) && told.length <= most
    ? told
    : bounded(replaced(bounded(told, most).replace(/(?<![ \t])[ \t]*\r?\n[ \t\r\n]*/g, " "), numbered), most)
}

/** A text in one line of Markdown, as GitHub reads it: it names nobody, links and embeds nothing. */
export const markdown = (text: string): string =>
  visible(text)
    // by CommonMark each of these may have a backslash; a comment parts the @ from the name behind it
    .replace(/[\\`*_{}[\]()<>#|!~&$^=:-]/g, "\\$&")
    .replaceAll("@", "@<!-- -->")

/** The texts in JSON, and the names in it. */
const STRINGS = /"(?:[^"\\]|\\.)*"/g

/** One of them without secrets: by its meaning, as a secret's characters may be escaped. */
const told = (string: string): string =>
  Option.match(meaningOf(string), {
    onNone: () => without(string),
    onSome: (text) => {
      const hidden = without(text)
      return hidden === text ? string : JSON.stringify(hidden)
    }
  })

const meaningOf = Option.liftThrowable((string: string): string => JSON.parse(string))

/** JSON text with the same meaning but for its secrets: what is not safe to be shown is escaped. It may have line breaks between its values. */
export const visibleJson = (json: string): string =>
  (areKnown() ? json.replace(STRINGS, told) : json)
    .split("\n")
    .map((line) => replaced(line, escaped))
    .join("\n")
