/** Damaged text: what an editor, a proxy, a full disk or another version makes of good text. */
import * as FastCheck from "effect/FastCheck"

const ODD = ["\u0000", "\uFEFF", "\r\n", "\t", "{", "}", "[", "]", '"', "'", ":", "&a", "*a", "!!js", "<<: *a", "null"]

/** One edit: a cut, an insertion, a doubling, or a swap of two parts. */
const edit = FastCheck.record({
  kind: FastCheck.constantFrom("cut", "insert", "double", "swap"),
  at: FastCheck.double({ min: 0, max: 1, noNaN: true }),
  length: FastCheck.nat({ max: 40 }),
  text: FastCheck.oneof(FastCheck.constantFrom(...ODD), FastCheck.string({ maxLength: 8 }), FastCheck.fullUnicode())
})

/** A text after a few edits; also nothing at all, and the text itself. */
export const damaged = (text: string): FastCheck.Arbitrary<string> =>
  FastCheck.array(edit, { maxLength: 4 }).map((edits) =>
    edits.reduce((text, { kind, at, length, text: put }) => {
      const from = Math.floor(at * text.length)
      const [before, part, after] = [text.slice(0, from), text.slice(from, from + length), text.slice(from + length)]
      switch (kind) {
        case "cut":
          return before + after
        case "insert":
          return before + put + part + after
        case "double":
          return before + part + part + after
        default:
          return before + after + part
      }
    }, text)
  )

/** Any text, or any value as JSON, or a damaged one of these. */
export const anything = (...samples: ReadonlyArray<string>): FastCheck.Arbitrary<string> =>
  FastCheck.oneof(
    FastCheck.fullUnicodeString(),
    FastCheck.json(),
    ...samples.map((sample) => damaged(sample)),
    FastCheck.constantFrom(...samples, "")
  )
