/** The prose of the source and of the documents: comments that name the actor and the limit, Markdown that fits a terminal. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { assert, describe, it } from "vitest"

/** What no comment may contain, and what to write instead. */
const PATTERNS: ReadonlyArray<readonly [pattern: RegExp, instead: string]> = [
  [/^(?:So (?:many|much|long|often)|At most so)\b/, "Maximum number of …, Timeout of …, Interval between …"],
  [/^How (?:many|much|often)\b|^How long (?:a|an|the|no)\b/, "Number of …, Timeout of …, Lifetime of …"],
  [/\bso (?:many|much|long|often)\b(?! (?:as|that)\b)/i, "the number, the time or the interval"],
  [/\bwhoever\b/i, "the actor"],
  [/\b(?:is|are|was|were|be) told\b/i, "who reports, receives or logs what"],
  [/\bby now\b/i, "already, since"],
  [/\banew\b/i, "again"],
  [/\blately\b/i, "recently"],
  [/\bfor ever\b/i, "forever"],
  [/\bmend(?:s|ed)?\b/i, "fix"]
]

/** Beginnings of the paths whose comments have not been edited yet. */
const UNEDITED: ReadonlyArray<string> = []

/** Maximum number of columns of a line of Markdown: what a terminal and a diff show side by side. */
const COLUMNS = 100

const isLiteral = (node: ts.Node): boolean =>
  ts.isStringLiteral(node) ||
  ts.isRegularExpressionLiteral(node) ||
  ts.isNoSubstitutionTemplateLiteral(node) ||
  ts.isTemplateHead(node) ||
  ts.isTemplateMiddleOrTemplateTail(node)

/** A text with spaces in place of its literals, which may contain what looks like a comment. */
const withoutLiterals = (file: string, text: string): string => {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest)
  let kept = ""
  let at = 0
  const walk = (node: ts.Node): void => {
    if (isLiteral(node)) {
      const start = node.getStart(source)
      kept += text.slice(at, start) + text.slice(start, node.end).replace(/[^\n]/g, " ")
      at = node.end
    } else ts.forEachChild(node, walk)
  }
  walk(source)
  return kept + text.slice(at)
}

/** The comments of a file, each as one line of text with the number of its first line. */
const commentsIn = (file: string, text: string): ReadonlyArray<readonly [line: number, comment: string]> =>
  [...withoutLiterals(file, text).matchAll(/\/\*[\s\S]*?\*\/|\/\/.*/g)].map(({ index, 0: comment }) => [
    text.slice(0, index).split("\n").length,
    comment
      .replace(/^\/\*+|\*\/$|^\/\//g, "")
      .replace(/\n\s*\*/g, " ")
      .replace(/\s+/g, " ")
      .trim()
  ])

const wrongIn = (file: string, text: string): ReadonlyArray<string> =>
  commentsIn(file, text).flatMap(([line, comment]) =>
    PATTERNS.flatMap(([pattern, instead]) => {
      const [found] = comment.match(pattern) ?? []
      return found === undefined ? [] : [`${file}:${line}: "${found}": say ${instead}`]
    })
  )

/** The lines of a Markdown text that are too long; tables, code, headings and links cannot be wrapped. */
const tooLongIn = (file: string, text: string): ReadonlyArray<string> => {
  let isCode = false
  return text.split("\n").flatMap((line, index) => {
    if (/^\s*(```|~~~)/.test(line)) isCode = !isCode
    const isFixed = isCode || /^\s*[|#]|^\s*\[[^\]]+\]: |\]\(|https?:\/\//.test(line)
    return isFixed || line.length <= COLUMNS ? [] : [`${file}:${index + 1}: ${line.length} columns`]
  })
}

const filesIn = (folder: string, ending: RegExp): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => ending.test(path))
    .map((path) => join(folder, path))

describe("the comments of the source", () => {
  it("name the actor and the limit", () => {
    const files = filesIn("src", /\.[jt]s$/)
    assert.isAbove(files.length, 150)
    const edited = files.filter((file) => !UNEDITED.some((path) => file.startsWith(path)))
    assert.deepStrictEqual(
      edited.flatMap((file) => wrongIn(file, readFileSync(file, "utf8"))),
      []
    )
  })

  it("are read by this test, wherever they stand, and nothing else is", () => {
    const planted = [
      "/** So many jobs are kept. */",
      "const JOBS = 3 // whoever asks",
      "const text = `// by now ${/* it starts anew */ JOBS} /** lately */`",
      'const pattern = /"\\/\\/ whoever/',
      "interface A {",
      "  /**",
      "   * The host that is",
      "   * told of it.",
      "   */",
      "  readonly a: string",
      "}",
      "// as long as it is so long that it fits"
    ].join("\n")
    assert.deepStrictEqual(
      wrongIn("planted.ts", planted).map((wrong) => wrong.split(": say ")[0]),
      [
        'planted.ts:1: "So many"',
        'planted.ts:1: "So many"',
        'planted.ts:2: "whoever"',
        'planted.ts:3: "anew"',
        'planted.ts:6: "is told"'
      ]
    )
  })
})

describe("the documents", () => {
  it("fit into 100 columns", () => {
    const files = [...readdirSync(".").filter((name) => name.endsWith(".md")), ...filesIn("docs", /\.md$/)]
    assert.isAbove(files.length, 15)
    assert.deepStrictEqual(
      files.flatMap((file) => tooLongIn(file, readFileSync(file, "utf8"))),
      []
    )
  })

  it("are measured by this test, except for what cannot be wrapped", () => {
    const long = "word ".repeat(30)
    const text = ["# A", long, `| ${long} |`, "```", long, "```", `[A page](${long})`, long].join("\n")
    assert.deepStrictEqual(tooLongIn("planted.md", text), ["planted.md:2: 150 columns", "planted.md:8: 150 columns"])
  })
})
