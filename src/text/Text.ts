/**
 * Makes text from outside safe to show. Others name jobs, labels, VMs and hosts; a terminal obeys some of their
 * characters, and others deceive the eye (UTS #55, "Trojan Source"). Such a character is shown as its number. Secrets
 * of this process that others echo are hidden before the text is shortened, which could cut one in two.
 */
import * as Option from "effect/Option"
import { areKnown, without } from "../secrets/Secrets.ts"

/** Maximum number of characters shown of a text; a longer one ends with an ellipsis. */
export const LONGEST = 2000
/**
 * Maximum number of marks on one character: more than the script of any language uses. Excess marks run into the lines
 * above and below.
 */
const MARKS = 4

/** Text that needs no treatment, which is most text. */
const HARMLESS = /^[\x20-\x7e]*$/

const JOINED = ["Arab", "Beng", "Deva", "Knda", "Mlym", "Sinh", "Taml", "Telu"].map((it) => `\\p{scx=${it}}`).join("")
/**
 * A joiner between emoji, or between letters of scripts that are written joined, where it is a legitimate part of the
 * text (UTS #46, CONTEXTJ).
 */
const JOINER = [
  "\\u200d(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f].)(?=\\p{Extended_Pictographic})",
  `[\\u200c\\u200d](?<=[${JOINED}]\\p{M}{0,${MARKS}}.)(?=[${JOINED}])`
].join("|")
/** A variation selector, which chooses between the forms of a character, once. */
const VARIATION = "[\\ufe0e\\ufe0f](?<=[\\p{S}\\p{N}\\p{P}\\p{Lo}].)"
/** Controls, lone surrogates, line separators, and everything invisible (which includes direction marks and tags). */
const UNSAFE =
  "[\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Noncharacter_Code_Point}\\p{Default_Ignorable_Code_Point}\\ufff9-\\ufffb]"

/** Matches what must not be shown as it is; the group `honest`, tried first, matches what looks the same but may be. */
const FOUND = new RegExp(`(?<honest>${JOINER}|${VARIATION})|${UNSAFE}|\\p{M}(?<=(?:^|\\p{M}{${MARKS}}).)`, "gu")

/** Replaces each unsafe character with a notation for it. */
const replaced = (text: string, notation: (found: string) => string): string =>
  HARMLESS.test(text)
    ? text
    : text.replace(FOUND, (found, ...more) => (more.at(-1).honest === undefined ? notation(found) : found))

const numbered = (found: string): string => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`

/** As a JSON string escapes it. */
const escaped = (found: string): string =>
  Array.from({ length: found.length }, (_, n) => `\\u${found.charCodeAt(n).toString(16).padStart(4, "0")}`).join("")

/** Number of UTF-16 units past a limit within which a character that begins before the limit is certain to end. */
const MARGIN = 64

/**
 * The beginning of a text: at most `most` UTF-16 units, without cutting a character in two. For what people read, use
 * `excerpt`.
 */
export const bounded = (text: string, most: number): string => {
  if (text.length <= most) return text
  let kept = 0
  // built only here, because it takes memory
  for (const { index, segment } of new Intl.Segmenter().segment(text.slice(0, most + MARGIN))) {
    if (index + segment.length < most) kept = index + segment.length
  }
  return `${text.slice(0, kept)}…`
}

/**
 * The beginning of a text without secrets. A name that identifies something uses `bounded` instead, because it may
 * contain a word that is also a secret.
 */
export const excerpt = (text: string, most: number): string => bounded(without(text), most)

/**
 * A text on one line, at most `most` UTF-16 units, without secrets. Line breaks become a space; unsafe characters are
 * shown as `\u{1b}`.
 */
export const visible = (text: string, most = LONGEST): string => {
  const told = without(text)
  return HARMLESS.test(told) && told.length <= most
    ? told
    : bounded(replaced(bounded(told, most).replace(/(?<![ \t])[ \t]*\r?\n[ \t\r\n]*/g, " "), numbered), most)
}

/** A text on one line of Markdown, as GitHub renders it: it mentions nobody, and neither links nor embeds anything. */
export const markdown = (text: string): string =>
  visible(text)
    // CommonMark allows a backslash before each of these; a comment separates the @ from the name after it
    .replace(/[\\`*_{}[\]()<>#|!~&$^=:-]/g, "\\$&")
    .replaceAll("@", "@<!-- -->")

/** The string literals in JSON, keys included. */
const STRINGS = /"(?:[^"\\]|\\.)*"/g

/** A string literal without secrets. It is decoded first, because a secret's characters may be escaped. */
const told = (string: string): string =>
  Option.match(meaningOf(string), {
    onNone: () => without(string),
    onSome: (text) => {
      const hidden = without(text)
      return hidden === text ? string : JSON.stringify(hidden)
    }
  })

const meaningOf = Option.liftThrowable((string: string): string => JSON.parse(string))

/**
 * JSON text with the same meaning except for its secrets; unsafe characters are escaped. Line breaks may stand between
 * its values.
 */
export const visibleJson = (json: string): string =>
  (areKnown() ? json.replace(STRINGS, told) : json)
    .split("\n")
    .map((line) => replaced(line, escaped))
    .join("\n")
