/** Names that others may give a job, a VM or a host to deceive the person who reads them. */
import * as FastCheck from "effect/FastCheck"

/** A title, a clipboard, a link, a cleared screen, colours, C1, a carriage return, forged rows, directions, tags, half a character. */
export const HOSTILE = [
  "x\u001b]0;pwned\u0007",
  "\u001b]52;c;cm0gLXJm\u001b\\",
  "\u001b]8;;http://evil.example\u001b\\click",
  "\u001b[2J\u001b[H\u001b[31m",
  "\u009b31m\u0085\b\u007f\u0000",
  "\rFORGED\r\nFORGED row\nFORGED row\u2028FORGED row\u2029FORGED\u000bFORGED\u000c",
  "\u202egnp.exe\u202c\u2066\u2069\u200e\u200f\u061c",
  "\u200b\u2060\ufeff\u00ad\u180e\u3164\u{e0041}\u{e007f}",
  "a\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308",
  "\ud800y\udc00"
].join("")

/** Any of these in any order, with anything else. */
export const hostile: FastCheck.Arbitrary<string> = FastCheck.oneof(
  FastCheck.array(
    FastCheck.oneof(
      FastCheck.constantFrom(...HOSTILE),
      FastCheck.string16bits({ maxLength: 4 }),
      FastCheck.fullUnicode()
    ),
    { maxLength: 60 }
  ).map((parts) => parts.join("")),
  FastCheck.constant(HOSTILE),
  FastCheck.nat({ max: 5000 }).map((length) => HOSTILE.repeat(Math.ceil(length / HOSTILE.length)).slice(0, length))
)

/** What must not reach a terminal or page unescaped, except line breaks. */
const RAW =
  /[^\P{Cc}\n]|[\p{Cs}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\u3164\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]|\p{M}{6}/u

/** The first unescaped character, by its number; with `coloured` our own colours are allowed. */
export const raw = (text: string, coloured = false): string | undefined => {
  const found = (coloured ? text.replaceAll(OURS, "") : text).match(RAW)?.[0].codePointAt(0)
  return found === undefined ? undefined : `U+${found.toString(16)}`
}
const OURS = new RegExp(`${String.fromCharCode(27)}\\[(0|1|2|3[1236])m`, "g")

/** Whether a line begins with text that only another party wrote. */
export const isForged = (text: string): boolean => /^ {0,1}FORGED/m.test(text)
