/** The documents: what they lead to and name exists, their lines fit a terminal, and their words are plain. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { assert, describe, it } from "vitest"

/** Every document, by its path. */
const FILES = [
  ...readdirSync(".").filter((name) => name.endsWith(".md")),
  ...readdirSync("docs", { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path))
]

/** Maximum width of a line, in columns. */
const WIDTH = 100

/** Turns that no native writer of the field uses, and words that the documents say otherwise. */
const FOREIGN =
  /\b(?:so (?:long|many|often|much) (?:at most|as)|whoever|(?:is|are) told|by now|anew|lately|mends?|mended|mending|the other way round|in the place of)\b/i

/** The table of findings is in the words of the code, which another test compares with it. */
const GENERATED = "## All findings"

interface Line {
  readonly text: string
  readonly number: number
  /** Within a fenced block. */
  readonly isCode: boolean
}

const linesOf = (document: string): ReadonlyArray<Line> => {
  let isCode = false
  return document.split("\n").map((text, n) => {
    const isFence = /^\s*```/.test(text)
    if (isFence) isCode = !isCode
    return { text, number: n + 1, isCode: isCode || isFence }
  })
}

/** The anchors of a document's headings, as GitHub makes them. */
const anchorsOf = (document: string): ReadonlyArray<string> =>
  linesOf(document).flatMap(({ text, isCode }) =>
    isCode || !/^#+ /.test(text)
      ? []
      : [
          text
            .replace(/^#+ /, "")
            .toLowerCase()
            .replace(/[^\p{L}\p{N} _-]/gu, "")
            .replaceAll(" ", "-")
        ]
  )

const isBroken = (file: string, document: string, target: string): boolean => {
  if (/^https?:/.test(target)) return false
  const [path = "", anchor] = target.split("#")
  const to = normalize(join(dirname(file), path))
  if (!existsSync(to)) return true
  const led = path === "" ? document : to.endsWith(".md") ? readFileSync(to, "utf8") : ""
  return anchor !== undefined && !anchorsOf(led).includes(anchor)
}

/** A path of this repository, wherever it is named. */
const PATH = /(?<![\w./-])(?:src|test|scripts|bench|docs)\/[\w./-]*\w/g

const { scripts }: { readonly scripts: Record<string, string> } = JSON.parse(readFileSync("package.json", "utf8"))

/** What is wrong with a document, as `file:line: what`. */
const faultsOf = (file: string, document: string): ReadonlyArray<string> => {
  const links = [...document.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target)
  const lines = linesOf(document)
  const written = linesOf(document.split(GENERATED)[0] ?? "")
  const at = ({ number }: Line, what: string) => `${file}:${number}: ${what}`
  return [
    ...links.filter((target) => isBroken(file, document, target)).map((target) => `${file}: leads to ${target}`),
    ...lines.flatMap((line) => [
      ...(line.text.match(PATH) ?? []).filter((path) => !existsSync(path)).map((path) => at(line, `names ${path}`)),
      ...[...line.text.matchAll(/npm run ([\w:-]+)/g)]
        .filter(([, name = ""]) => scripts[name] === undefined)
        .map(([command]) => at(line, `names ${command}`))
    ]),
    ...lines
      .filter(({ text, isCode }) => !isCode && [...text].length > WIDTH && !/^(?:\||#|!\[)|\]\(/.test(text))
      .map((line) => at(line, `has ${[...line.text].length} columns`)),
    ...written.flatMap((line) => {
      const [turn] = (line.isCode ? null : line.text.match(FOREIGN)) ?? []
      return turn === undefined ? [] : [at(line, `says "${turn}"`)]
    })
  ]
}

describe("a document", () => {
  it.each(FILES)("%s leads to and names what exists, fits its width, and says it plainly", (file) => {
    assert.strictEqual(faultsOf(file, readFileSync(file, "utf8")).join("\n"), "")
  })

  it.each([
    ["a page that is not there", "see [it](nowhere.md)", /leads to nowhere\.md/],
    ["a heading that is not there", "see [it](redis.md#nowhere)", /leads to redis\.md#nowhere/],
    ["a heading of its own that is not there", "# Here\n\n[it](#there)", /leads to #there/],
    ["a file that is not there", "as in `src/nowhere/None.ts`.", /:1: names src\/nowhere\/None\.ts/],
    ["a script that is not there", "```sh\nnpm run nothing\n```", /:2: names npm run nothing/],
    ["a line that is too long", `${"word ".repeat(20)}end`, /:1: has 103 columns/],
    ["a foreign turn", "Fine.\n\nWhoever asks is told so.", /:3: says "Whoever"/]
  ])("with %s is found", (_, document, fault) => {
    assert.match(faultsOf("docs/planted.md", document).join("\n"), fault)
  })

  it("that leads to what is there has no fault", () => {
    const document = `# Two words: \`x\`\n\n[it](#two-words-x), [Redis](redis.md#keys), \`src/main.ts\`\n\n| ${"word ".repeat(30)} |`
    assert.strictEqual(faultsOf("docs/planted.md", document).join("\n"), "")
  })
})

describe("the worked example of a plugin", () => {
  it("has the number of lines that its page names", () => {
    const lines = readFileSync("docs/examples/folder/index.mjs", "utf8").trimEnd().split("\n").length
    assert.include(readFileSync("docs/plugins.md", "utf8"), `It has ${lines} lines`)
    assert.isAtMost(lines, 45)
  })
})

describe("the README", () => {
  const readme = readFileSync("README.md", "utf8")

  it("leads to every page of docs/", () => {
    for (const file of FILES.filter((file) => /^docs\/[^/]+$/.test(file))) assert.include(readme, `](${file})`)
  })

  it("has the command that runs the tests", () => {
    assert.include(readme, "\n```sh\nnpm ci && npm test\n```\n")
  })
})
